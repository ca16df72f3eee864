//go:build unix

package eventlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// osFileSystem is the real disk.
type osFileSystem struct{}

func (osFileSystem) MakeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

func (osFileSystem) List(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (osFileSystem) Create(path string) (File, error) {
	return openFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (osFileSystem) OpenRead(path string) (File, error)  { return openFile(path, os.O_RDONLY) }
func (osFileSystem) OpenWrite(path string) (File, error) { return openFile(path, os.O_RDWR) }
func (osFileSystem) Rename(from, to string) error        { return os.Rename(from, to) }
func (osFileSystem) Remove(path string) error            { return os.Remove(path) }

func (osFileSystem) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Lock uses flock: the kernel releases it when the process ends, however it
// ends, so no stale lock ever has to be removed by hand.
func (osFileSystem) Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

func (osFileSystem) Free(dir string) (int64, error) { return freeBytes(dir) }

type osFile struct{ *os.File }

func openFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Allocate(offset, length int64) error { return allocate(f.File, offset, length) }
func (f osFile) SyncData() error                     { return syncData(f.File) }
func (f osFile) Protect() error                      { return f.Chmod(0o400) }

func (f osFile) Protected() (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	return info.Mode().Perm()&0o200 == 0, nil
}
