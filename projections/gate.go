package projections

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
)

// gate lets goroutines wait for the applied position.
type gate struct {
	applied atomic.Uint64

	mu      sync.Mutex // guards the fields below
	waiting waiters
	failure error // why the position will never move again
}

type waiter struct {
	upTo  uint64
	index int // in the heap; notWaiting when it was woken
	done  chan struct{}
}

const notWaiting = -1

// wait returns when applied ≥ upTo, when ctx ends, or when the gate has failed.
func (g *gate) wait(ctx context.Context, upTo uint64) error {
	if g.applied.Load() >= upTo {
		return nil
	}
	g.mu.Lock()
	if g.applied.Load() >= upTo || g.failure != nil {
		defer g.mu.Unlock()
		if g.applied.Load() >= upTo {
			return nil
		}
		return g.failure
	}
	w := &waiter{upTo: upTo, done: make(chan struct{})}
	heap.Push(&g.waiting, w)
	g.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		if g.leave(w) {
			return ctx.Err()
		}
	}
	if g.applied.Load() >= upTo {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// leave takes a waiter that gives up out of the heap, where it would stay as
// long as nothing is applied. It is false if the waiter has been woken.
func (g *gate) leave(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.index == notWaiting {
		return false
	}
	heap.Remove(&g.waiting, w.index)
	return true
}

// publish moves the applied position and wakes those who waited for it.
func (g *gate) publish(applied uint64) {
	g.mu.Lock()
	g.applied.Store(applied)
	for len(g.waiting) > 0 && g.waiting[0].upTo <= applied {
		close(heap.Pop(&g.waiting).(*waiter).done)
	}
	g.mu.Unlock()
}

// fail wakes everybody: nothing more will be applied.
func (g *gate) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil {
		g.failure = err
	}
	for _, w := range g.waiting {
		w.index = notWaiting
		close(w.done)
	}
	g.waiting = nil
}

// waiters is a heap by position.
type waiters []*waiter

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].upTo < w[j].upTo }
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
func (w *waiters) Push(x any) {
	x.(*waiter).index = len(*w)
	*w = append(*w, x.(*waiter))
}
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	(*w)[len(*w)-1] = nil
	*w = (*w)[:len(*w)-1]
	last.index = notWaiting
	return last
}
