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
)

// TestRebuildsUnderLoadSurviveKills: clients write, the server rebuilds again and
// again meanwhile, and is killed at some moment of that. The next starts must find
// everything that was acknowledged, in projections that are what the log gives.
func TestRebuildsUnderLoadSurviveKills(t *testing.T) {
	rounds, seed := crashRounds(t)
	random := rand.New(rand.NewPCG(seed, 7))
	known, data := newLedger(), t.TempDir()
	var finished atomic.Int64
	for round := range rounds {
		if round > 0 && round%roundsPerFolder == 0 {
			finishFolder(t, known, data, random)
			known, data = newLedger(), t.TempDir()
		}
		s := startServer(t, data)
		l := &load{t: t, known: known, server: s}
		l.runWithRebuilds(fmt.Sprintf("r%d", round), int64(100+random.IntN(700)), random, &finished)
		if random.IntN(3) == 0 { // while it puts the folders in order
			early := launch(t, data)
			_ = early.pipe(t)
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
			killUnread(early)
		}
		again := startServer(t, data)
		known.verify(t, again, random)
		if left, _ := filepath.Glob(filepath.Join(data, "projections*")); len(left) != 1 {
			t.Errorf("round %d: after a start there are %v", round, left)
		}
		again.kill()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	finishFolder(t, known, data, random)
	t.Logf("%d rebuilds came to their end in %d rounds", finished.Load(), rounds)
	if finished.Load() == 0 {
		t.Error("no rebuild came to its end: that shows little")
	}
}

// runWithRebuilds lets clients write, and one of them change and index a search
// parameter and rebuild by turns, until enough requests are answered, and kills the
// server under them.
func (l *load) runWithRebuilds(name string, enough int64, random *rand.Rand, finished *atomic.Int64) {
	client := func(number int) *writer {
		return &writer{load: l, name: fmt.Sprintf("%sc%d", name, number), random: rand.New(rand.NewPCG(random.Uint64(), 2))}
	}
	var clients sync.WaitGroup
	for number := range 5 {
		clients.Go(client(number).run)
	}
	rebuilder := client(5)
	clients.Go(func() { rebuilder.rebuildAgainAndAgain(finished) })
	for l.answered.Load() < enough && !l.t.Failed() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
	l.killed.Store(true)
	l.server.kill()
	clients.Wait()
}

func (w *writer) rebuildAgainAndAgain(finished *atomic.Int64) {
	w.repeat(func() error {
		err := w.rebuild(finished)
		if err == nil && w.random.IntN(3) == 0 {
			err = w.defineAndReindex()
		}
		return err
	}, 0)
}

// rebuild rebuilds and waits for the end.
func (w *writer) rebuild(finished *atomic.Int64) error {
	return w.toTheEnd("/$rebuild", finished, 201, 409) // 409: a job of before the crash is active
}

// TestRebuildOnline: what a rebuild of some size tells, refuses and leaves, in the
// real server.
func TestRebuildOnline(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.givenNames(30_000)
	want := s.total("/Patient?given=Ann&_total=accurate&_count=1")

	_, stderr, err := runProgram(t, "rebuild", "--data", s.data)
	if err == nil || !strings.Contains(stderr, "curl -X POST") || !strings.Contains(stderr, "$rebuild") {
		t.Errorf("rebuild of a folder that a server has open: %v\n%s", err, stderr)
	}
	if _, stderr, err = runProgram(t, "rebuild", "--check", "--data", s.data); err == nil || !strings.Contains(stderr, "in use") {
		t.Errorf("rebuild --check of a folder that a server has open: %v\n%s", err, stderr)
	}

	begun := s.must(201, "POST", "/$rebuild", "")
	rebuild := strings.TrimPrefix(begun.header.Get("Content-Location"), s.base)
	s.must(409, "POST", "/$reindex", "")
	again := s.must(201, "POST", "/$rebuild", "")
	if got := strings.TrimPrefix(again.header.Get("Content-Location"), s.base); got != rebuild {
		t.Errorf("a second POST begins %s beside %s", got, rebuild)
	}
	s.must(200, "GET", "/$rebuild", "")
	if got := s.total("/Patient?given=Ann&_total=accurate&_count=1"); got != want {
		t.Errorf("during the rebuild %d are found, want %d", got, want)
	}
	s.must(202, "DELETE", rebuild, "")
	s.await(rebuild, "status", `"Canceled"`)
	if _, err := os.Stat(filepath.Join(s.data, "projections.rebuild")); !os.IsNotExist(err) {
		t.Errorf("a canceled rebuild leaves its folder: %v", err)
	}
	s.must(400, "DELETE", rebuild, "")

	begun = s.must(201, "POST", "/$rebuild", "")
	rebuild = strings.TrimPrefix(begun.header.Get("Content-Location"), s.base)
	s.await(rebuild, "status", `"Completed"`)
	job := s.must(201, "POST", "/$reindex", "").header.Get("Content-Location")
	s.await(strings.TrimPrefix(job, s.base), "status", `"Completed"`)
	if got := s.total("/Patient?given=Ann&_total=accurate&_count=1"); got != want {
		t.Errorf("after the rebuild %d are found, want %d", got, want)
	}
	// A stop during a rebuild ends it.
	s.must(201, "POST", "/$rebuild", "")
	s.stop()
	if left, _ := filepath.Glob(filepath.Join(s.data, "projections*")); len(left) != 1 {
		t.Errorf("after a stop there are %v", left)
	}
	checkProjections(t, s.data)
	s = startServer(t, s.data)
	if a := s.must(404, "GET", rebuild, ""); !strings.Contains(string(a.body), "restart") {
		t.Errorf("a rebuild of before a restart: %s", a.body)
	}
	if got := s.total("/Patient?given=Ann&_total=accurate&_count=1"); got != want {
		t.Errorf("after a restart %d are found, want %d", got, want)
	}
	s.stop()
}
