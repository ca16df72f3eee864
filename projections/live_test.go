package projections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/eventlog"
)

// TestNothingGoesBackDuringRebuilds: clients write, read, search and page while
// the projections are rebuilt again and again. Who wrote something finds it at
// once; nobody sees less than anybody saw before; what is asked as of a snapshot is
// answered the same way; and in the end all keys are those of a plain rebuild.
func TestNothingGoesBackDuringRebuilds(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("fill", 3000)
	rebuilds := 5 * effort(t)
	stop := m.load(4)
	for range rebuilds {
		applied, err := m.live.Rebuild(t.Context())
		if err != nil {
			t.Errorf("Rebuild: %v", err)
		}
		if got := m.live.Applied(); got < applied || applied < 3000 {
			t.Errorf("%d records are applied after a rebuild of %d", got, applied)
		}
	}
	acts := stop()
	t.Logf("%d acts during %d rebuilds of %d records", acts, rebuilds, m.log.Durable())
	if acts < int64(10*rebuilds) {
		t.Errorf("only %d acts during %d rebuilds: that shows nothing", acts, rebuilds)
	}
	if t.Failed() {
		return
	}
	m.checkOneFolderAfterStop()
	m.checkRebuilt()
}

// checkOneFolderAfterStop stops, and looks at what is left on the disk.
func (m *liveMachine) checkOneFolderAfterStop() {
	m.t.Helper()
	m.stop()
	names, err := filepath.Glob(m.options().Dir + "*")
	if err != nil || !slices.Equal(names, []string{m.options().Dir}) {
		m.t.Errorf("after a stop there are %v, %v", names, err)
	}
	if _, err := os.Stat(filepath.Join(m.options().Dir, "TOOK_OVER")); !errors.Is(err, os.ErrNotExist) {
		m.t.Errorf("the file that says what is in force is still there: %v", err)
	}
}

// TestARestartUsesWhatTookOver, after one rebuild and after two, which stand in
// different folders.
func TestARestartUsesWhatTookOver(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 100)
	for n := range 3 {
		if _, err := m.live.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.fill(fmt.Sprint("b", n), 10)
		if n == 1 {
			if _, err := m.live.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m.checkOneFolderAfterStop()
		m.start()
		found, err := m.pages(m.live.Applied(), 1000, "family=Fill")
		if err != nil || len(found) != 110+10*n {
			t.Fatalf("after restart %d %d are found, %v; want %d", n, len(found), err, 110+10*n)
		}
	}
	m.checkRebuilt()
}

// TestACanceledRebuildChangesNothing, at whatever batch it is canceled, in either
// folder.
func TestACanceledRebuildChangesNothing(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 4500)
	for round := range 2 {
		for batch := range int64(3) {
			ctx, cancel := context.WithCancel(t.Context())
			m.duringWrites(batch, func() error { cancel(); return nil })
			_, err := m.live.Rebuild(ctx)
			m.beforeWrite.Store(nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("canceled at write %d: %v", batch, err)
			}
			m.checkOnlyLive()
		}
		if _, err := m.live.Rebuild(t.Context()); err != nil {
			t.Errorf("round %d: a rebuild after canceled ones: %v", round, err)
		}
	}
	m.checkRebuilt()
}

// duringWrites has the nth write from now on, of any store, do something first.
func (m *liveMachine) duringWrites(n int64, act func() error) {
	var count atomic.Int64
	do := func() error {
		if count.Add(1) == n+1 {
			return act()
		}
		return nil
	}
	m.beforeWrite.Store(&do)
}

// checkOnlyLive checks that nothing of another generation is there, and that the
// live one works.
func (m *liveMachine) checkOnlyLive() {
	m.t.Helper()
	names, err := filepath.Glob(m.options().Dir + "*")
	if err != nil || len(names) != 1 {
		m.t.Errorf("there are %v, %v", names, err)
	}
	inForce := filepath.Join(m.options().Dir+".rebuild", "TOOK_OVER")
	if _, err := os.Stat(inForce); (err == nil) != (names[0] != m.options().Dir) {
		m.t.Errorf("of %v, TOOK_OVER says something else: %v", names, err)
	}
	if _, _, running := m.live.Rebuilding(); running {
		m.t.Error("a rebuild is said to be running")
	}
	o, err := m.put("x", "Xenia")
	if err != nil {
		m.t.Fatal(err)
	}
	if o.Change == commit.Created || o.Change == commit.Updated || o.Change == commit.Unchanged {
		if found, err := m.pages(m.live.Applied(), 10, "family=Xenia"); err != nil || len(found) != 1 {
			m.t.Errorf("a write is not found: %v, %v", found, err)
		}
	}
}

// TestAFailedRebuildChangesNothing: its store fails at a write, and the one that
// answers does not notice.
func TestAFailedRebuildChangesNothing(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 4500)
	broken := errors.New("the disk is broken")
	const opening = 2 // writes that make a new folder; Open tries these again
	for write := opening; write < opening+3; write++ {
		m.duringWrites(int64(write), func() error { return broken })
		_, err := m.live.Rebuild(t.Context())
		m.beforeWrite.Store(nil)
		if !errors.Is(err, broken) {
			t.Errorf("failed at write %d: %v", write, err)
		}
		m.checkOnlyLive()
	}
	m.checkRebuilt()
}

// TestTheLogEndsDuringARebuild: the server stops, and the rebuild with it.
func TestTheLogEndsDuringARebuild(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 4500)
	held, goOn := make(chan struct{}), make(chan struct{})
	m.duringWrites(2, func() error { close(held); <-goOn; return nil })
	rebuilt := make(chan error, 1)
	go func() {
		_, err := m.live.Rebuild(context.Background())
		rebuilt <- err
	}()
	<-held
	closed := m.log.Close()
	close(goOn)
	if err := <-rebuilt; !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Rebuild: %v", err)
	}
	m.stopWork()
	if err := errors.Join(closed, <-m.ended, <-m.ended, <-m.ended, m.live.Close()); err != nil {
		t.Errorf("stop: %v", err)
	}
	m.log = nil
	m.start()
	m.checkOnlyLive()
	m.checkRebuilt()
}

// TestRebuildsAndJobsKeepApart: neither begins while the other is at work, and a
// rebuild that a job came into all the same does not take over.
func TestRebuildsAndJobsKeepApart(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 1400)
	define := func(code string) {
		t.Helper()
		text := strings.ReplaceAll(nick("nick-"+code, nickURL+code, "string", "Patient.name.given"), `"code":"nick"`, `"code":"`+code+`"`)
		if _, err := m.commits.Commit(t.Context(), commit.Caller{}, []commit.Command{
			{Interaction: event.Update, Type: "SearchParameter", ID: domain.LogicalID("nick-" + code), Resource: parsed(t, text)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	await := func(id string) {
		t.Helper()
		for !m.live.Registry().Job(id).State.Ended() {
			if err := m.live.WaitApplied(t.Context(), m.live.Applied()+1); err != nil {
				t.Fatal(err)
			}
		}
	}
	define("one")
	m.fill("b", 1400)
	held, goOn := make(chan struct{}), make(chan struct{})
	m.duringWrites(0, func() error { close(held); <-goOn; return nil })
	rebuilt := make(chan error, 1)
	go func() {
		_, err := m.live.Rebuild(t.Context())
		rebuilt <- err
	}()
	<-held // before anything is in the new folder
	if err := m.live.MayRebuild(); domain.KindOf(err) != domain.Conflict {
		t.Errorf("MayRebuild during a rebuild: %v", err)
	}
	job, err := m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{})
	if err != nil {
		t.Fatal(err)
	}
	await(job.ID)
	close(goOn)
	if err := <-rebuilt; domain.KindOf(err) != domain.Conflict {
		t.Errorf("a rebuild with a job in between: %v", err)
	}
	m.checkOnlyLive()

	// A job that waits for its turn keeps a rebuild from beginning.
	define("two")
	job, err = m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{Limits: registry.Limits{DelayMillis: 100}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.live.Rebuild(t.Context()); domain.KindOf(err) != domain.Conflict {
		t.Errorf("a rebuild during a job: %v", err)
	}
	await(job.ID)
	for range 2 {
		if _, err := m.live.Rebuild(t.Context()); err != nil {
			t.Fatalf("a rebuild after jobs: %v", err)
		}
		for _, code := range []string{"one", "two"} {
			if found, err := m.pages(m.live.Applied(), 1000, code+"=G3"); err != nil || len(found) != 400 {
				t.Errorf("%s finds %d after a rebuild, %v; want %d", code, len(found), err, 400)
			}
		}
	}

	// The worker has moved to the new generation.
	define("three")
	if job, err = m.commits.Reindex(t.Context(), commit.Caller{}, registry.ReindexRequest{}); err != nil {
		t.Fatal(err)
	}
	await(job.ID)
	if found, err := m.pages(m.live.Applied(), 1000, "three=G3"); err != nil || len(found) != 400 {
		t.Errorf("after a reindex after a rebuild %d are found, %v; want %d", len(found), err, 400)
	}
	m.checkRebuilt()
}

// TestARebuildSaysHowFarItIs while it runs, and that it is not running after.
func TestARebuildSaysHowFarItIs(t *testing.T) {
	m := newLiveMachine(t)
	m.fill("a", 4500)
	if _, _, running := m.live.Rebuilding(); running {
		t.Error("a rebuild is said to be running")
	}
	before := m.live.Bytes()
	held, goOn := make(chan struct{}), make(chan struct{})
	m.duringWrites(3, func() error { close(held); <-goOn; return nil })
	rebuilt := make(chan error, 1)
	go func() {
		_, err := m.live.Rebuild(t.Context())
		rebuilt <- err
	}()
	<-held
	applied, total, running := m.live.Rebuilding()
	if !running || total != 4500 || applied >= total {
		t.Errorf("Rebuilding = %d, %d, %t", applied, total, running)
	}
	if m.live.Applied() != 4500 {
		t.Errorf("meanwhile %d records are applied", m.live.Applied())
	}
	if both := m.live.Bytes(); both < before {
		t.Errorf("both stores have %d bytes, and one alone %d", both, before)
	}
	close(goOn)
	if err := <-rebuilt; err != nil {
		t.Error(err)
	}
	if applied, total, running := m.live.Rebuilding(); running || applied != total {
		t.Errorf("afterwards Rebuilding = %d, %d, %t", applied, total, running)
	}
	if err := m.live.Verify(); err != nil {
		t.Error(err)
	}
}
