package notary

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// levels are the files with the entries of the tree. Reading is safe for
// concurrent use; one goroutine writes.
type levels struct {
	files [merkle.TileLevels]eventlog.File
	// Owned by who writes:
	ends  [merkle.TileLevels]int64
	dirty [merkle.TileLevels]bool
}

func openLevels(disk eventlog.FileSystem, dir string) (*levels, error) {
	l := &levels{}
	made := false
	for i := range l.files {
		path := filepath.Join(dir, "level-"+strconv.Itoa(i))
		file, err := disk.OpenWrite(path)
		if errors.Is(err, fs.ErrNotExist) {
			made = true
			file, err = disk.Create(path)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open level %d of the tree: %w", i, err), l.close())
		}
		l.files[i] = file
	}
	if made {
		if err := disk.SyncDir(dir); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

// ReadLevel implements merkle.LevelReader.
func (l *levels) ReadLevel(level int, from uint64, dst []byte) error {
	n, err := l.files[level].ReadAt(dst, int64(from)*merkle.HashSize)
	switch {
	case n == len(dst):
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("level %d of the tree ends before entry %d", level, from+uint64(len(dst)/merkle.HashSize))
	}
	return fmt.Errorf("read level %d of the tree: %w", level, err)
}

// holds says whether the files are long enough for a tree of that size.
func (l *levels) holds(size uint64) (bool, error) {
	for i, file := range l.files {
		bytes, err := file.Size()
		if err != nil {
			return false, fmt.Errorf("size of level %d of the tree: %w", i, err)
		}
		if uint64(bytes) < merkle.Entries(size, i)*merkle.HashSize {
			return false, nil
		}
	}
	return true, nil
}

// cut forgets what is beyond a tree of that size, which the files hold.
func (l *levels) cut(size uint64) error {
	for i, file := range l.files {
		l.ends[i] = int64(merkle.Entries(size, i)) * merkle.HashSize
		if err := file.Truncate(l.ends[i]); err != nil {
			return fmt.Errorf("cut level %d of the tree: %w", i, err)
		}
		l.dirty[i] = true
	}
	return nil
}

// write appends entries.
func (l *levels) write(entries *merkle.Levels) error {
	for i, bytes := range entries {
		if len(bytes) == 0 {
			continue
		}
		l.dirty[i] = true
		if _, err := l.files[i].WriteAt(bytes, l.ends[i]); err != nil {
			return fmt.Errorf("write level %d of the tree: %w", i, err)
		}
		l.ends[i] += int64(len(bytes))
	}
	return nil
}

// sync makes durable what was written.
func (l *levels) sync() error {
	for i, file := range l.files {
		if !l.dirty[i] {
			continue
		}
		if err := file.SyncData(); err != nil {
			return fmt.Errorf("sync level %d of the tree: %w", i, err)
		}
		l.dirty[i] = false
	}
	return nil
}

func (l *levels) close() error {
	var faults []error
	for _, file := range l.files {
		if file != nil {
			faults = append(faults, file.Close())
		}
	}
	return errors.Join(faults...)
}

// overwrite puts entries where damaged ones are. They are covered by a checkpoint,
// so nobody else writes there.
func (l *levels) overwrite(level int, from uint64, entries []byte) error {
	_, err := l.files[level].WriteAt(entries, int64(from)*merkle.HashSize)
	return err
}

// mended makes durable what overwrite wrote.
func (l *levels) mended() error {
	var faults []error
	for _, file := range l.files {
		faults = append(faults, file.SyncData())
	}
	return errors.Join(faults...)
}
