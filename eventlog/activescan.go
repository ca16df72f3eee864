package eventlog

import (
	"errors"
	"fmt"
	"hash"
	"io"

	"fhirlog/eventlog/record"
)

// activeScan reads the active segment at Open and finds where it ends.
type activeScan struct {
	segment *segment
	file    File
	size    int64

	// Of the commits that are whole:
	end                       int64
	next                      Position
	chain                     record.Chain
	offsets                   []uint32
	firstInstant, lastInstant int64
	marked                    bool
	syncedThrough             int64 // the largest that a commit told
	hash                      hash.Hash

	// Of the commit being read:
	open        bool
	builder     record.ChainBuilder
	pendingNext Position
	instant     int64
	complete    bool // its last records frame was there
	run         record.Run

	invalidAt int64 // where no valid frame stands; -1 when the end is in order
	sealing   bool  // a seal was begun: nothing but commits is before end
}

// scan reads all whole commits. It returns a CorruptError for a frame that is
// valid and cannot be there.
func (a *activeScan) scan() error {
	a.end, a.next, a.syncedThrough = record.HeaderSize, a.segment.first, record.HeaderSize
	a.pendingNext, a.invalidAt = a.next, -1
	f := newFrames(a.file, a.segment.key, a.end, a.size)
	defer f.release()
	for {
		at := f.at
		frame, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			if a.open {
				a.invalidAt = at
			}
		case errors.Is(err, record.ErrInvalid):
			a.invalidAt = at
		case err != nil:
			return fmt.Errorf("segment %d: %w", a.segment.number, err)
		case frame.Kind == record.KindIndex || frame.Kind == record.KindTrailer:
			if a.open {
				return a.segment.corrupt(at, errors.New("index in the middle of a commit"))
			}
			a.sealing = true
		default:
			if err := a.take(frame, at, f.at); err != nil {
				return a.segment.corrupt(at, err)
			}
			continue
		}
		return a.hashThrough(a.end)
	}
}

func (a *activeScan) take(frame record.Frame, at, end int64) error {
	if frame.Kind == record.KindCommit {
		return a.takeCommit(frame, end)
	}
	if err := a.segment.decodeRun(frame, at, &a.run); err != nil {
		return err
	}
	first := a.run.Flags&record.FlagFirst != 0
	if first == a.open || a.complete || Position(a.run.First) != a.pendingNext {
		return fmt.Errorf("records from %d do not follow what is before them", a.run.First)
	}
	if first {
		a.open, a.builder, a.instant = true, a.chain.Begin(), a.run.Instant
	}
	if a.run.Instant != a.instant || a.instant < a.lastInstant {
		return fmt.Errorf("instant %d goes back", a.run.Instant)
	}
	for i := range a.run.Entries {
		a.builder.Add(&a.run.Entries[i])
		a.offsets = append(a.offsets, uint32(at/record.Alignment))
	}
	a.pendingNext = Position(a.run.Next())
	a.complete = a.run.Flags&record.FlagLast != 0
	return nil
}

func (a *activeScan) takeCommit(frame record.Frame, end int64) error {
	c, err := record.DecodeCommit(frame)
	if err != nil {
		return err
	}
	mark := c.Count == 0
	chain := a.chain
	if !mark {
		chain = a.builder.End(c.Next)
	}
	if mark == a.open || mark == a.complete || Position(c.Next) != a.pendingNext ||
		uint64(c.Count) != uint64(a.pendingNext-a.next) || c.Chain != chain {
		return fmt.Errorf("commit up to %d does not fit what is before it", c.Next)
	}
	if !mark {
		if a.next == a.segment.first {
			a.firstInstant = a.instant
		}
		a.lastInstant = a.instant
	}
	a.next, a.chain, a.end, a.marked = a.pendingNext, chain, end, mark
	a.open, a.complete = false, false
	a.syncedThrough = max(a.syncedThrough, c.SyncedThrough)
	return nil
}

// hashThrough computes the hash of the file so far and forgets the records of
// a commit that is not whole.
func (a *activeScan) hashThrough(end int64) error {
	a.offsets = a.offsets[:a.next-a.segment.first]
	if _, err := io.Copy(a.hash, io.NewSectionReader(a.file, 0, end)); err != nil {
		return fmt.Errorf("read segment %d: %w", a.segment.number, err)
	}
	return nil
}
