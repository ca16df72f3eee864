package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Target is where a backup is kept. It is used by one goroutine at a time.
type Target interface {
	// Put stores an object, durably, in the place of one that may be there. It is
	// there entirely or not at all, also after a crash.
	Put(ctx context.Context, name string, content []byte) error
	// Get reads an object; fs.ErrNotExist if there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List gives the names of all objects whose names begin with the prefix, which is
	// a folder and its slash.
	List(ctx context.Context, prefix string) ([]string, error)
	// Delete removes an object. One that is not there is no error.
	Delete(ctx context.Context, name string) error
}

const (
	chunkPrefix    = "chunks/"
	manifestPrefix = "manifests/"
)

// DamagedError says that an object of the target is not what it was, or is missing.
type DamagedError struct {
	Object string
	Err    error
}

// Error names the object.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s in the backup is damaged: %v", e.Object, e.Err)
}

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

// read reads an object of a known hash, and of at most so many bytes.
func read(ctx context.Context, t Target, name, hash string, most int64) ([]byte, error) {
	from, err := t.Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &DamagedError{Object: name, Err: errors.New("it is missing")}
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	content, err := io.ReadAll(io.LimitReader(from, most+1))
	if err := errors.Join(err, from.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > most || sum(content) != hash {
		return nil, &DamagedError{Object: name, Err: errors.New("its content does not have the hash that is its name")}
	}
	return content, nil
}

// store puts an object and reads it back.
func store(ctx context.Context, t Target, name string, content []byte) error {
	if err := t.Put(ctx, name, content); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	back, err := read(ctx, t, name, sum(content), int64(len(content)))
	if err == nil && !bytes.Equal(back, content) {
		err = &DamagedError{Object: name, Err: errors.New("it is read back as something else")}
	}
	return err
}
