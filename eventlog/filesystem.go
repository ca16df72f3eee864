package eventlog

import "io"

// FileSystem is what the log needs of a disk. The default is the real one;
// faultfs has one that fails on request. Safe for concurrent use.
type FileSystem interface {
	// MakeDir creates the folder and its parents unless they exist.
	MakeDir(dir string) error
	// List gives the names in a folder.
	List(dir string) ([]string, error)
	// Create makes a new, empty file for reading and writing.
	Create(path string) (File, error)
	// OpenRead opens a file for reading only.
	OpenRead(path string) (File, error)
	// OpenWrite opens an existing file for reading and writing.
	OpenWrite(path string) (File, error)
	// Rename replaces the name; durable after SyncDir.
	Rename(from, to string) error
	// Remove deletes the name; durable after SyncDir.
	Remove(path string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
	// Lock holds the file until the Closer is closed or the process ends.
	// It returns ErrLocked when another process holds it.
	Lock(path string) (io.Closer, error)
	// Free tells how many bytes the folder's disk can still take.
	Free(dir string) (int64, error)
}

// Disk is the real disk.
func Disk() FileSystem { return osFileSystem{} }

// File is an open file. Safe for concurrent use as far as ranges don't overlap.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is the length of the file.
	Size() (int64, error)
	// Truncate cuts the file.
	Truncate(size int64) error
	// Allocate extends the file by zeros and reserves the space for them.
	Allocate(offset, length int64) error
	// SyncData makes written data durable, and the size if it changed.
	SyncData() error
	// Sync makes data and attributes durable.
	Sync() error
	// Protect makes the file read-only for later opens.
	Protect() error
	// Protected reports whether Protect was called, ever.
	Protected() (bool, error)
}
