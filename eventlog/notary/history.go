package notary

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// HistoryFile is the name of the file of all checkpoints.
const HistoryFile = "checkpoints"

// history is a file of checkpoints, one after the other. One goroutine uses it.
type history struct {
	file  eventlog.File
	path  string
	end   int64 // after the last checkpoint that was published
	dirty bool  // there may be something beyond it
}

// openHistory opens the file, or makes it; fresh says that it did.
func openHistory(disk eventlog.FileSystem, dir, name string) (h *history, fresh bool, err error) {
	h = &history{path: filepath.Join(dir, name)}
	h.file, err = disk.OpenWrite(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		fresh = true
		h.file, err = disk.Create(h.path)
	}
	if fresh && err == nil {
		err = disk.SyncDir(dir) // before there is a key: see openKey
	}
	if err != nil {
		return nil, false, fmt.Errorf("open the checkpoints: %w", err)
	}
	return h, fresh, nil
}

// tailBytes is how much of the end of the file is looked at for the last one.
const tailBytes = 4 * merkle.MaxSignedBytes

// last finds the last checkpoint, cuts off a torn one after it, and makes sure
// that it is durable. It gives nil if there is none.
func (h *history) last(known note.Verifiers) (p *Published, torn int64, err error) {
	size, err := h.file.Size()
	if err != nil {
		return nil, 0, fmt.Errorf("size of the checkpoints: %w", err)
	}
	start := max(0, size-tailBytes)
	text := make([]byte, size-start)
	if n, err := h.file.ReadAt(text, start); n < len(text) {
		return nil, 0, fmt.Errorf("read the checkpoints: %w", err)
	}
	p, from, end, err := lastIn(text, start > 0, known)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", h.path, err)
	}
	if torn = int64(len(text) - end); torn > merkle.MaxSignedBytes || p == nil && start > 0 {
		return nil, 0, fmt.Errorf("%s is damaged from byte %d on: restore it from a copy", h.path, start+int64(end))
	}
	h.end, h.dirty = start+int64(end), torn > 0
	if p == nil {
		return nil, torn, nil
	}
	// Written once more: after a sync that failed, what can be read need not be durable.
	if _, err := h.file.WriteAt(text[from:end], start+int64(from)); err != nil {
		return nil, 0, fmt.Errorf("write the checkpoints: %w", err)
	}
	return p, torn, h.clean()
}

// lastIn finds the last signed checkpoint in the end of a history, and what it
// takes of it.
func lastIn(text []byte, cut bool, known note.Verifiers) (p *Published, from, end int, err error) {
	rest, ok := text, true
	if cut {
		rest, ok = merkle.SkipInHistory(text)
	}
	faultAt := -1
	for ok && len(rest) > 0 {
		at := len(text) - len(rest)
		signed, after, whole := merkle.NextInHistory(rest)
		var checkpoint merkle.Checkpoint
		if whole {
			checkpoint, err = merkle.OpenCheckpoint(signed, known)
		}
		switch {
		case whole && err == nil && faultAt >= 0:
			return nil, 0, 0, fmt.Errorf("%d bytes from the end there is no checkpoint, and there are whole ones after it: restore the file from a copy", len(text)-faultAt)
		case whole && err == nil:
			p, from, end = &Published{checkpoint, signed}, at, len(text)-len(after)
			rest = after
		case whole && !merkle.Malformed(err):
			return nil, 0, 0, err // whole, and by another key or changed: no crash does that
		default:
			if faultAt < 0 {
				faultAt = at
			}
			rest, ok = merkle.SkipInHistory(rest)
		}
	}
	return p, from, end, nil
}

// clean removes what is beyond the last checkpoint, and makes the rest durable.
func (h *history) clean() error {
	if err := h.file.Truncate(h.end); err != nil {
		return fmt.Errorf("cut the checkpoints: %w", err)
	}
	if err := h.file.SyncData(); err != nil {
		return fmt.Errorf("sync the checkpoints: %w", err)
	}
	h.dirty = false
	return nil
}

// append adds a checkpoint, durably.
func (h *history) append(signed []byte) error {
	if h.dirty {
		if err := h.file.Truncate(h.end); err != nil {
			return fmt.Errorf("cut the checkpoints: %w", err)
		}
	}
	h.dirty = true
	entry := merkle.AppendToHistory(nil, signed)
	if _, err := h.file.WriteAt(entry, h.end); err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	if err := h.file.SyncData(); err != nil {
		return fmt.Errorf("sync the checkpoint: %w", err)
	}
	h.end += int64(len(entry))
	h.dirty = false
	return nil
}

// all reads every checkpoint up to the last one.
func (h *history) all() ([]merkle.Checkpoint, error) {
	text := make([]byte, h.end)
	if n, err := h.file.ReadAt(text, 0); n < len(text) {
		return nil, fmt.Errorf("read the checkpoints: %w", err)
	}
	var all []merkle.Checkpoint
	err := merkle.EachInHistory(text, func(signed []byte) error {
		checkpoint, err := merkle.CheckpointOf(signed)
		all = append(all, checkpoint)
		return err
	})
	return all, err
}
