package faultfs

import (
	"errors"
	"io"
	"io/fs"
)

// node is the content of a file.
type node struct {
	content []byte // as read
	durable []byte // as after a power cut
	dirty   []extent
	// smallest is the least size since the last sync, if the size changed.
	smallest  int
	resized   bool
	protected bool
}

// extent is a range of bytes that were written and not synced.
type extent struct{ from, to int }

// resize sets the length as truncating and extending do.
func (n *node) resize(size int) {
	if !n.resized {
		n.resized, n.smallest = true, len(n.content)
	}
	n.smallest = min(n.smallest, size)
	n.content = resized(n.content, size)
}

func resized(content []byte, size int) []byte {
	out := make([]byte, size)
	copy(out, content)
	return out
}

func (n *node) write(p []byte, at int) {
	if at+len(p) > len(n.content) {
		n.resize(at + len(p))
	}
	copy(n.content[at:], p)
	n.dirty = append(n.dirty, extent{at, at + len(p)})
}

// persistSize makes the size durable, and that what was cut off is zero.
func (n *node) persistSize() {
	if n.resized {
		n.durable = resized(n.durable[:min(n.smallest, len(n.durable))], len(n.content))
		n.resized = false
	}
}

// persist makes a written range durable, as far as the file reaches.
func (n *node) persist(e extent) {
	to := min(e.to, len(n.content), len(n.durable))
	if e.from < to {
		copy(n.durable[e.from:to], n.content[e.from:to])
	}
}

func (n *node) sync() {
	n.persistSize()
	for _, e := range n.dirty {
		n.persist(e)
	}
	n.dirty = nil
}

// File is an open file.
type File struct {
	fs       *FS
	node     *node
	life     int
	writable bool
	closed   bool
}

// do runs an operation of the file under the lock of the file system.
func (f *File) do(operation func(Effect) error) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	effect, fault := f.fs.beginLocked(f.life)
	if effect == None {
		return fault
	}
	return errors.Join(operation(effect), fault)
}

// change is do for what needs the file to be writable, and has no half.
func (f *File) change(operation func() error) error {
	return f.do(func(effect Effect) error {
		if !f.writable {
			return fs.ErrPermission
		}
		if effect == Partial {
			return nil
		}
		return operation()
	})
}

// ReadAt reads.
func (f *File) ReadAt(p []byte, at int64) (n int, err error) {
	err = f.do(func(effect Effect) error {
		if at >= int64(len(f.node.content)) {
			return io.EOF
		}
		if effect == Partial {
			p = p[:len(p)/2]
		}
		if n = copy(p, f.node.content[at:]); n < len(p) {
			return io.EOF
		}
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	return n, err
}

// WriteAt writes, or only half of it.
func (f *File) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.do(func(effect Effect) error {
		if !f.writable {
			return fs.ErrPermission
		}
		if grows := at + int64(len(p)) - int64(len(f.node.content)); grows > f.fs.freeLocked() {
			return ErrNoSpace
		}
		n = len(p)
		if effect == Partial {
			n /= 2
		}
		f.node.write(p[:n], int(at))
		return nil
	})
	return n, err
}

// Size is the length.
func (f *File) Size() (size int64, err error) {
	err = f.do(func(Effect) error {
		size = int64(len(f.node.content))
		return nil
	})
	return size, err
}

// Truncate sets the length.
func (f *File) Truncate(size int64) error {
	return f.change(func() error {
		f.node.resize(int(size))
		return nil
	})
}

// Allocate extends the file by zeros, if there is room.
func (f *File) Allocate(offset, length int64) error {
	return f.change(func() error {
		grows := offset + length - int64(len(f.node.content))
		if grows <= 0 {
			return nil
		}
		if grows > f.fs.freeLocked() {
			return ErrNoSpace
		}
		f.node.resize(int(offset + length))
		return nil
	})
}

// SyncData makes what was written durable. When it fails without its effect,
// what was written is taken for clean.
func (f *File) SyncData() error {
	f.fs.mu.Lock()
	failing := f.fs.operations+1 == f.fs.failAt && f.fs.effect != Full && !f.fs.halted && f.life == f.fs.life
	if failing {
		f.node.dirty = nil
	}
	f.fs.mu.Unlock()
	return f.do(func(effect Effect) error { // also of a file that was opened for reading
		if effect == Full {
			f.node.sync()
		}
		return nil
	})
}

// Sync is SyncData.
func (f *File) Sync() error { return f.SyncData() }

// Protect makes the file read-only for later opens.
func (f *File) Protect() error {
	return f.change(func() error {
		f.node.protected = true
		return nil
	})
}

// Protected reports whether it was called.
func (f *File) Protected() (protected bool, err error) {
	err = f.do(func(Effect) error {
		protected = f.node.protected
		return nil
	})
	return protected, err
}

// Close closes the handle. It is no operation that could fail.
func (f *File) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return nil
}
