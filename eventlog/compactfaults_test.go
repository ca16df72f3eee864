package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/record"
)

// compactWorld is a disk with a log of some segments, and what is to be erased:
// bodies in sealed segments, not in all of them, and in the active one.
type compactWorld struct {
	fs     *faultfs.FS
	before []eventlog.Record
	// headers are those of the files before.
	headers []record.Header
	gone    map[eventlog.Position]bool
}

func newCompactWorld(t *testing.T, empty *faultfs.FS) *compactWorld {
	w := &compactWorld{fs: empty, gone: map[eventlog.Position]bool{}}
	l, stop := start(t, faultDir, faultOptions(w.fs))
	fillSmall(t, l, 120)
	w.before = snapshot(t, l)
	for _, p := range []eventlog.Position{1, 2, 40, 41, 42, eventlog.Position(len(w.before)) - 2, eventlog.Position(len(w.before)) - 1} {
		if w.before[p].HasBody {
			w.gone[p] = true
		}
	}
	if l.Stats().Segments < 4 || len(w.gone) < 4 {
		t.Fatalf("%d segments, %v to be erased: the test has lost its grip", l.Stats().Segments, w.gone)
	}
	stop()
	w.fs.PowerCut(faultfs.Nothing, nil)
	w.headers = headersOn(t, w.fs)
	return w
}

func (w *compactWorld) positions() []eventlog.Position { return slices.Sorted(maps.Keys(w.gone)) }

// look reads everything: what is not to be erased is there, what is may be. It
// returns what is erased.
func (w *compactWorld) look(t *testing.T, l *eventlog.Log) map[eventlog.Position]bool {
	t.Helper()
	erased := map[eventlog.Position]bool{}
	n := 0
	if err := l.Scan(background, 0, false, func(r eventlog.Record) error {
		n++
		if int(r.Position) >= len(w.before) {
			return nil // appended since
		}
		if r.Erased {
			erased[r.Position] = true
		}
		if r.Erased && !w.gone[r.Position] || !bytes.Equal(r.Metadata, w.before[r.Position].Metadata) {
			return fmt.Errorf("record %d is %+v", r.Position, r)
		}
		return nil
	}); err != nil || n < len(w.before) {
		t.Fatalf("Scan = %d records, %v", n, err)
	}
	checkErased(t, l, snapshotOf(l, w.before), erased)
	return erased
}

// finish opens the log after a fault, and compacts once more: then all is done.
func (w *compactWorld) finish(t *testing.T, fs *faultfs.FS) (erased int) {
	t.Helper()
	l, _, err := eventlog.Open(faultDir, faultOptions(fs))
	if err != nil {
		t.Fatalf("Open after the fault = %v", err)
	}
	for _, name := range fs.Names() {
		if strings.Contains(name, "compact-") {
			t.Errorf("%s is left after Open", name)
		}
	}
	stop := run(l)
	erased = len(w.look(t, l))
	mustCommit(t, l, "life goes on")
	mustCompact(t, l, slices.Values(w.positions()))
	if now := w.look(t, l); len(now) != len(w.gone) {
		t.Errorf("at last %d are erased, want %d", len(now), len(w.gone))
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Fatalf("Run, Close after the fault = %v, %v", ran, closed)
	}
	fs.PowerCut(faultfs.Nothing, nil)
	l = open(t, faultDir, faultOptions(fs))
	defer l.Close()
	if now := w.look(t, l); len(now) != len(w.gone) {
		t.Errorf("after a power cut %d are erased, want %d", len(now), len(w.gone))
	}
	w.checkKeys(t, fs)
	return erased
}

// compactWith lets a fault come into a compaction, and says how many operations
// there were.
func (w *compactWorld) compactWith(t *testing.T, fs *faultfs.FS, arm func()) (operations int, err error) {
	t.Helper()
	l, stop := start(t, faultDir, faultOptions(fs))
	arm()
	_, err = l.Compact(background, slices.Values(w.positions()), eventlog.CompactOptions{})
	operations = fs.Operations()
	fs.FailAt(0, faultfs.None) // a fault that has not come yet is not to come in what follows
	if _, dead := l.Read(0); !errors.Is(dead, faultfs.ErrHalted) {
		w.look(t, l)
		if _, err := commit(l, "it goes on"); err != nil && !errors.Is(err, eventlog.ErrFailed) && !errors.Is(err, eventlog.ErrOutcomeUnknown) {
			t.Errorf("commit after the fault = %v", err)
		}
	}
	_, _ = stop() // tell of the fault, maybe
	return operations, err
}

// checkKeys sees that all files are encrypted if they are to be, and that nobody has the
// key of a file that was replaced.
func (w *compactWorld) checkKeys(t *testing.T, fs *faultfs.FS) {
	t.Helper()
	keys := keysOn(fs)
	if keys == nil {
		return
	}
	there := map[[8]byte]bool{}
	for _, h := range headersOn(t, fs) {
		if there[h.SegmentID] = true; h.Scheme == record.Plain {
			t.Errorf("segment %d is not encrypted", h.Number)
		}
	}
	for _, h := range w.headers {
		if _, err := keys.Key(eventlog.SegmentKey(h.SegmentID)); !there[h.SegmentID] && !errors.Is(err, keyring.ErrNoKey) {
			t.Errorf("the key of the file that segment %d was = %v, want ErrNoKey", h.Number, err)
		}
	}
}

func TestCompact_survives_a_fault_at_every_operation(t *testing.T) {
	survivesCompactFaults(t, newCompactWorld(t, faultfs.New()), 1)
}

func TestCompact_survives_a_fault_at_every_operation_when_encrypted(t *testing.T) {
	survivesCompactFaults(t, newCompactWorld(t, newDisk(t, true)), 5)
}

func TestCompact_survives_a_fault_at_every_operation_when_it_encrypts(t *testing.T) {
	w := newCompactWorld(t, faultfs.New())
	addKeyring(t, w.fs)
	survivesCompactFaults(t, w, 7)
}

// survivesCompactFaults tries every stride-th operation of a compaction, the last ones
// and what follows.
func survivesCompactFaults(t *testing.T, w *compactWorld, stride int) {
	whole := w.fs.Clone()
	total, err := w.compactWith(t, whole, func() { whole.FailAt(0, faultfs.None) })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations", total)
	if testing.Short() {
		stride *= 5
	}
	var operations []int
	for n := 1; n < total-2; n += stride {
		operations = append(operations, n)
	}
	for n := total - 2; n <= total+3; n++ {
		operations = append(operations, n)
	}
	outcomes := map[string]int{}
	for _, n := range operations {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			for _, halts := range []bool{false, true} {
				name := fmt.Sprintf("operation %d, effect %d, halts %v", n, effect, halts)
				if !t.Run(name, func(t *testing.T) {
					fs := w.fs.Clone()
					_, err := w.compactWith(t, fs, func() {
						if halts {
							fs.HaltAt(n, effect)
						} else {
							fs.FailAt(n, effect)
						}
					})
					if err == nil {
						outcomes["done all the same"]++
					} else if _, damage := errors.AsType[*eventlog.CorruptError](err); damage {
						t.Errorf("a failing disk is taken for damage: %v", err)
					}
					for i, fate := range slices.Sorted(maps.Keys(fates(uint64(n)))) {
						if (i+n+2*int(effect))%5 > 0 && !(halts && i == n%5) {
							continue // one or two of five at a time
						}
						disk := fs.Clone()
						fates(uint64(n))[fate](disk)
						t.Run(fate, func(t *testing.T) {
							switch erased := w.finish(t, disk); erased {
							case 0:
								outcomes["nothing erased"]++
							case len(w.gone):
								outcomes["all erased"]++
							default:
								outcomes["some erased"]++
							}
						})
					}
				}) {
					t.FailNow() // the rest would say the same
				}
			}
		}
	}
	t.Logf("%v", outcomes)
	for _, outcome := range []string{"nothing erased", "some erased", "all erased", "done all the same"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no run had the outcome %q: the test has lost its grip", outcome)
		}
	}
}
