package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
)

// OpenKeys opens what is in the file of a keyring with the operator's key. Nothing is
// written to what it gives; keyring.Detached does it.
type OpenKeys func(text []byte) (eventlog.Keys, error)

// open opens the keyring of an encrypted log.
func (o OpenKeys) open(text []byte) (eventlog.Keys, error) {
	if o == nil {
		return nil, eventlog.ErrEncrypted
	}
	return o(text)
}

// folderKeys are the keys of a log that a server may be writing to: it makes more, and
// drops some, meanwhile. One goroutine uses them.
type folderKeys struct {
	source *Source
	keys   eventlog.Keys // as of the last look; nil before it
}

// Key gives a key, and looks into the folder once more if it is not known.
func (k *folderKeys) Key(name string) (key [32]byte, err error) {
	if k.keys != nil {
		if key, err = k.keys.Key(name); !errors.Is(err, keyring.ErrNoKey) {
			return key, err
		}
	}
	text, err := k.source.keyring()
	if err != nil {
		return key, err
	}
	if k.keys, err = k.source.OpenKeys.open(text); err != nil {
		return key, err
	}
	return k.keys.Key(name)
}

var errNotOurs = errors.New("a backup changes nothing in the folder")

// New is not for a backup.
func (k *folderKeys) New(string) ([32]byte, error) { return [32]byte{}, errNotOurs }

// Drop is not for a backup.
func (k *folderKeys) Drop(...string) error { return errNotOurs }

// keyring reads the keyring of the folder.
func (s *Source) keyring() ([]byte, error) {
	return readFile(s.FS, filepath.Join(s.Dir, keyringFile))
}

// keyAttempts is how often a file is opened whose key is gone: a compaction may have put
// another in its place in between.
const keyAttempts = 3

// opened opens a segment and calls fn with it, once more if its key was dropped
// meanwhile.
func (s *Source) opened(n eventlog.SegmentNumber, fn func(eventlog.File) error) error {
	for attempt := 1; ; attempt++ {
		file, err := s.FS.OpenRead(eventlog.SegmentPath(s.log(), n))
		if err != nil {
			return fmt.Errorf("open segment %d: %w", n, err)
		}
		err = errors.Join(fn(file), file.Close())
		if !errors.Is(err, keyring.ErrNoKey) || attempt == keyAttempts {
			return err
		}
	}
}

// keys copies the keyring, after the segments, so that it has the keys of all of them;
// but for those that a compaction has replaced meanwhile. whole says that there are none.
func (r *run) keys(ctx context.Context) (whole bool, err error) {
	m := &r.report.Manifest
	encrypted := slices.ContainsFunc(m.Segments, func(s Segment) bool { return s.Encrypted })
	text, err := r.source.keyring()
	if errors.Is(err, fs.ErrNotExist) && !encrypted {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	names, err := keyring.Names(text)
	if err != nil {
		return false, err
	}
	for i := range m.Segments {
		s := &m.Segments[i]
		info, err := s.info(m.LogID)
		if err != nil {
			return false, err
		}
		if !s.Encrypted || slices.Contains(names, eventlog.SegmentKey(info.ID)) {
			continue
		}
		// If it is there still, the key is missing, and looking at it says so.
		now, err := r.source.peek(r.segments, info.Number)
		if err == nil && now.ID == info.ID {
			err = fmt.Errorf("%w: that of segment %d", keyring.ErrNoKey, info.Number)
		}
		return false, err
	}
	if encrypted || r.source.OpenKeys != nil { // else it is of no use yet
		if _, err := r.source.OpenKeys.open(text); err != nil {
			return false, err
		}
	}
	file := File{Path: keyringFile, Bytes: int64(len(text))}
	if err := r.copy(ctx, &file, bytes.NewReader(text)); err != nil {
		return false, err
	}
	m.Files = append(m.Files, file)
	return true, nil
}

// openKeys opens the keyring of a backup; nil if it has none.
func (s *Stored) openKeys(ctx context.Context, open OpenKeys) (eventlog.Keys, error) {
	text, err := s.small(ctx, keyringFile)
	if err != nil || text == nil {
		return nil, err
	}
	if open == nil && !slices.ContainsFunc(s.Segments, func(s Segment) bool { return s.Encrypted }) {
		return nil, nil
	}
	return open.open(text)
}
