package upload

import "sync"

// A tracker knows up to which value all are finished, though they finish in
// any order. Values are numbered from 1. Safe for concurrent use.
type tracker struct {
	mu    sync.Mutex     // guards the fields below
	upTo  int64          // all up to here
	ahead map[int64]bool // finished beyond
}

// finish notes that a value is done.
func (t *tracker) finish(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ahead == nil {
		t.ahead = make(map[int64]bool)
	}
	for t.ahead[n] = true; t.ahead[t.upTo+1]; {
		t.upTo++
		delete(t.ahead, t.upTo)
	}
}

// finished is how many values at the start are all done.
func (t *tracker) finished() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.upTo
}
