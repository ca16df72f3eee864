package projections

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fhirlog/eventlog"
)

func TestGateWakesEveryoneInTime(t *testing.T) {
	var g gate
	const highest = 500
	var wg sync.WaitGroup
	for upTo := range uint64(highest + 1) {
		for range 2 {
			wg.Go(func() {
				if err := g.wait(t.Context(), upTo); err != nil || g.applied.Load() < upTo {
					t.Errorf("wait(%d) = %v at %d", upTo, err, g.applied.Load())
				}
			})
		}
	}
	for at := uint64(0); at < highest; {
		at += 1 + rand.Uint64N(20)
		g.publish(at)
	}
	wg.Wait()
	if len(g.waiting) != 0 {
		t.Errorf("%d waiters are left", len(g.waiting))
	}
}

func TestGateKeepsWaitersOfLaterPositionsWaiting(t *testing.T) {
	var g gate
	done := make(chan error, 1)
	go func() { done <- g.wait(context.Background(), 10) }()
	waitFor(t, func() bool { return g.waiters() == 1 })
	g.publish(9)
	select {
	case err := <-done:
		t.Fatalf("wait(10) = %v at 9", err)
	case <-time.After(10 * time.Millisecond):
	}
	g.publish(10)
	if err := <-done; err != nil {
		t.Errorf("wait(10) = %v at 10", err)
	}
}

// TestGateForgetsThoseThatGaveUp: while nothing is applied, clients that give up
// and come again must not pile up.
func TestGateForgetsThoseThatGaveUp(t *testing.T) {
	var g gate
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range uint64(100) {
		wg.Go(func() {
			if err := g.wait(ctx, 1+i*7%13); !errors.Is(err, context.Canceled) {
				t.Errorf("wait = %v, want Canceled", err)
			}
		})
	}
	stays := make(chan error, 1)
	go func() { stays <- g.wait(context.Background(), 5) }()
	waitFor(t, func() bool { return g.waiters() == 101 })
	cancel()
	wg.Wait()
	if n := g.waiters(); n != 1 {
		t.Errorf("%d are waiting, want 1", n)
	}
	g.publish(5)
	if err := <-stays; err != nil {
		t.Errorf("wait = %v", err)
	}
}

func TestGateFails(t *testing.T) {
	var g gate
	g.publish(3)
	failure := errors.New("first")
	waiting := make(chan error, 2)
	for range 2 {
		go func() { waiting <- g.wait(t.Context(), 4) }()
	}
	waitFor(t, func() bool { return g.waiters() == 2 })
	g.fail(failure)
	g.fail(errors.New("second"))
	for range 2 {
		if err := <-waiting; !errors.Is(err, failure) {
			t.Errorf("a waiter got %v, want the first failure", err)
		}
	}
	if err := g.wait(t.Context(), 4); !errors.Is(err, failure) {
		t.Errorf("wait after the failure = %v", err)
	}
	if err := g.wait(t.Context(), 3); err != nil {
		t.Errorf("wait for what is applied, after the failure = %v", err)
	}
}

// TestGateUnderRace mixes all calls.
func TestGateUnderRace(t *testing.T) {
	var g gate
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(300))*time.Microsecond)
				upTo := r.Uint64N(2000)
				err := g.wait(ctx, upTo)
				if err == nil && g.applied.Load() < upTo {
					t.Errorf("wait(%d) returned at %d", upTo, g.applied.Load())
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, eventlog.ErrClosed) {
					t.Errorf("wait = %v", err)
				}
				cancel()
			}
		})
	}
	wg.Go(func() {
		for at := range uint64(1000) {
			g.publish(at)
			time.Sleep(10 * time.Microsecond)
		}
		g.fail(eventlog.ErrClosed)
	})
	wg.Wait()
	if n := g.waiters(); n != 0 {
		t.Errorf("%d waiters are left", n)
	}
}

func (g *gate) waiters() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("a condition does not come true")
		}
	}
}
