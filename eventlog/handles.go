package eventlog

import (
	"container/list"
	"errors"
	"fmt"
	"sync"

	"fhirlog/eventlog/record"
)

// handles keeps files open for reading, a bounded number of them.
type handles struct {
	fs    FileSystem
	limit int
	cache *blockCache // forgets the blocks of files that were replaced

	mu     sync.Mutex                // guards the fields below and those of each handle
	open   map[SegmentNumber]*handle // of the files that have the names now
	recent *list.List                // of *handle, the latest used first
	closed bool
}

// handle is a file open for reading. It is closed when nobody uses it and it
// has left the cache.
type handle struct {
	File
	segment *segment // what the file holds
	users   int
	evicted bool
	element *list.Element
}

func newHandles(fs FileSystem, limit int, cache *blockCache) *handles {
	return &handles{fs: fs, limit: limit, cache: cache, open: map[SegmentNumber]*handle{}, recent: list.New()}
}

// acquire opens the segment's file, or that of what has replaced it, or takes the
// one that is open. The caller reads by the segment that the handle names, and
// gives it back with release.
func (hs *handles) acquire(s *segment) (*handle, error) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.closed {
		return nil, ErrClosed
	}
	s = s.latest()
	if h := hs.open[s.number]; h != nil {
		h.users++
		hs.recent.MoveToFront(h.element)
		return h, nil
	}
	file, err := hs.fs.OpenRead(s.path)
	if err != nil {
		return nil, fmt.Errorf("open segment %d: %w", s.number, err)
	}
	h := &handle{File: file, segment: s, users: 1}
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
		hs.finishLocked(h) // read only: nothing can be lost
	}
}

func (hs *handles) evictLocked(h *handle) error {
	hs.recent.Remove(h.element)
	delete(hs.open, h.segment.number)
	h.evicted = true
	if h.users == 0 {
		return hs.finishLocked(h)
	}
	return nil
}

// replace gives the file at path the name of old's, and lets next answer for it.
// Who has old's file open goes on reading that one.
func (hs *handles) replace(old, next *segment, path string) error {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.closed {
		return ErrClosed
	}
	if err := hs.fs.Rename(path, old.path); err != nil && !hs.inPlace(next) {
		return err
	}
	old.successor.Store(next)
	if h := hs.open[old.number]; h != nil {
		_ = hs.evictLocked(h) // read only: nothing can be lost
	}
	hs.cache.forget(old.file())
	return nil
}

// inPlace says whether a rename that has failed took place all the same.
func (hs *handles) inPlace(s *segment) bool {
	file, err := hs.fs.OpenRead(s.path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, record.HeaderSize)
	if _, err := file.ReadAt(head, 0); err != nil {
		return false
	}
	header, err := record.DecodeHeader(head)
	return err == nil && header.SegmentID == s.header.SegmentID
}

// finishLocked closes the file. If it was replaced, its last reader may have left
// blocks of it in the cache.
func (hs *handles) finishLocked(h *handle) error {
	if h.segment.successor.Load() != nil {
		hs.cache.forget(h.segment.file())
	}
	return h.Close()
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
