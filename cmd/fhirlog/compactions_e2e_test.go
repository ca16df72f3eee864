package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/cmd/fhirlog/internal/leftovers"
	"fhirlog/replay"
)

// TestCompactionsUnderLoadSurviveKills: clients write and hard delete, the server
// compacts again and again meanwhile, and is killed at some moment of that. The next
// start must find everything that was acknowledged, and what was erased is in no
// file once the compaction that was interrupted, or the next one, has come to its
// end.
func TestCompactionsUnderLoadSurviveKills(t *testing.T) {
	rounds, seed := crashRounds(t)
	random := rand.New(rand.NewPCG(seed, 11))
	known, data, secrets := newLedger(), t.TempDir(), &secrets{ids: true}
	finished, interrupted, resumed := int64(0), 0, 0
	for round := range rounds {
		if round > 0 && round%roundsPerFolder == 0 {
			finishFolder(t, known, data, random)
			known, data, secrets = newLedger(), t.TempDir(), secrets.again()
		}
		s := startServer(t, data, secrets.flags()...)
		l := &load{t: t, known: known, server: s}
		finished += l.runWithCompactions(fmt.Sprintf("r%d", round), int64(100+random.IntN(500)), random, secrets)
		if _, err := os.Stat(filepath.Join(data, compactingFile)); err == nil {
			interrupted++
		}
		switch random.IntN(3) {
		case 0: // while it starts, and maybe goes on with the compaction
			early := launch(t, data, secrets.flags()...)
			_ = early.pipe(t)
			time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
			killUnread(early)
		case 1:
			if stdout, stderr, err := runProgram(t, append([]string{"compact", "--data", data}, secrets.flags()...)...); err != nil {
				t.Fatalf("compact: %v\n%s%s", err, stdout, stderr)
			}
		}
		again := startServer(t, data, secrets.flags()...)
		if strings.Contains(again.stderr.String(), "goes on") {
			resumed++
		}
		known.verify(t, again, random)
		compactToTheEnd(again)
		known.verify(t, again, random)
		if random.IntN(2) == 0 {
			again.kill()
		} else {
			again.stop()
		}
		secrets.check(t, data)
		if _, err := os.Stat(filepath.Join(data, compactingFile)); err == nil {
			t.Error("the note that there is a compaction is left")
		}
		for _, pattern := range []string{"log/*.bin", "log/compact-*"} {
			if left, _ := filepath.Glob(filepath.Join(data, pattern)); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	finishFolder(t, known, data, random)
	t.Logf("%d compactions came to their end, %d were interrupted in %d rounds, %d went on at once; %d texts erased, %d kept",
		finished, interrupted, rounds, resumed, len(secrets.erased), len(secrets.kept))
	if finished == 0 || rounds > 10 && (interrupted == 0 || resumed == 0) {
		t.Error("that shows little")
	}
}

// compactToTheEnd waits for the compaction that is active, and does another one.
func compactToTheEnd(s *server) {
	s.t.Helper()
	if a, err := s.ask("GET", "/$compact", ""); err == nil && a.status == 200 {
		s.await("/_operations/compact/"+parameterOf(a, "id"), "status", `"Completed"`)
	}
	// A reindex job from before the crash is waited for.
	begun := s.must(201, "POST", "/$compact", "")
	s.await(strings.TrimPrefix(begun.header.Get("Content-Location"), s.base), "status", `"Completed"`)
}

// secrets are texts that clients have written, and erased or not.
type secrets struct {
	ids          bool // those of what is hard deleted are erased too
	mu           sync.Mutex
	n            int
	erased, kept []string
}

// again are others, for another folder.
func (x *secrets) again() *secrets { return &secrets{n: x.n, ids: !x.ids} }

func (x *secrets) flags() []string {
	if x.ids {
		return []string{"--erase-ids"}
	}
	return nil
}

func (x *secrets) next() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	return fmt.Sprintf("zqs%06dx", x.n)
}

func (x *secrets) note(secret string, erased bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if erased {
		x.erased = append(x.erased, secret)
	} else {
		x.kept = append(x.kept, secret)
	}
}

// purge notes that the history of a place may lose its beginning.
func (l *ledger) purge(place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.purged[place] = true
}

// check looks through all files.
func (x *secrets) check(t *testing.T, data string) {
	t.Helper()
	found, err := leftovers.FindWith(data, append(append([]string{}, x.erased...), x.kept...), folderKeys(t, data))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Present(x.erased); err != nil {
		t.Errorf("erased, and there:\n%v", err)
	}
	if missing := found.Missing(x.kept); len(missing) > 0 {
		t.Errorf("not found, and not erased: %v", missing)
	}
}

// runWithCompactions lets clients write, some erase, and one compact again and
// again, until enough requests are answered, and kills the server under them. It
// tells how many compactions came to their end.
func (l *load) runWithCompactions(name string, enough int64, random *rand.Rand, x *secrets) int64 {
	client := func(number int) *writer {
		return &writer{load: l, name: fmt.Sprintf("%sc%d", name, number), random: rand.New(rand.NewPCG(random.Uint64(), 2))}
	}
	var clients sync.WaitGroup
	var finished atomic.Int64
	for number := range 4 {
		clients.Go(client(number).run)
	}
	for number := range 2 {
		w := client(4 + number)
		clients.Go(func() { w.repeat(func() error { return w.writeSecret(x) }, 0) })
	}
	w := client(6)
	clients.Go(func() {
		w.repeat(func() error {
			if w.random.IntN(4) == 0 {
				if err := w.defineAndReindex(); err != nil {
					return err
				}
			}
			return w.compact(&finished)
		}, 0)
	})
	for l.answered.Load() < enough && !l.t.Failed() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
	l.killed.Store(true)
	l.server.kill()
	clients.Wait()
	return finished.Load()
}

// compact compacts and waits for the end.
func (w *writer) compact(finished *atomic.Int64) error {
	return w.toTheEnd("/$compact", finished, 201)
}

// toTheEnd begins a rebuild or a compaction, which has to be answered by one of the
// statuses, and waits for its end. It does nothing where it cannot begin now.
func (w *writer) toTheEnd(operation string, finished *atomic.Int64, statuses ...int) error {
	a, err := w.ask("POST", operation, "", statuses...)
	if err != nil || a.status != 201 {
		return err
	}
	path := strings.TrimPrefix(a.header.Get("Content-Location"), w.server.base)
	for {
		if a, err = w.ask("GET", path, "", 200); err != nil {
			return err
		}
		switch parameterOf(a, "status") {
		case "Completed":
			finished.Add(1)
			return nil
		case "Running":
			time.Sleep(time.Millisecond)
		default:
			return fmt.Errorf("what %s began is %s", operation, a.body)
		}
	}
}

// writeSecret writes a Communication with a text, and mostly erases it, in one of
// the ways there are. What the answer was to is not known of the last one.
func (w *writer) writeSecret(x *secrets) error {
	id, secret := x.next(), x.next()
	resource := func(text string) string {
		return `{"resourceType":"Communication","id":"` + id + `","status":"completed","identifier":[{"value":"` + text + `"}],"note":[{"text":"` + text + `"}]}`
	}
	if _, err := w.ask("PUT", "/Communication/"+id, resource(secret), 201); err != nil {
		return err
	}
	switch w.random.IntN(4) {
	case 0:
		x.note(secret, false)
		return nil
	case 1:
		second := x.next()
		if _, err := w.ask("PUT", "/Communication/"+id, resource(second), 200); err != nil {
			return err
		}
		x.note(second, false)
		w.known.purge("Communication/" + id)
		if _, err := w.ask("DELETE", "/Communication/"+id+"/$purge-history", "", 204); err != nil {
			return err
		}
	default:
		if _, err := w.ask("DELETE", "/Communication/"+id+"?hardDelete=true", "", 204); err != nil {
			return err
		}
		if x.ids {
			x.note(id, true)
		}
	}
	x.note(secret, true)
	return nil
}

// TestCompactionWaitsForAReindex: a compaction rebuilds the index at its end, which
// a reindex job must not be in the middle of. Meanwhile it can be canceled, and the
// next start goes on with it.
func TestCompactionWaitsForAReindex(t *testing.T) {
	s := startServer(t, t.TempDir(), "--compact-every", "0")
	const secret = "zqsecretx"
	s.givenNames(17_000) // more than a block of the index
	s.must(201, "PUT", "/Patient/gone", `{"resourceType":"Patient","id":"gone","name":[{"family":"`+secret+`"}]}`)
	s.must(204, "DELETE", "/Patient/gone?hardDelete=true", "")
	s.must(201, "PUT", "/SearchParameter/nick", nickParameter)
	const slow = `{"resourceType":"Parameters","parameter":[{"name":"queryDelayIntervalInMilliseconds","valueInteger":500000}]}`
	job := strings.TrimPrefix(s.must(201, "POST", "/$reindex", slow).header.Get("Content-Location"), s.base)

	begun := s.must(201, "POST", "/$compact", "")
	compaction := strings.TrimPrefix(begun.header.Get("Content-Location"), s.base)
	s.await(compaction, "versionsErased", "1")
	if again := s.must(201, "POST", "/$compact", ""); strings.TrimPrefix(again.header.Get("Content-Location"), s.base) != compaction {
		t.Errorf("a second POST begins another one: %s", again.body)
	}
	if status := s.jobValue(compaction, "status"); status != `"Running"` {
		t.Errorf("during the reindex the compaction is %s", status)
	}
	s.must(202, "DELETE", compaction, "")
	s.await(compaction, "status", `"Canceled"`)
	s.must(400, "DELETE", compaction, "")
	if status := s.jobValue(job, "status"); status != `"Running"` {
		t.Fatalf("the reindex is %s: the test has lost its grip", status)
	}
	s.kill()

	s = startServer(t, s.data, "--compact-every", "0")
	s.logLine("a compaction that a stop had interrupted goes on")
	active := "/_operations/compact/" + parameterOf(s.must(200, "GET", "/$compact", ""), "id")
	s.must(202, "DELETE", job, "")
	s.await(active, "status", `"Completed"`)
	s.stop()
	found, err := leftovers.FindWith(s.data, []string{secret}, folderKeys(t, s.data))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Present([]string{secret}); err != nil {
		t.Error(err)
	}
	checkProjections(t, s.data)
}

// TestCompactionBySchedule: nobody has to ask for it.
func TestCompactionBySchedule(t *testing.T) {
	s := startServer(t, t.TempDir(), "--compact-every", "200ms")
	const secret = "zqsecretx"
	s.must(201, "PUT", "/Patient/gone", `{"resourceType":"Patient","id":"gone","name":[{"family":"`+secret+`"}]}`)
	s.must(204, "DELETE", "/Patient/gone?hardDelete=true", "")
	s.logLine("the log is compacted: what was erased is in no file any more")
	s.kill()
	found, err := leftovers.FindWith(s.data, []string{secret}, folderKeys(t, s.data))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Present([]string{secret}); err != nil {
		t.Error(err)
	}
	if strings.Contains(s.stderr.String(), secret) {
		t.Error("the server's log holds content of a resource")
	}
}

func TestWorthwhile(t *testing.T) {
	for _, c := range []struct {
		erasures replay.Erasures
		ids      bool
		want     bool
	}{
		{replay.Erasures{}, true, false},
		{replay.Erasures{Named: 1}, false, true},
		{replay.Erasures{Replaced: 1}, true, false},
		{replay.Erasures{Replaced: replacedWorthwhile - 1}, false, false},
		{replay.Erasures{Replaced: replacedWorthwhile}, false, true},
		{replay.Erasures{IDs: 1}, false, false},
		{replay.Erasures{IDs: 1}, true, true},
	} {
		if got := worthwhile(&c.erasures, c.ids); got != c.want {
			t.Errorf("worthwhile(%+v, %t) = %t", c.erasures, c.ids, got)
		}
	}
}
