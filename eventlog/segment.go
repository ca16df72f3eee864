package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"fhirlog/eventlog/record"
)

// segment is one file of the log. Immutable but for its view and successor.
type segment struct {
	number SegmentNumber
	path   string
	header record.Header
	key    record.Key
	cipher *record.Cipher // nil when the file is not encrypted
	first  Position
	view   atomic.Pointer[view] // replaced as the segment grows, never changed
	// successor is what a compaction has put in its place: the same records at the
	// same path.
	successor atomic.Pointer[segment]
}

// view is the durable content of a segment at some moment.
type view struct {
	next                      Position // after its last record
	dataEnd                   int64    // offset after its last frame of records or commit
	size                      int64    // bytes in use
	offsets                   []uint32 // of the frame of each record, divided by 8; nil when sealed
	firstInstant, lastInstant int64    // meaningless when there is no record
	sealed                    bool     // then dataEnd is where the index frame is
	sha256                    [sha256.Size]byte
}

func newSegment(path string, h record.Header, c *record.Cipher) *segment {
	s := &segment{number: SegmentNumber(h.Number), path: path, header: h, key: h.Key(), cipher: c, first: Position(h.First)}
	s.view.Store(&view{next: s.first, dataEnd: record.HeaderSize, size: record.HeaderSize})
	return s
}

// latest is the segment, or what has replaced it.
func (s *segment) latest() *segment {
	for next := s; ; s = next {
		if next = s.successor.Load(); next == nil {
			return s
		}
	}
}

// file tells the files of one log apart, those of the same number as well.
func (s *segment) file() uint64 { return binary.LittleEndian.Uint64(s.header.SegmentID[:]) }

func segmentPath(dir string, n SegmentNumber) string {
	return filepath.Join(dir, fmt.Sprintf("%08d.seg", n))
}

func (s *segment) corrupt(offset int64, err error) error {
	return &CorruptError{Segment: s.number, Offset: offset, Err: err}
}

// startSegment seals the active segment and makes the prepared file of p the
// next one. The new name appears only when the header is durable.
func (l *Log) startSegment(p *pending) error {
	w := &l.writer
	header := record.Header{
		Number: 1, Dictionary: l.codec.dictionary, First: uint64(p.first),
		Created: l.options.Clock().UnixMilli(), PreviousChain: w.chain, PreviousInstant: w.lastInstant,
		Scheme: l.scheme(), SegmentID: p.space.id,
	}
	if header.Scheme == record.Plain {
		var err error
		if header.SegmentID, err = l.newFileID(); err != nil {
			return err
		}
	}
	segments := *l.segments.Load()
	if len(segments) > 0 {
		previous := segments[len(segments)-1].header
		header.Number, header.LogID = previous.Number+1, previous.LogID
	} else if _, err := io.ReadFull(l.options.Random, header.LogID[:]); err != nil {
		return fmt.Errorf("make log id: %w", err)
	}
	if w.segment != nil {
		if err := l.seal(); err != nil {
			return fmt.Errorf("seal segment %d: %w", w.segment.number, err)
		}
	}
	seg := newSegment(segmentPath(l.dir, SegmentNumber(header.Number)), header, p.space.cipher)
	head := record.AppendHeader(nil, &header)
	if err := l.installSegment(p.space, seg, head); err != nil {
		return fmt.Errorf("start segment %d: %w", header.Number, err)
	}
	w.segment, w.file, w.space = seg, p.space.file, p.space
	w.end, w.next, w.offsets, w.firstInstant = record.HeaderSize, p.first, nil, 0
	w.hash = sha256.New()
	w.hash.Write(head)
	l.addSegment(seg)
	return nil
}

func (l *Log) installSegment(s *space, seg *segment, head []byte) error {
	if _, err := s.file.WriteAt(head, 0); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	if err := l.fs.Rename(s.path, seg.path); err != nil {
		return err
	}
	return l.fs.SyncDir(l.dir)
}

// seal adds index and trailer to the active segment. The index is durable
// before the trailer is written, so a valid trailer means a whole file.
func (l *Log) seal() error {
	w := &l.writer
	trailer := record.Trailer{
		First: uint64(w.segment.first), Next: uint64(w.next),
		FirstInstant: w.firstInstant, LastInstant: w.lastInstant,
		Index: w.end, Chain: w.chain,
	}
	w.buffer = record.AppendIndex(w.buffer, w.offsets, w.segment.key)
	w.end += int64(len(w.buffer))
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.SyncData(); err != nil {
		return err
	}
	w.hash.Sum(trailer.SHA256[:0])
	w.buffer = record.AppendTrailer(w.buffer, &trailer, w.segment.key)
	w.end += record.TrailerSize
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Truncate(w.end); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.file.Protect(); err != nil {
		return err
	}
	w.segment.view.Store(sealedView(&trailer, w.end))
	err := w.file.Close()
	w.file, w.segment = nil, nil
	return err
}

func sealedView(t *record.Trailer, size int64) *view {
	return &view{
		next: Position(t.Next), dataEnd: t.Index, size: size, sealed: true, sha256: t.SHA256,
		firstInstant: t.FirstInstant, lastInstant: t.LastInstant,
	}
}

// hashedBytes is how much of a sealed file its trailer's hash covers.
func hashedBytes(v *view) int64 { return v.size - record.TrailerSize }
