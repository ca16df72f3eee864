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
	// Metadata, if set, are the records, in ascending order, whose metadata go as well,
	// and the body where there is one. Stub makes what stands in their place: what
	// readers of the log still need of them, at most record.MaxStub bytes.
	Metadata iter.Seq[Position]
	Stub     func(metadata []byte) ([]byte, error)
	// Progress, if set, is told now and then up to which position the compaction has
	// come. It must be quick.
	Progress func(through Position)
}

// Compaction tells what a compaction has done.
type Compaction struct {
	Segments    int    // written anew
	Records     uint64 // whose bodies are gone
	Metadata    uint64 // records whose metadata are gone
	BodyBytes   int64  // of those bodies, as they were given to Append
	BytesBefore int64  // of the segments concerned
	BytesAfter  int64
	TornFiles   int // removed
}

// Compact removes the bodies of records for good: it writes the segments that
// hold them anew, one after the other, and puts each in the place of the old file.
// Position, instant, metadata and commitments of a record stay, and so does every
// proof over them; see package record. gone gives the positions in ascending order;
// those that are not durable, or have no body, are passed over. The options may say
// that metadata go too. With Options.Keys, all that is not encrypted yet is written anew
// as well, and the keys of the old files are dropped.
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
	if o.Metadata == nil {
		o.Metadata = func(func(Position) bool) {}
	}
	c := &compaction{log: l, options: o, gone: pullPositions(gone), metadata: pullPositions(o.Metadata), worked: time.Now()}
	defer c.gone.stop()
	defer c.metadata.stop()
	err := c.rest(ctx)
	if err == nil {
		// What an earlier one renamed may not be durable, if it failed then.
		err = l.fs.SyncDir(l.dir)
	}
	if err == nil {
		err = l.dropKeys()
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
	log      *Log
	options  CompactOptions
	gone     *positions // bodies
	metadata *positions
	done     Compaction
	worked   time.Time // since the last rest
}

// run writes the segments concerned anew.
func (c *compaction) run(ctx context.Context) error {
	end := c.log.Durable()
	for from := Position(0); ; {
		p, more := c.gone.from(from)
		if m, also := c.metadata.from(from); also && (!more || m < p) {
			p, more = m, true
		}
		if plain, also := c.log.plainFrom(from); also && (!more || plain < p) {
			p, more = plain, true
		}
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
	room, err := c.log.Room()
	if err != nil {
		return err
	}
	v := seg.view.Load()
	need := v.size + sealBytes(int64(v.next-seg.first))
	if need > room.Left() {
		return fmt.Errorf("%w: %d bytes free, %d needed to write segment %d anew, %d to be left", ErrDiskFull, room.Free, need, seg.number, room.Reserve)
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
