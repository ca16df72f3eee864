package eventlog

import (
	"context"
	"fmt"
	"time"

	"fhirlog/eventlog/record"
)

// MaxMetadataBytes bounds the metadata of one record.
const MaxMetadataBytes = 1 << 20

// Batch is one commit on its way in: an atomic group of records. The log keeps
// the metadata slices; they must not change after Append.
type Batch struct {
	Metadata [][]byte // one element per record, small
	Bodies   *Packed  // from Pack, of the same length, for this batch only
}

// Appended tells where a batch went.
type Appended struct {
	First   Position
	Count   int
	Instant int64 // milliseconds since 1970
}

// pending is an accepted batch that is not yet durable.
type pending struct {
	batch    Batch
	size     int64 // of its frames
	first    Position
	instant  int64
	space    *space // set when it starts a new segment
	accepted time.Time
}

// Append orders the batch: it assigns positions and instant at once, in the
// order of the calls, and returns before the batch is durable. It blocks while
// too much is queued and while space is being allocated.
//
// Errors: ErrClosed, ErrFailed, ErrDiskFull, ErrNewKey, *TooLargeError, or the context's
// error while it waits. With any of them nothing was accepted.
func (l *Log) Append(ctx context.Context, b Batch) (Appended, error) {
	size, err := l.sizeOf(b)
	if err != nil {
		return Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return Appended{}, err
	}
	if err := l.refuseFull(); err != nil {
		return Appended{}, err
	}
	p := &pending{batch: b, size: size}
	l.mu.Lock()
	for request := (spaceRequest{}); ; {
		accepted, err := l.tryAppendLocked(p, &request)
		if err != nil {
			l.mu.Unlock()
			return Appended{}, err
		}
		if accepted {
			break
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		l.wakeWriter()
		select {
		case <-changed:
		case <-ctx.Done():
			return Appended{}, ctx.Err()
		}
		l.mu.Lock()
	}
	appended := Appended{First: p.first, Count: len(b.Metadata), Instant: p.instant}
	l.mu.Unlock()
	l.wakeWriter()
	return appended, nil
}

// tryAppendLocked accepts p, or tells why not, or leaves the caller to wait.
func (l *Log) tryAppendLocked(p *pending, request *spaceRequest) (accepted bool, err error) {
	switch {
	case l.failure != nil:
		return false, fmt.Errorf("%w: %w", ErrFailed, l.failure)
	case l.closing:
		return false, ErrClosed
	case l.queuedBytes >= l.options.QueueBytes:
		return false, nil
	}
	count := int64(len(p.batch.Metadata))
	if !l.placeLocked(p, count) {
		return false, l.requestSpaceLocked(p.size, count, request)
	}
	l.lastInstant = max(l.lastInstant, l.options.Clock().UnixMilli())
	p.instant = l.lastInstant
	p.first = l.next
	p.accepted = time.Now()
	l.next += Position(count)
	l.queue = append(l.queue, p)
	l.queuedBytes += p.size
	return true, nil
}

// sizeOf checks a batch against the limits and tells the bytes it will take.
func (l *Log) sizeOf(b Batch) (int64, error) {
	if b.Bodies == nil || b.Bodies.Len() == 0 || len(b.Metadata) != b.Bodies.Len() {
		panic(fmt.Sprintf("eventlog: batch of %d metadata whose bodies are not packed alike", len(b.Metadata)))
	}
	size, i := int64(record.CommitFrameSize), 0
	for _, block := range b.Bodies.blocks {
		entries := 0
		for range block.records {
			metadata := len(b.Metadata[i])
			if metadata > MaxMetadataBytes {
				return 0, &TooLargeError{fmt.Sprintf("metadata of record %d", i), int64(metadata), MaxMetadataBytes}
			}
			entries += record.EntrySize(metadata, b.Bodies.records[i].length)
			i++
		}
		if int64(entries)+int64(len(block.data)) > record.MaxPayload-1024 {
			return 0, &TooLargeError{fmt.Sprintf("body of record %d", i-1), int64(len(block.data)), record.MaxPayload / 2}
		}
		size += int64(l.runSize(entries, len(block.data)))
	}
	if size > l.options.MaxCommitBytes {
		return 0, &TooLargeError{"commit", size, l.options.MaxCommitBytes}
	}
	return size, nil
}
