package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
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
	cipher  *record.Cipher // of the new file
	encoder *zstd.Encoder

	file    File
	path    string
	buffer  []byte // encoded, not yet written
	end     int64  // of the new file, buffer included
	hash    hash.Hash
	offsets []uint32
	changed Compaction // what goes with this segment
	bodies  []byte     // of one block
	block   []byte     // compressed again
}

// empty says that nothing of the segment was to go, and that it is encrypted if it is to
// be.
func (r *rewriting) empty() bool {
	return r.changed.Records == 0 && r.changed.Metadata == 0 && r.header.Scheme == r.old.header.Scheme
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
	switch {
	case next == nil:
		r.giveUp()
	case err == nil:
		err = r.install(next)
	}
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	if _, damaged := errors.AsType[*CorruptError](err); err != nil && !damaged {
		return fmt.Errorf("write segment %d anew: %w", seg.number, err)
	}
	return err
}

// giveUp removes a file that gets no other name, and its key. It is tidiness: Open would
// do it as well.
func (r *rewriting) giveUp() {
	if r.path != "" && r.log.dropKeys(r.header.SegmentID) == nil {
		_ = r.log.fs.Remove(r.path)
	}
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
	if err := r.begin(v); err != nil {
		return nil, err
	}
	if err := r.copyFrames(ctx, v, trailer); err != nil {
		return nil, err
	}
	if r.empty() {
		return nil, nil
	}
	return r.finish(*trailer)
}

// begin makes the file and its header: the old one's, but for the id of the file,
// encryption, and whether metadata are erased.
func (r *rewriting) begin(v *view) (err error) {
	l := r.log
	r.header = r.old.header
	if r.header.SegmentID, err = l.newFileID(); err != nil {
		return err
	}
	named := fileID{}
	if r.header.Scheme = l.scheme(); r.header.Scheme != record.Plain {
		named = r.header.SegmentID
		r.header.Replaced = r.old.header.SegmentID
	}
	r.key = r.header.Key()
	if p, more := r.metadata.from(r.old.first); more && p < v.next {
		r.header.MetadataErased = true
	}
	if r.encoder, err = l.codec.encoderFor(l.options.dictionary(r.header.Dictionary), r.header.Dictionary); err != nil {
		return err
	}
	l.compacted++
	path := filepath.Join(l.dir, temporaryName("compact", l.compacted, named))
	if r.file, err = l.fs.Create(path); err != nil {
		return err
	}
	r.path = path
	if err := r.file.Allocate(0, v.size); err != nil { // a full disk is found here
		return fmt.Errorf("%w: allocate %d bytes: %w", ErrDiskFull, v.size, err)
	}
	if r.cipher, err = l.newCipher(r.header.SegmentID); err != nil {
		return err
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
	next := newSegment(r.old.path, r.header, r.cipher)
	next.view.Store(sealedView(&t, r.end))
	return next, nil
}

// install puts the new segment in the place of the old one, on disk and for those
// who read.
func (r *rewriting) install(next *segment) error {
	l := r.log
	if err := l.handles.replace(r.old, next, r.path); err != nil {
		if r.cipher == nil {
			_ = l.fs.Remove(r.path) // tidiness: Open would do it as well
		}
		// Else Open does it, and drops the key: if the name could not even be read
		// back, the file may be there, and needs it.
		return err
	}
	r.path = ""
	l.mu.Lock()
	segments := *l.segments.Load()
	changed := append([]*segment(nil), segments...)
	changed[next.number-1] = next
	l.segments.Store(&changed)
	if r.changed.Metadata > 0 {
		l.tail.forget(next.view.Load().next)
	}
	l.mu.Unlock()
	r.done.Segments++
	r.done.Records += r.changed.Records
	r.done.Metadata += r.changed.Metadata
	r.done.BodyBytes += r.changed.BodyBytes
	r.done.BytesBefore += r.old.view.Load().size
	r.done.BytesAfter += r.end
	if err := l.fs.SyncDir(l.dir); err != nil {
		return err
	}
	return l.dropKeys()
}
