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
	upTo uint64
	done chan struct{}
}

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
		if g.applied.Load() >= upTo {
			return nil
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.failure
	case <-ctx.Done():
		return ctx.Err()
	}
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
		close(w.done)
	}
	g.waiting = nil
}

// waiters is a heap by position.
type waiters []*waiter

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].upTo < w[j].upTo }
func (w waiters) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waiters) Push(x any)        { *w = append(*w, x.(*waiter)) }
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	(*w)[len(*w)-1] = nil
	*w = (*w)[:len(*w)-1]
	return last
}
