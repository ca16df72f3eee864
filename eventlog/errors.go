package eventlog

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
	// ErrFailed: a write or sync failed. The log takes no more appends; only a
	// restart that reads the disk back can tell what it holds.
	ErrFailed = errors.New("log has failed and takes no more appends")
	// ErrOutcomeUnknown: the log failed before the record was known to be
	// durable. It may be there after a restart, or not.
	ErrOutcomeUnknown = errors.New("outcome unknown: the log failed before the commit was known to be durable")
	// ErrDiskFull: refused before anything was accepted; the log goes on.
	ErrDiskFull = errors.New("no space for the log")
	// ErrLocked: another process has the folder open.
	ErrLocked = errors.New("log folder is in use by another process")
	// ErrEncrypted: the log is encrypted, and Options.Keys are not given.
	ErrEncrypted = errors.New("the log is encrypted: give the key")
	// ErrNewKey: refused before anything was accepted, since no key could be made for the
	// next segment; the log goes on.
	ErrNewKey = errors.New("no key for the next segment of the log")
	// ErrNotFound: no durable record has that position.
	ErrNotFound = errors.New("no record at that position")
)

// CorruptError says that bytes which were durable have changed or are missing.
type CorruptError struct {
	Segment SegmentNumber
	Offset  int64 // in the segment file
	Err     error
}

// Error names the place, for an operator.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("log is damaged: segment %d, offset %d: %v", e.Segment, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// TooLargeError refuses a batch that exceeds a limit of the log.
type TooLargeError struct {
	What        string // "commit", "metadata of record 3", …
	Size, Limit int64  // bytes
}

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is too large: %d bytes, at most %d", e.What, e.Size, e.Limit)
}
