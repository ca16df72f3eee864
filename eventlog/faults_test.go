package eventlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
)

const faultDir = "data/log"

// faultOptions makes segments so small that a short life seals several. On a disk with a
// keyring they are encrypted.
func faultOptions(fs *faultfs.FS) eventlog.Options {
	return eventlog.Options{FS: fs, SegmentBytes: 4 << 10, MinFreeBytes: -1, Keys: keysOn(fs)}
}

// life is what one process did with a log.
type life struct {
	accepted [][]string // by Append, in order
	durable  int        // how many of them WaitDurable confirmed
	failed   bool       // the log took no more
}

// live opens the log and commits to it until it is done or the log fails. It
// checks what must hold while the process lives.
func live(t *testing.T, fs *faultfs.FS, commits int) (l life) {
	t.Helper()
	log, _, err := eventlog.Open(faultDir, faultOptions(fs))
	if err != nil {
		return l
	}
	stop := run(log)
	var ends []eventlog.Position // of what was accepted
	for i := 0; i < commits && !l.failed; i++ {
		// Two at a time, so that groups of several commits occur.
		for k := range 2 {
			names := commitNames(2*i + k)
			a, err := log.Append(background, batch(log, names...))
			switch {
			case err == nil:
				l.accepted = append(l.accepted, names)
				ends = append(ends, a.First+eventlog.Position(a.Count))
			case errors.Is(err, eventlog.ErrFailed):
				l.failed = true
			case !errors.Is(err, eventlog.ErrDiskFull) && !errors.Is(err, eventlog.ErrNewKey):
				t.Fatalf("Append = %v", err)
			}
		}
		for l.durable < len(ends) && !l.failed {
			if err := log.WaitDurable(background, ends[l.durable]); err == nil {
				l.durable++
			} else if l.failed = true; !errors.Is(err, eventlog.ErrOutcomeUnknown) {
				t.Fatalf("WaitDurable = %v", err)
			}
		}
	}
	if l.failed {
		if _, err := commit(log, "after the failure"); !errors.Is(err, eventlog.ErrFailed) {
			t.Fatalf("Append after a failure = %v, want ErrFailed", err)
		}
	}
	ran, _ := stop()
	if l.failed && ran == nil {
		t.Fatal("Run() of a failed log = nil")
	}
	return l
}

func commitNames(i int) (names []string) {
	for r := range 1 + i%4 {
		names = append(names, fmt.Sprintf("commit %d record %d %*s", i, r, i%9, ""))
	}
	return names
}

// check opens the log after a fault: everything confirmed is there, in order,
// nothing else but what was accepted, and it can be written to. seen is what a
// reader saw.
func (l life) check(t *testing.T, fs *faultfs.FS) (seen [][]string) {
	t.Helper()
	log, _, err := eventlog.Open(faultDir, faultOptions(fs))
	if err != nil {
		t.Fatalf("Open after the fault = %v", err)
	}
	if seen, err = contents(log); err != nil {
		t.Fatalf("Scan after the fault = %v", err)
	}
	if len(seen) < l.durable || len(seen) > len(l.accepted) {
		t.Fatalf("%d commits after the fault, of %d accepted and %d confirmed", len(seen), len(l.accepted), l.durable)
	}
	for i := range seen {
		if !reflect.DeepEqual(seen[i], l.accepted[i]) {
			t.Fatalf("commit %d is %q, want %q", i, seen[i], l.accepted[i])
		}
	}
	// What was read once stays, also if the power goes before anything is written.
	fs.PowerCut(faultfs.Nothing, nil)
	log.Close() // of the dead process
	log = open(t, faultDir, faultOptions(fs))
	stop := run(log)
	if _, err := commit(log, "and then", "life goes on"); err != nil {
		t.Fatalf("commit after the fault = %v", err)
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Fatalf("Run, Close after the fault = %v, %v", ran, closed)
	}
	fs.PowerCut(faultfs.Nothing, nil)
	log = open(t, faultDir, faultOptions(fs))
	defer log.Close()
	again, err := contents(log)
	if err != nil || len(again) != len(seen)+1 || len(seen) > 0 && !reflect.DeepEqual(again[:len(seen)], seen) {
		t.Fatalf("at last %d commits where %d were read and one added, %v", len(again), len(seen), err)
	}
	return seen
}

// fates is what may happen to the machine after a process has ended.
func fates(seed uint64) map[string]func(*faultfs.FS) {
	cut := func(s faultfs.Survival, stream uint64) func(*faultfs.FS) {
		return func(fs *faultfs.FS) { fs.PowerCut(s, rand.New(rand.NewPCG(seed, stream))) }
	}
	return map[string]func(*faultfs.FS){
		"restart":               (*faultfs.FS).Restart,
		"power cut, nothing":    cut(faultfs.Nothing, 0),
		"power cut, everything": cut(faultfs.Everything, 0),
		"power cut, pieces 1":   cut(faultfs.Pieces, 1),
		"power cut, pieces 2":   cut(faultfs.Pieces, 2),
	}
}

func TestLog_survives_a_fault_at_every_operation(t *testing.T) {
	survivesFaults(t, faultfs.New(), 1)
}

func TestLog_survives_a_fault_at_every_operation_when_encrypted(t *testing.T) {
	survivesFaults(t, newDisk(t, true), 3)
}

// survivesFaults tries every stride-th operation of a log on an empty disk.
func survivesFaults(t *testing.T, empty *faultfs.FS, stride int) {
	const commits = 12
	whole := empty.Clone()
	if l := live(t, whole, commits); l.failed || l.durable != 2*commits {
		t.Fatalf("without a fault: %+v", l)
	}
	total := whole.Operations()
	t.Logf("%d operations", total)
	if testing.Short() {
		stride *= 5
	}
	outcomes := map[string]int{}
	for n := 1; n <= total+3; n += stride {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			for _, halts := range []bool{false, true} {
				name := fmt.Sprintf("operation %d, effect %d, halts %v", n, effect, halts)
				faultAt(t, name, empty.Clone(), n, effect, halts, commits, outcomes)
			}
		}
	}
	t.Logf("%v", outcomes)
	for _, outcome := range []string{"failed", "went on", "unconfirmed survived", "unconfirmed lost"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no run had the outcome %q: the test has lost its grip", outcome)
		}
	}
}

func faultAt(t *testing.T, name string, fs *faultfs.FS, n int, effect faultfs.Effect, halts bool, commits int, outcomes map[string]int) {
	if halts {
		fs.HaltAt(n, effect)
	} else {
		fs.FailAt(n, effect)
	}
	ok := t.Run(name, func(t *testing.T) {
		l := live(t, fs, commits)
		if l.failed {
			outcomes["failed"]++
			// Nothing is done to the files after a failure, least of all a second sync.
			if got := fs.Operations(); !halts && got != n {
				t.Errorf("%d operations after the failed one", got-n)
			}
		} else {
			outcomes["went on"]++
		}
		for fate, strike := range fates(uint64(n)) {
			disk := fs.Clone()
			strike(disk)
			t.Run(fate, func(t *testing.T) {
				if seen := l.check(t, disk); len(seen) > l.durable {
					outcomes["unconfirmed survived"]++
				} else if len(seen) < len(l.accepted) {
					outcomes["unconfirmed lost"]++
				}
			})
		}
	})
	if !ok {
		t.FailNow() // the rest would say the same
	}
}

func TestOpen_survives_a_fault_at_every_operation(t *testing.T) {
	want := 4
	if testing.Short() {
		want = 1
	}
	torn := 0
	for seed := uint64(0); torn < want; seed++ {
		if seed == 200 {
			t.Fatal("too few seeds give a torn tail: the test has lost its grip")
		}
		fs := newDisk(t, seed%2 == 1)
		fs.HaltAt(20+int(seed), faultfs.Partial)
		l := live(t, fs, 30)
		fs.PowerCut(faultfs.Pieces, rand.New(rand.NewPCG(seed, 0)))

		whole := fs.Clone()
		log, recovery, err := eventlog.Open(faultDir, faultOptions(whole))
		if err != nil {
			t.Fatalf("Open = %v", err)
		}
		log.Close()
		if recovery.TornFile == "" {
			continue
		}
		torn++
		for n := 1; n <= whole.Operations(); n++ {
			for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
				disk := fs.Clone()
				disk.HaltAt(n, effect)
				if log, _, err := eventlog.Open(faultDir, faultOptions(disk)); err == nil {
					log.Close() // the fault was harmless, or came in Close
				} else if _, damage := errors.AsType[*eventlog.CorruptError](err); damage {
					t.Fatalf("seed %d operation %d: a failing disk is taken for damage: %v", seed, n, err)
				}
				disk.PowerCut(faultfs.Pieces, rand.New(rand.NewPCG(seed, uint64(n))))
				l.check(t, disk)
			}
		}
	}
}

func TestLog_survives_one_power_cut_after_the_other(t *testing.T) {
	lives := 80
	if testing.Short() {
		lives = 20
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	fs := newDisk(t, seed%2 == 1)
	var confirmed [][]string
	for i := range lives {
		fs.HaltAt(1+random.IntN(60+5*len(fs.Names())), faultfs.Effect(random.IntN(3)))
		l := live(t, fs, 10)
		fs.PowerCut(faultfs.Survival(random.IntN(3)), random)
		log, _, err := eventlog.Open(faultDir, faultOptions(fs))
		if err != nil {
			t.Fatalf("seed %d life %d: Open = %v", seed, i, err)
		}
		seen, err := contents(log)
		log.Close()
		least := append(confirmed[:len(confirmed):len(confirmed)], l.accepted[:l.durable]...)
		most := append(confirmed[:len(confirmed):len(confirmed)], l.accepted...)
		if err != nil || len(seen) < len(least) || len(seen) > len(most) ||
			len(seen) > 0 && !reflect.DeepEqual(seen, most[:len(seen)]) {
			t.Fatalf("seed %d life %d: %d commits, at least %d, at most %d, %v", seed, i, len(seen), len(least), len(most), err)
		}
		confirmed = seen
	}
	t.Logf("%d commits survived %d power cuts", len(confirmed), lives)
}
