package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"time"
)

// CompactOptions tune a compaction. The zero value works.
type CompactOptions struct {
	// Gently lets the compaction rest as long as it works, in short turns, so that
	// others get the disk and the processors.
	Gently bool
	// Progress, if set, is told now and then up to which position the compaction has
	// come. It must be quick.
	Progress func(through Position)
}

// Compaction tells what a compaction has done.
type Compaction struct {
	Segments    int    // written anew
	Records     uint64 // whose bodies are gone
	BodyBytes   int64  // of those bodies, as they were given to Append
	BytesBefore int64  // of the segments concerned
	BytesAfter  int64
	TornFiles   int // removed
}

// Compact removes the bodies of records for good: it writes the segments that
// hold them anew, one after the other, and puts each in the place of the old file.
// Position, instant, metadata and commitments of a record stay, and so does every
// proof over them; see package record. gone gives the positions in ascending order;
// those that are not durable, or have no body, are passed over.
//
// Torn tails that Open has set aside go as well: nobody knows what is in them.
//
// Others read and append meanwhile. If a record of the active segment is
// concerned, that one is sealed first, for which Run must be running. A crash at any
// moment leaves each segment as it was or as it will be; doing it again does the
// rest. Damage that is met is a CorruptError, and the damaged file stays as it is.
// Nothing that fails here keeps the log from taking appends, but for a failure to
// seal. Without room on the disk for one more segment it fails with ErrDiskFull.
//
// One compaction runs at a time; a second call waits for the first.
func (l *Log) Compact(ctx context.Context, gone iter.Seq[Position], o CompactOptions) (Compaction, error) {
	l.compacting.Lock()
	defer l.compacting.Unlock()
	c := &compaction{log: l, options: o, gone: pullPositions(gone), worked: time.Now()}
	defer c.gone.stop()
	err := c.rest(ctx)
	if err == nil {
		// What an earlier one renamed may not be durable, if it failed then.
		err = l.fs.SyncDir(l.dir)
	}
	if err == nil {
		err = c.run(ctx)
	}
	if err == nil {
		err = c.removeTorn()
	}
	if err != nil {
		return c.done, fmt.Errorf("compact the log: %w", err)
	}
	return c.done, nil
}

// compaction is one at work.
type compaction struct {
	log     *Log
	options CompactOptions
	gone    *positions
	done    Compaction
	worked  time.Time // since the last rest
}

// run writes the segments concerned anew.
func (c *compaction) run(ctx context.Context) error {
	end := c.log.Durable()
	for from := Position(0); ; {
		p, more := c.gone.from(from)
		if !more || p >= end {
			return nil
		}
		seg := c.log.segmentOf(p)
		if err := c.checkRoom(seg); err != nil {
			return err
		}
		if err := c.log.sealSegment(ctx, seg); err != nil {
			return fmt.Errorf("seal segment %d: %w", seg.number, err)
		}
		if err := c.rewrite(ctx, seg); err != nil {
			return err
		}
		from = seg.view.Load().next
		c.tell(from)
		if err := c.rest(ctx); err != nil {
			return err
		}
	}
}

func (c *compaction) tell(through Position) {
	if c.options.Progress != nil {
		c.options.Progress(through)
	}
}

// checkRoom says whether the disk has room for a segment once more.
func (c *compaction) checkRoom(seg *segment) error {
	free, err := c.log.fs.Free(c.log.dir)
	if err != nil {
		return fmt.Errorf("ask for free space: %w", err)
	}
	v := seg.view.Load()
	need, left := v.size+sealBytes(int64(v.next-seg.first)), max(0, c.log.options.MinFreeBytes)
	if free-need < left {
		return fmt.Errorf("%w: %d bytes free, %d needed to write segment %d anew, %d to be left", ErrDiskFull, free, need, seg.number, left)
	}
	return nil
}

// rest is called between two pieces of work. It fails when the compaction is to
// end.
func (c *compaction) rest(ctx context.Context) error {
	select {
	case <-c.log.stopped:
		if err := c.log.failed(); err != nil {
			return fmt.Errorf("%w: %w", ErrFailed, err)
		}
		return ErrClosed
	default:
	}
	if !c.options.Gently {
		return ctx.Err()
	}
	err := waitFor(ctx, time.Since(c.worked))
	c.worked = time.Now()
	return err
}

// removeTorn removes the torn tails that were set aside.
func (c *compaction) removeTorn() error {
	names, err := c.log.fs.List(c.log.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if !strings.HasPrefix(name, "torn-") || !strings.HasSuffix(name, ".bin") {
			continue
		}
		err := c.log.fs.Remove(filepath.Join(c.log.dir, name))
		if err == nil {
			c.done.TornFiles++
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, c.log.fs.SyncDir(c.log.dir))...)
}

// positions is a sequence that is looked into from front to back.
type positions struct {
	next func() (Position, bool)
	stop func()
	at   Position // the one that comes
	more bool     // there is one
}

func pullPositions(all iter.Seq[Position]) *positions {
	p := &positions{}
	p.next, p.stop = iter.Pull(all)
	p.at, p.more = p.next()
	return p
}

// from gives the first position that is not below at.
func (p *positions) from(at Position) (Position, bool) {
	for p.more && p.at < at {
		p.at, p.more = p.next()
	}
	return p.at, p.more
}

// has tells whether at is among them; at never goes back.
func (p *positions) has(at Position) bool {
	first, more := p.from(at)
	return more && first == at
}
