package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fhirlog/eventlog"
	"fhirlog/replay"
)

// A compaction takes two steps: the segments of the log are written without the
// bodies that are to go, and the projections are computed anew from what is left,
// since values of erased versions are spread over all of their files. Between the
// two the projections have more than the log. A file in the data folder says so
// from before the first step to after the second; whoever finds it does all of it
// again, which costs no more than what is missing, and a rebuild.

// compactingFile is in the data folder while a compaction has not come to its end. It is
// empty, or says what else than contents is to be erased.
const compactingFile = "compacting"

// noteIDs is the content of the file when ids are to be erased too.
const noteIDs = "erase-ids\n"

func (f *folder) compacting() string { return filepath.Join(f.path, compactingFile) }

// unfinished says whether a compaction has begun and not come to its end, and whether
// that one erases ids.
func (f *folder) unfinished() (begun, ids bool, err error) {
	note, err := os.ReadFile(f.compacting())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case err == nil && len(note) > 0 && string(note) != noteIDs:
		err = fmt.Errorf("%s says something that this program does not understand: a later version of it was compacting; let that one end it", f.compacting())
	}
	return err == nil, err == nil && len(note) > 0, err
}

// beginCompacting notes, for good, that there is a compaction, and whether it erases
// ids. A note that stands there keeps what it says.
func (f *folder) beginCompacting(ids bool) error {
	begun, already, err := f.unfinished()
	if err != nil || begun && (already || !ids) {
		return err
	}
	note := ""
	if ids {
		note = noteIDs
	}
	temporary := f.compacting() + ".new"
	file, err := os.Create(temporary)
	if err == nil {
		_, err = file.WriteString(note)
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Rename(temporary, f.compacting())
	}
	if err == nil {
		err = f.sync()
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
	return eventlog.Disk().SyncDir(f.path)
}

// replacedWorthwhile is how many versions that were merely replaced are worth a
// compaction of their own. Where no history is kept, every update replaces one.
const replacedWorthwhile = 1000

// worthwhile says whether a compaction by schedule is to begin; ids says that it would
// erase ids too. What somebody has asked to be erased always is.
func worthwhile(e *replay.Erasures, ids bool) bool {
	return e.Named > 0 || e.Replaced >= replacedWorthwhile || ids && e.IDs > 0
}
