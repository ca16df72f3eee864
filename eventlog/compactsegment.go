package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"fhirlog/eventlog/record"
)

// compactBytes is how much a compaction writes at once, and between two rests.
const compactBytes = 1 << 20

// rewriting is one sealed segment that is being written anew.
type rewriting struct {
	*compaction
	old     *segment
	source  *hashedReader
	scan    activeScan // checks that the frames follow each other, and decodes them
	header  record.Header
	key     record.Key
	encoder *zstd.Encoder

	file    File
	path    string
	buffer  []byte // encoded, not yet written
	end     int64  // of the new file, buffer included
	hash    hash.Hash
	offsets []uint32
	records uint64 // bodies that went
	bytes   int64  // of these bodies
	bodies  []byte // of one block
	block   []byte // compressed again
}

// rewrite writes a sealed segment anew and puts it in the place of the old one. A
// segment in which nothing is to go stays as it is.
func (c *compaction) rewrite(ctx context.Context, seg *segment) error {
	h, err := c.log.handles.acquire(seg)
	if err != nil {
		return err
	}
	defer c.log.handles.release(h)
	r := &rewriting{compaction: c, old: h.segment, source: &hashedReader{from: h, hash: sha256.New()}, hash: sha256.New()}
	next, err := r.write(ctx, h)
	if err == nil && r.records > 0 {
		err = r.install(next)
	}
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	if (err != nil || r.records == 0) && r.path != "" {
		_ = c.log.fs.Remove(r.path) // tidiness: Open would do it as well
	}
	if _, damaged := errors.AsType[*CorruptError](err); err != nil && !damaged {
		return fmt.Errorf("write segment %d anew: %w", seg.number, err)
	}
	return err
}

// write makes the new file, whole and durable, under a name of its own.
func (r *rewriting) write(ctx context.Context, h *handle) (*segment, error) {
	v := r.old.view.Load()
	trailer, err := readTrailer(h, r.old, v.size)
	if errors.Is(err, record.ErrInvalid) {
		err = r.old.corrupt(v.size-record.TrailerSize, err)
	}
	if err != nil {
		return nil, err
	}
	if err := r.begin(v.size); err != nil {
		return nil, err
	}
	if err := r.copyFrames(ctx, v, trailer); err != nil {
		return nil, err
	}
	if r.records == 0 {
		return nil, nil
	}
	return r.finish(*trailer)
}

// begin makes the file and its header: the old one's, but for the id of the file.
func (r *rewriting) begin(size int64) (err error) {
	l := r.log
	r.header = r.old.header
	if _, err := io.ReadFull(l.options.Random, r.header.SegmentID[:]); err != nil {
		return fmt.Errorf("make segment id: %w", err)
	}
	r.key = r.header.Key()
	if r.encoder, err = l.codec.encoderFor(l.options.dictionary(r.header.Dictionary), r.header.Dictionary); err != nil {
		return err
	}
	l.compacted++
	path := filepath.Join(l.dir, fmt.Sprintf("compact-%d.tmp", l.compacted))
	if r.file, err = l.fs.Create(path); err != nil {
		return err
	}
	r.path = path
	if err := r.file.Allocate(0, size); err != nil { // a full disk is found here
		return fmt.Errorf("%w: allocate %d bytes: %w", ErrDiskFull, size, err)
	}
	r.buffer = record.AppendHeader(r.buffer, &r.header)
	r.end = record.HeaderSize
	return nil
}

func (r *rewriting) flush() error {
	if _, err := r.file.WriteAt(r.buffer, r.end-int64(len(r.buffer))); err != nil {
		return err
	}
	r.hash.Write(r.buffer)
	if cap(r.buffer) > 4*compactBytes {
		r.buffer = nil
	}
	r.buffer = r.buffer[:0]
	return nil
}

// finish ends the file with index and trailer and makes it durable.
func (r *rewriting) finish(t record.Trailer) (*segment, error) {
	t.Index = r.end
	before := len(r.buffer)
	r.buffer = record.AppendIndex(r.buffer, r.offsets, r.key)
	r.end += int64(len(r.buffer) - before)
	if err := r.flush(); err != nil {
		return nil, err
	}
	r.hash.Sum(t.SHA256[:0])
	r.buffer = record.AppendTrailer(r.buffer, &t, r.key)
	r.end += record.TrailerSize
	if err := r.flush(); err != nil {
		return nil, err
	}
	if err := r.file.Truncate(r.end); err != nil {
		return nil, err
	}
	if err := r.file.Protect(); err != nil {
		return nil, err
	}
	if err := r.file.Sync(); err != nil {
		return nil, err
	}
	next := newSegment(r.old.path, r.header)
	next.view.Store(sealedView(&t, r.end))
	return next, nil
}

// install puts the new segment in the place of the old one, on disk and for those
// who read.
func (r *rewriting) install(next *segment) error {
	l := r.log
	if err := l.handles.replace(r.old, next, r.path); err != nil {
		return err
	}
	r.path = ""
	l.mu.Lock()
	segments := *l.segments.Load()
	changed := append([]*segment(nil), segments...)
	changed[next.number-1] = next
	l.segments.Store(&changed)
	l.mu.Unlock()
	r.done.Segments++
	r.done.Records += r.records
	r.done.BodyBytes += r.bytes
	r.done.BytesBefore += r.old.view.Load().size
	r.done.BytesAfter += r.end
	return l.fs.SyncDir(l.dir)
}
