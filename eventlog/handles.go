package eventlog

import (
	"container/list"
	"errors"
	"fmt"
	"sync"
)

// handles keeps files open for reading, a bounded number of them.
type handles struct {
	fs    FileSystem
	limit int

	mu     sync.Mutex // guards the fields below and those of each handle
	open   map[SegmentNumber]*handle
	recent *list.List // of *handle, the latest used first
	closed bool
}

// handle is a file open for reading. It is closed when nobody uses it and it
// has left the cache.
type handle struct {
	File
	number  SegmentNumber
	users   int
	evicted bool
	element *list.Element
}

func newHandles(fs FileSystem, limit int) *handles {
	return &handles{fs: fs, limit: limit, open: map[SegmentNumber]*handle{}, recent: list.New()}
}

// acquire opens the segment's file or takes the one that is open. The caller
// gives it back with release.
func (hs *handles) acquire(s *segment) (*handle, error) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.closed {
		return nil, ErrClosed
	}
	if h := hs.open[s.number]; h != nil {
		h.users++
		hs.recent.MoveToFront(h.element)
		return h, nil
	}
	file, err := hs.fs.OpenRead(s.path)
	if err != nil {
		return nil, fmt.Errorf("open segment %d: %w", s.number, err)
	}
	h := &handle{File: file, number: s.number, users: 1}
	h.element = hs.recent.PushFront(h)
	hs.open[s.number] = h
	if hs.recent.Len() > hs.limit {
		hs.evictLocked(hs.recent.Back().Value.(*handle))
	}
	return h, nil
}

func (hs *handles) release(h *handle) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.users--
	if h.users == 0 && h.evicted {
		h.Close() // read only: nothing can be lost
	}
}

func (hs *handles) evictLocked(h *handle) error {
	hs.recent.Remove(h.element)
	delete(hs.open, h.number)
	h.evicted = true
	if h.users == 0 {
		return h.Close()
	}
	return nil
}

// close closes what nobody uses now, and the rest when it is released.
func (hs *handles) close() error {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.closed = true
	var errs []error
	for _, h := range hs.open {
		errs = append(errs, hs.evictLocked(h))
	}
	return errors.Join(errs...)
}
