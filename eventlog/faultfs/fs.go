package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sync"

	"fhirlog/eventlog"
)

var _ eventlog.FileSystem = (*FS)(nil)

// The errors that the file system makes up.
var (
	ErrInjected = errors.New("injected fault")
	ErrHalted   = errors.New("the process has ended")
	ErrNoSpace  = errors.New("no space left on device")
)

// Effect says what an operation does before it fails.
type Effect int

// The effects of a failing operation.
const (
	None    Effect = iota // nothing was done
	Partial               // a write did its first half; anything else nothing
	Full                  // it was done, and reports failure all the same
)

// FS is the file system. New makes one.
type FS struct {
	mu      sync.Mutex // guards all below, files included
	names   map[string]*node
	durable map[string]*node
	changes map[string][]change // per folder, since its last sync
	locks   map[string]bool
	life    int // counts the processes; handles of an earlier one are dead

	operations int
	failAt     int // 0: never
	effect     Effect
	halts      bool // the process ends there
	halted     bool
	capacity   int64
}

// change is one change of names: to now names node, from is gone.
type change struct {
	from, to string
	node     *node
}

// New makes an empty file system without faults.
func New() *FS {
	return &FS{
		names: map[string]*node{}, durable: map[string]*node{}, changes: map[string][]change{},
		locks: map[string]bool{}, capacity: math.MaxInt64,
	}
}

// FailAt makes the n-th operation from now on fail once; 0 for none.
func (f *FS) FailAt(n int, effect Effect) { f.arm(n, effect, false) }

// HaltAt ends the process at its n-th operation from now on: that one and all
// that follow fail, until Restart or PowerCut.
func (f *FS) HaltAt(n int, effect Effect) { f.arm(n, effect, true) }

func (f *FS) arm(n int, effect Effect, halts bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.operations, f.failAt, f.effect, f.halts = 0, n, effect, halts
}

// Operations counts since New, FailAt or HaltAt.
func (f *FS) Operations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.operations
}

// SetCapacity sets how many bytes the disk holds.
func (f *FS) SetCapacity(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = bytes
}

// beginLocked counts an operation. With a nil error the caller does it; with
// Full or Partial it does so and returns the error.
func (f *FS) beginLocked(life int) (Effect, error) {
	if f.halted || life != f.life {
		return None, ErrHalted
	}
	f.operations++
	if f.operations != f.failAt {
		return Full, nil
	}
	f.halted = f.halts
	return f.effect, fmt.Errorf("%w at operation %d", ErrInjected, f.operations)
}

// do runs an operation on names under the lock.
func (f *FS) do(operation func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	effect, fault := f.beginLocked(f.life)
	if effect != Full {
		return fault
	}
	return errors.Join(operation(), fault)
}

// MakeDir does nothing: folders exist when files do.
func (f *FS) MakeDir(string) error { return f.do(func() error { return nil }) }

// List gives the names in a folder.
func (f *FS) List(dir string) (names []string, err error) {
	err = f.do(func() error {
		for path := range f.names {
			if filepath.Dir(path) == filepath.Clean(dir) {
				names = append(names, filepath.Base(path))
			}
		}
		return nil
	})
	return names, err
}

// Create makes a new, empty file.
func (f *FS) Create(path string) (file eventlog.File, err error) {
	err = f.do(func() error {
		if f.names[path] != nil {
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		n := &node{}
		f.changeLocked(change{to: path, node: n})
		file = f.openLocked(n, true)
		return nil
	})
	return file, err
}

// OpenRead opens a file for reading.
func (f *FS) OpenRead(path string) (eventlog.File, error) { return f.open(path, false) }

// OpenWrite opens a file for reading and writing.
func (f *FS) OpenWrite(path string) (eventlog.File, error) { return f.open(path, true) }

func (f *FS) open(path string, writable bool) (file eventlog.File, err error) {
	err = f.do(func() error {
		n := f.names[path]
		if n == nil {
			return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		if writable && n.protected {
			return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		}
		file = f.openLocked(n, writable)
		return nil
	})
	return file, err
}

func (f *FS) openLocked(n *node, writable bool) *File {
	return &File{fs: f, node: n, life: f.life, writable: writable}
}

// Rename replaces a name.
func (f *FS) Rename(from, to string) error {
	return f.do(func() error {
		n := f.names[from]
		if n == nil {
			return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
		}
		f.changeLocked(change{from: from, to: to, node: n})
		return nil
	})
}

// Remove deletes a name.
func (f *FS) Remove(path string) error {
	return f.do(func() error {
		if f.names[path] == nil {
			return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
		}
		f.changeLocked(change{from: path})
		return nil
	})
}

func (f *FS) changeLocked(c change) {
	c.apply(f.names)
	dir := filepath.Dir(c.from + c.to)
	if c.to != "" {
		dir = filepath.Dir(c.to)
	}
	f.changes[dir] = append(f.changes[dir], c)
}

func (c change) apply(names map[string]*node) {
	delete(names, c.from)
	if c.to != "" {
		names[c.to] = c.node
	}
}

// SyncDir makes the names in a folder durable.
func (f *FS) SyncDir(dir string) error {
	return f.do(func() error {
		dir = filepath.Clean(dir)
		for _, c := range f.changes[dir] {
			c.apply(f.durable)
		}
		delete(f.changes, dir)
		return nil
	})
}

// Free tells how much room is left.
func (f *FS) Free(string) (free int64, err error) {
	err = f.do(func() error {
		free = f.freeLocked()
		return nil
	})
	return free, err
}

func (f *FS) freeLocked() int64 {
	used := int64(0)
	for _, n := range f.names {
		used += int64(len(n.content))
	}
	return f.capacity - used
}

// Lock holds a name until it is closed or the process ends.
func (f *FS) Lock(path string) (lock io.Closer, err error) {
	err = f.do(func() error {
		if f.locks[path] {
			return eventlog.ErrLocked
		}
		f.locks[path] = true
		lock = &heldLock{fs: f, path: path, life: f.life}
		return nil
	})
	return lock, err
}

type heldLock struct {
	fs   *FS
	path string
	life int
}

func (h *heldLock) Close() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.life == h.fs.life {
		delete(h.fs.locks, h.path)
	}
	return nil
}
