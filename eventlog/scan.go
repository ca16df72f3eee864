package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fhirlog/eventlog/record"
)

// Scan calls fn for every record from a position on, in order, up to what was
// durable at the call. fn must not keep the record's slices. Without bodies
// nothing is decompressed. An error of fn ends the scan and is returned.
func (l *Log) Scan(ctx context.Context, from Position, withBodies bool, fn func(Record) error) error {
	var buffer []byte
	return l.scanRuns(ctx, from, l.Durable(), func(seg *segment, at int64, run *record.Run, first int) error {
		block := run.Block
		if withBodies && run.Compressed() {
			buffer = grow(buffer, run.BlockLength())
			block = buffer
			if err := l.codec.decompress(block, run.Block); err != nil {
				return seg.corrupt(at, err)
			}
		}
		offset := 0
		for i := range run.Entries {
			length := run.Entries[i].Body
			if i >= first {
				r := makeRecord(run, i)
				if withBodies && r.HasBody {
					r.Body = block[offset : offset+length : offset+length]
				}
				if err := fn(r); err != nil {
					return err
				}
			}
			offset += length
		}
		return nil
	})
}

// scanRuns calls fn for each records frame with positions in [from, until);
// first is the first entry of it that belongs to the range. until is the end of
// a commit.
func (l *Log) scanRuns(ctx context.Context, from, until Position, fn func(seg *segment, at int64, run *record.Run, first int) error) error {
	var run record.Run
	for from < until {
		seg := l.segmentOf(from)
		next, err := l.scanSegment(ctx, seg, from, until, &run, fn)
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

func (l *Log) scanSegment(ctx context.Context, seg *segment, from, until Position, run *record.Run,
	fn func(seg *segment, at int64, run *record.Run, first int) error) (next Position, err error) {
	h, err := l.handles.acquire(seg)
	if err != nil {
		return 0, err
	}
	defer l.handles.release(h)
	seg = h.segment
	v := seg.view.Load()
	start, err := frameOffset(h, seg, v, from)
	if err != nil {
		return 0, err
	}
	f := newFrames(h, seg.key, start, v.dataEnd)
	defer f.release()
	for from < until {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		at := f.at
		frame, err := f.next()
		if errors.Is(err, io.EOF) && from == v.next {
			return from, nil
		}
		if errors.Is(err, record.ErrInvalid) || errors.Is(err, io.EOF) {
			return 0, seg.corrupt(at, record.ErrInvalid)
		}
		if err != nil {
			return 0, fmt.Errorf("scan segment %d: %w", seg.number, err)
		}
		if frame.Kind == record.KindCommit {
			continue
		}
		if err := seg.decodeRun(frame, at, run); err != nil {
			return 0, seg.corrupt(at, err)
		}
		if uint64(from) < run.First || uint64(from) >= run.Next() {
			return 0, seg.corrupt(at, fmt.Errorf("records from %d where %d is expected", run.First, from))
		}
		if err := fn(seg, at, run, int(uint64(from)-run.First)); err != nil {
			return 0, err
		}
		from = Position(run.Next())
	}
	return from, nil
}
