package projections

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// heldLog hands over no record from a limit on, until the limit is moved.
type heldLog struct {
	*script
	mu    sync.Mutex // guards the fields below
	limit eventlog.Position
	moved chan struct{}
}

func (l *heldLog) move(limit eventlog.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = limit
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *heldLog) Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error {
	return l.script.Follow(ctx, from, func(records []eventlog.Record) error {
		for {
			l.mu.Lock()
			limit, moved := l.limit, l.moved
			l.mu.Unlock()
			if records[0].Position < limit {
				return fn(records)
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// handover is a Live with a next generation, which follows the log only as far as
// the test lets it.
type handover struct {
	t      *testing.T
	log    *script
	held   *heldLog
	live   *Live
	former *generation
	next   *generation
	closed bool // the former one
}

func newHandover(t *testing.T) *handover {
	h := &handover{t: t, log: newScript()}
	h.log.group = 1
	dir := filepath.Join(t.TempDir(), "projections")
	live, _, err := OpenLive(h.log, testOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	h.held = &heldLog{script: h.log, moved: make(chan struct{})}
	h.live, h.former, h.next = live, live.now, newGeneration(open(t, h.held, SuccessorOf(dir)), SuccessorOf(dir))
	live.building = h.next
	ended := make(chan error, 1)
	go func() { ended <- live.Run(context.Background()) }()
	go h.next.run()
	t.Cleanup(func() {
		h.held.move(1000)
		h.log.end(eventlog.ErrClosed)
		<-h.next.ended
		if err := errors.Join(<-ended, h.next.p.Close()); err != nil {
			t.Error(err)
		}
		if !h.closed {
			h.closeFormer()
		}
	})
	return h
}

func (h *handover) closeFormer() {
	h.t.Helper()
	h.closed = true
	if err := h.former.close(); err != nil {
		h.t.Error(err)
	}
}

// write adds a commit, and waits until the generation that answers has it.
func (h *handover) write() {
	h.t.Helper()
	h.log.commit(write("Patient", "a"))
	if err := h.live.now.p.WaitApplied(h.t.Context(), uint64(h.log.Durable())); err != nil {
		h.t.Fatal(err)
	}
}

func (h *handover) follow(limit uint64) {
	h.t.Helper()
	h.held.move(eventlog.Position(limit))
	if err := h.next.p.WaitApplied(h.t.Context(), limit); err != nil {
		h.t.Fatal(err)
	}
}

func (h *handover) swap(hold time.Duration) bool {
	h.t.Helper()
	swapped, err := h.live.swap(h.former, h.next, "", hold)
	if err != nil {
		h.t.Fatal(err)
	}
	return swapped
}

// stays checks that something has not come to its end, after a while in which it
// would have.
func stays(t *testing.T, what string, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		t.Fatalf("%s ended too early: %v", what, err)
	case <-time.After(30 * time.Millisecond):
	}
}

// TestTheNextGenerationTakesOverOnlyWithAllThatWasShown.
func TestTheNextGenerationTakesOverOnlyWithAllThatWasShown(t *testing.T) {
	h := newHandover(t)
	h.write()
	h.write()
	h.follow(1)
	if h.swap(0) || h.swap(20*time.Millisecond) {
		t.Fatal("it took over with less than was shown")
	}
	if h.live.Applied() != 2 {
		t.Errorf("%d records are applied", h.live.Applied())
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		h.held.move(2)
	}()
	if !h.swap(20 * time.Second) {
		t.Error("it did not take over although it caught up while all were held")
	}
	if h.live.Applied() != 2 || h.live.answering() != h.next {
		t.Errorf("%d records are applied", h.live.Applied())
	}
}

// TestAnAnswerOfTheFormerGenerationWaitsForTheNextOne: what it shows must be
// there for whoever asks next.
func TestAnAnswerOfTheFormerGenerationWaitsForTheNextOne(t *testing.T) {
	h := newHandover(t)
	h.write()
	h.follow(1)
	asked, goOn, answered := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var got resource.Version
	go func() {
		var err error
		got, err = ask(t.Context(), h.live, func(p *Projections) (resource.Version, error) {
			close(asked)
			<-goOn
			return p.Read(t.Context(), "Patient", "a")
		})
		answered <- err
	}()
	<-asked
	if !h.swap(0) {
		t.Fatal("it did not take over")
	}
	h.log.commit(write("Patient", "a"))
	if err := h.former.p.WaitApplied(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { h.former.users.Wait(); closed <- nil }()
	stays(t, "the use of the former generation", closed)
	close(goOn)
	stays(t, "the answer", answered)
	<-closed // it does not keep the former generation open while it waits
	h.follow(2)
	if err := <-answered; err != nil || got.Version != 2 {
		t.Errorf("Read = version %d, %v", got.Version, err)
	}
	if v, err := h.live.Read(t.Context(), "Patient", "a"); err != nil || v.Version != 2 {
		t.Errorf("then Read = version %d, %v", v.Version, err)
	}
	h.closeFormer()
}

// TestAnAnswerThatCannotBeWaitedForFails with the reason.
func TestAnAnswerThatCannotBeWaitedForFails(t *testing.T) {
	h := newHandover(t)
	h.write()
	h.follow(1)
	ctx, cancel := context.WithCancel(t.Context())
	v, err := ask(ctx, h.live, func(p *Projections) (resource.Version, error) {
		if !h.swap(0) {
			t.Fatal("it did not take over")
		}
		h.log.commit(write("Patient", "a"))
		if err := h.former.p.WaitApplied(t.Context(), 2); err != nil {
			return resource.Version{}, err
		}
		cancel()
		return p.Read(t.Context(), "Patient", "a")
	})
	if !errors.Is(err, context.Canceled) || v.Version != 0 {
		t.Errorf("Read = version %d, %v", v.Version, err)
	}
	h.closeFormer()
}

// TestWaitAppliedOutlastsASwap: it ends when the generation that answers then has
// the records, and not because the former one is closed.
func TestWaitAppliedOutlastsASwap(t *testing.T) {
	h := newHandover(t)
	h.write()
	h.follow(1)
	second, third := make(chan error, 1), make(chan error, 1)
	go func() { second <- h.live.WaitApplied(t.Context(), 2) }()
	go func() { third <- h.live.WaitApplied(t.Context(), 3) }()
	stays(t, "a wait for what is not written", second)
	if !h.swap(0) {
		t.Fatal("it did not take over")
	}
	h.log.commit(write("Patient", "a"))
	if err := h.former.p.WaitApplied(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	stays(t, "a wait for what only the former generation has", second)
	h.closeFormer()
	stays(t, "a wait on a generation that is closed", third)
	h.follow(2)
	if err := <-second; err != nil {
		t.Error(err)
	}
	h.log.commit(write("Patient", "a"))
	h.follow(3)
	if err := <-third; err != nil {
		t.Error(err)
	}
}

// TestWritesWaitForAGenerationThatIsNear, but not for one that is given up, and
// not longer than the caller has time.
func TestWritesWaitForAGenerationThatIsNear(t *testing.T) {
	h := newHandover(t)
	h.write()
	if err := h.live.WaitApplied(t.Context(), 1); err != nil {
		t.Fatalf("WaitApplied beside a generation that is far behind: %v", err)
	}
	h.next.near.Store(true)
	written := make(chan error, 1)
	go func() { written <- h.live.WaitApplied(t.Context(), 1) }()
	stays(t, "a write", written)
	h.follow(1)
	if err := <-written; err != nil {
		t.Error(err)
	}
	h.write()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := h.live.WaitApplied(ctx, 2); err != nil {
		t.Errorf("WaitApplied of what is applied, without time to wait for the next generation: %v", err)
	}
	go func() { written <- h.live.WaitApplied(t.Context(), 2) }()
	stays(t, "a write", written)
	h.next.end()
	if err := <-written; err != nil {
		t.Errorf("WaitApplied when the next generation is given up: %v", err)
	}
}

// TestUnknownResources are told of as before.
func TestUnknownResources(t *testing.T) {
	h := newHandover(t)
	if _, err := h.live.Read(t.Context(), "Patient", "none"); domain.KindOf(err) != domain.NotFound {
		t.Errorf("Read: %v", err)
	}
	h.follow(0)
	if !h.swap(0) {
		t.Fatal("an empty one did not take over from an empty one")
	}
	if _, err := h.live.Read(t.Context(), "Patient", "none"); domain.KindOf(err) != domain.NotFound {
		t.Errorf("Read: %v", err)
	}
}

// TestARebuildNeedsRoom: it says how much is there and how much should be.
func TestARebuildNeedsRoom(t *testing.T) {
	h := newHandover(t)
	if err := h.live.MayRebuild(); err != nil {
		t.Errorf("MayRebuild: %v", err)
	}
	free, err := eventlog.Disk().Free(h.former.dir)
	if err != nil || free <= 0 {
		t.Fatalf("%d bytes are free, %v", free, err)
	}
	err = h.live.checkRoom(free * 2)
	if domain.KindOf(err) != domain.StorageFull || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("checkRoom of twice what is free: %v", err)
	}
	if err := h.live.checkRoom(free / 2); err != nil {
		t.Errorf("checkRoom of half of what is free: %v", err)
	}
}
