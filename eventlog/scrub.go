package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"
)

// scrubBytes is what Scrub reads between two pauses.
const scrubBytes = 1 << 20

// Scrub reads every sealed segment and compares it with the hash in its
// trailer, pausing after each MiB so that others get the disk. All damage found
// is in the error, a CorruptError per segment.
func (l *Log) Scrub(ctx context.Context, pause time.Duration) error {
	var faults []error
	buffer := make([]byte, min(scrubBytes, l.options.SegmentBytes))
	for _, seg := range *l.segments.Load() {
		if !seg.view.Load().sealed {
			continue
		}
		err := l.scrubSegment(ctx, seg, buffer, pause)
		if _, damaged := errors.AsType[*CorruptError](err); damaged {
			faults = append(faults, err)
		} else if err != nil {
			return errors.Join(append(faults, err)...)
		}
	}
	return errors.Join(faults...)
}

func (l *Log) scrubSegment(ctx context.Context, seg *segment, buffer []byte, pause time.Duration) error {
	h, err := l.handles.acquire(seg)
	if err != nil {
		return err
	}
	defer l.handles.release(h)
	seg = h.segment
	v := seg.view.Load()
	hash := sha256.New()
	end := hashedBytes(v)
	for at := int64(0); at < end; {
		chunk := buffer[:min(int64(len(buffer)), end-at)]
		n, err := h.ReadAt(chunk, at)
		if n < len(chunk) {
			if errors.Is(err, io.EOF) {
				return seg.corrupt(at, io.ErrUnexpectedEOF)
			}
			return fmt.Errorf("scrub segment %d: %w", seg.number, err)
		}
		hash.Write(chunk)
		at += int64(n)
		if err := waitFor(ctx, pause); err != nil {
			return err
		}
	}
	if [sha256.Size]byte(hash.Sum(nil)) != v.sha256 {
		return seg.corrupt(0, errors.New("the hash of the file is not the one in its trailer"))
	}
	return nil
}

func waitFor(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
