package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
)

// Archive is a log as an auditor reads it: a folder, or the copy of one, that no
// server is running on. Nothing in the folder is changed. It is safe for concurrent
// use once Survey has returned.
type Archive struct {
	Feed
	Log *eventlog.Log

	disk   *readOnly
	hidden *roaring64.Bitmap // the versions that nothing answers with; nil before Survey
}

var _ feed.Timeline = (*Archive)(nil)

// OpenArchive opens the log in a folder. source names it. It fails with
// eventlog.ErrLocked while a server has the folder.
func OpenArchive(dir, source string, o eventlog.Options) (*Archive, error) {
	disk := newReadOnly()
	o.FS = disk
	if o.Keys != nil {
		o.Keys = keptKeys{o.Keys}
	}
	log, _, err := eventlog.Open(dir, o)
	if err != nil {
		return nil, errors.Join(err, disk.release())
	}
	a := &Archive{Log: log, disk: disk}
	a.Feed = Feed{Log: log, View: a, Origin: source}
	return a, nil
}

// Close closes the log and gives up what was copied.
func (a *Archive) Close() error { return errors.Join(a.Log.Close(), a.disk.release()) }

// Survey reads the metadata of the whole log, to know which versions nothing answers
// with any more. It comes before everything that tells of versions. progress, if not
// nil, is told now and then how many records are read.
func (a *Archive) Survey(ctx context.Context, progress func(read, total uint64)) error {
	f := newErasureFinder(a.Log)
	f.definitions = true
	total := uint64(a.Log.Durable())
	err := a.Log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		if progress != nil && r.Position%restEvery == 0 {
			progress(uint64(r.Position), total)
		}
		if err := f.take(&r); err != nil {
			return fmt.Errorf("position %d: %w", r.Position, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	f.named.Or(f.replaced)
	a.hidden = f.named
	return nil
}

// Applied is the number of records.
func (a *Archive) Applied() uint64 { return uint64(a.Log.Durable()) }

// WaitApplied does not wait: nothing comes any more.
func (a *Archive) WaitApplied(context.Context, uint64) error { return nil }

// Shown calls fn with all positions but those of versions that nothing answers with.
func (a *Archive) Shown(from, before uint64, fn func(position uint64) (bool, error)) error {
	for position := from; position < before; position++ {
		if a.hidden.Contains(position) {
			continue
		}
		if more, err := fn(position); err != nil || !more {
			return err
		}
	}
	return nil
}

// Before is the number of records that were written before an instant.
func (a *Archive) Before(instant int64) (uint64, error) {
	last, ok, err := a.Log.PositionAt(instant - 1)
	if err != nil || !ok {
		return 0, err
	}
	return uint64(last) + 1, nil
}

// CommitEnd is the number of records up to the last one of the commit that a
// position belongs to.
func (a *Archive) CommitEnd(position uint64) (uint64, error) {
	for {
		r, err := a.Log.ReadMetadata(eventlog.Position(position))
		if err != nil {
			return 0, err
		}
		position++
		if r.CommitEnd {
			return position, nil
		}
	}
}
