package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"fhirlog/eventlog"
)

// chunkFile reads a file of a backup, chunk by chunk, and checks the hash of each. One
// goroutine uses it.
type chunkFile struct {
	ctx    context.Context // of whoever reads: eventlog.File knows none
	target Target
	file   *File

	at    int // which chunk is in content; -1 for none
	chunk []byte
}

var _ eventlog.File = (*chunkFile)(nil)

// ReadAt reads.
func (c *chunkFile) ReadAt(p []byte, at int64) (read int, err error) {
	for read < len(p) {
		if at >= c.file.Bytes {
			return read, io.EOF
		}
		if err := c.load(int(at / ChunkBytes)); err != nil {
			return read, err
		}
		n := copy(p[read:], c.chunk[at%ChunkBytes:])
		read, at = read+n, at+int64(n)
	}
	return read, nil
}

func (c *chunkFile) load(n int) error {
	if n == c.at {
		return nil
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.at = -1
	hash, size := c.file.Chunks[n], c.file.chunkBytes(n)
	content, err := read(c.ctx, c.target, chunkPrefix+hash, hash, size)
	if err == nil && int64(len(content)) != size {
		err = &DamagedError{Object: chunkPrefix + hash, Err: errors.New("it has another length than the manifest says")}
	}
	if err != nil {
		return fmt.Errorf("%s from byte %d on: %w", c.file.Path, int64(n)*ChunkBytes, err)
	}
	c.at, c.chunk = n, content
	return nil
}

// Size is the length.
func (c *chunkFile) Size() (int64, error) { return c.file.Bytes, nil }

// Close has nothing to do.
func (c *chunkFile) Close() error { return nil }

// SyncData has nothing to do: an object is durable.
func (c *chunkFile) SyncData() error { return nil }

// Sync has nothing to do.
func (c *chunkFile) Sync() error { return nil }

// Protected is for files on a disk.
func (c *chunkFile) Protected() (bool, error) { return false, nil }

// What changes a file is refused.

func (c *chunkFile) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
func (c *chunkFile) Truncate(int64) error               { return fs.ErrPermission }
func (c *chunkFile) Allocate(int64, int64) error        { return fs.ErrPermission }
func (c *chunkFile) Protect() error                     { return fs.ErrPermission }
