package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fhirlog/replay"
)

// A compaction takes two steps: the segments of the log are written without the
// bodies that are to go, and the projections are computed anew from what is left,
// since values of erased versions are spread over all of their files. Between the
// two the projections have more than the log. A file in the data folder says so
// from before the first step to after the second; whoever finds it does all of it
// again, which costs no more than what is missing, and a rebuild.

// compactingFile is in the data folder while a compaction has not come to its end.
const compactingFile = "compacting"

func (f *folder) compacting() string { return filepath.Join(f.path, compactingFile) }

// unfinished says whether a compaction has begun and not come to its end.
func (f *folder) unfinished() (bool, error) {
	_, err := os.Stat(f.compacting())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// beginCompacting notes, for good, that there is a compaction.
func (f *folder) beginCompacting() error {
	file, err := os.Create(f.compacting())
	if err == nil {
		err = errors.Join(file.Sync(), file.Close(), f.sync())
	}
	if err != nil {
		return fmt.Errorf("note that the log is being compacted: %w", err)
	}
	return nil
}

// endCompacting takes the note back.
func (f *folder) endCompacting() error {
	err := os.Remove(f.compacting())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = f.sync()
	}
	if err != nil {
		return fmt.Errorf("note that the log is compacted: %w", err)
	}
	return nil
}

// sync makes the names in the data folder durable.
func (f *folder) sync() error {
	d, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replacedWorthwhile is how many versions that were merely replaced are worth a
// compaction of their own. Where no history is kept, every update replaces one.
const replacedWorthwhile = 1000

// worthwhile says whether a compaction by schedule is to begin. What somebody has
// asked to be erased always is.
func worthwhile(e *replay.Erasures) bool {
	return e.Named > 0 || e.Replaced >= replacedWorthwhile
}
