//go:build unix

package replay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"fhirlog/eventlog"
)

// readOnly is a disk for a log that must not be touched. What the log would change,
// such as the end of a segment that a crash has torn, it changes in copies. These have no
// name, so that nothing is left over however the process ends. A lock is shared: others
// may read as well, and no server begins meanwhile; on a medium that cannot be locked
// nobody writes anyway.
type readOnly struct {
	disk eventlog.FileSystem

	mu      sync.Mutex          // guards the fields below
	copies  map[string]*scratch // what is there instead, by path
	removed map[string]bool
	all     []*scratch // every copy that was made
}

// keptKeys are keys of which none is dropped: a log that is only read drops nothing for
// good.
type keptKeys struct{ eventlog.Keys }

// Drop drops nothing.
func (keptKeys) Drop(...string) error { return nil }

func newReadOnly() *readOnly {
	return &readOnly{disk: eventlog.Disk(), copies: map[string]*scratch{}, removed: map[string]bool{}}
}

// release gives the copies up. The log must be closed.
func (d *readOnly) release() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, copied := range d.all {
		errs = append(errs, copied.File.Close())
	}
	d.all = nil
	return errors.Join(errs...)
}

// MakeDir demands that the folder is there.
func (d *readOnly) MakeDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}

// List gives the names that are there, or would be.
func (d *readOnly) List(dir string) ([]string, error) {
	names, err := d.disk.List(dir)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	names = slices.DeleteFunc(names, func(name string) bool { return d.removed[filepath.Join(dir, name)] })
	for path := range d.copies {
		if name := filepath.Base(path); filepath.Dir(path) == filepath.Clean(dir) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Create makes a file beside.
func (d *readOnly) Create(path string) (eventlog.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := os.Stat(path); d.copies[path] != nil || err == nil && !d.removed[path] {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return d.newLocked(path)
}

func (d *readOnly) newLocked(path string) (*scratch, error) {
	f, err := newScratch()
	if err != nil {
		return nil, err
	}
	d.copies[path] = f
	d.all = append(d.all, f)
	delete(d.removed, path)
	return f, nil
}

// OpenRead opens the file, or what is there instead.
func (d *readOnly) OpenRead(path string) (eventlog.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if copied := d.copies[path]; copied != nil {
		return copied, nil
	}
	if d.removed[path] {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return d.disk.OpenRead(path)
}

// OpenWrite copies the file and opens the copy.
func (d *readOnly) OpenWrite(path string) (eventlog.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copyLocked(path)
}

// copyLocked makes a copy, unless there is one.
func (d *readOnly) copyLocked(path string) (*scratch, error) {
	if copied := d.copies[path]; copied != nil {
		return copied, nil
	}
	if d.removed[path] {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	from, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := d.newLocked(path)
	if err == nil {
		_, err = io.Copy(to.File, from)
	}
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", filepath.Base(path), err)
	}
	return to, nil
}

// Rename gives a copy another name.
func (d *readOnly) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	copied, err := d.copyLocked(from)
	if err != nil {
		return err
	}
	delete(d.copies, from)
	delete(d.removed, to)
	d.copies[to], d.removed[from] = copied, true
	return nil
}

// Remove makes as if the file were not there.
func (d *readOnly) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.copies, path)
	d.removed[path] = true
	return nil
}

// SyncDir has nothing to do.
func (d *readOnly) SyncDir(string) error { return nil }

// Free says that there is room: what is written goes elsewhere.
func (d *readOnly) Free(string) (int64, error) { return math.MaxInt64 / 2, nil }

// Lock keeps writers out, and no readers.
func (d *readOnly) Lock(path string) (io.Closer, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return io.NopCloser(nil), nil // a copy that no server has begun on
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(eventlog.ErrLocked, f.Close())
	}
	return f, nil // a disk that knows no locks has no writer either
}

// scratch is a file without a name. It stays open until release.
type scratch struct{ *os.File }

func newScratch() (*scratch, error) {
	f, err := os.CreateTemp("", "fhirlog-audit-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &scratch{f}, nil
}

// Size is the length of the file.
func (f *scratch) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Allocate extends the file by zeros.
func (f *scratch) Allocate(offset, length int64) error {
	size, err := f.Size()
	if err == nil && offset+length > size {
		err = f.Truncate(offset + length)
	}
	return err
}

// SyncData has nothing to do: the file is gone after a crash.
func (f *scratch) SyncData() error { return nil }

// Sync has nothing to do either.
func (f *scratch) Sync() error { return nil }

// Protect has nothing to protect.
func (f *scratch) Protect() error { return nil }

// Protected says that the file may be written.
func (f *scratch) Protected() (bool, error) { return false, nil }

// Close leaves the file open for others who read it.
func (f *scratch) Close() error { return nil }
