package eventlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"fhirlog/eventlog/record"
)

// verifiedSegment is what verifying one segment gives.
type verifiedSegment struct {
	number  SegmentNumber
	err     error
	segment *segment
	visitor SegmentVisitor
	sealed  bool
	size    int64
	// How it ends:
	next        Position
	chain       record.Chain
	lastInstant int64
	torn        bool
	tornOffset  int64

	erased, metadataErased   uint64
	bodyBytes, metadataBytes int64

	block []byte
}

// continues checks that a segment follows the one before it.
func (s *verifiedSegment) continues(previous *verifiedSegment, so *Verification) error {
	h := &s.segment.header
	switch {
	case Position(h.First) != previous.next:
		return s.segment.corrupt(0, fmt.Errorf("starts at position %d, expected %d", h.First, previous.next))
	case h.PreviousChain != previous.chain:
		return s.segment.corrupt(0, errors.New("does not continue the chain of the previous segment"))
	case h.PreviousInstant != previous.lastInstant:
		return s.segment.corrupt(0, errors.New("does not continue the instants of the previous segment"))
	case previous.segment != nil && h.LogID != so.LogID:
		return s.segment.corrupt(0, errors.New("belongs to another log"))
	}
	return nil
}

func (s *verifiedSegment) addTo(v *Verification) {
	v.LogID = s.segment.header.LogID
	v.Segments++
	if s.segment.cipher != nil {
		v.Encrypted++
	}
	v.Records = uint64(s.next)
	v.Erased += s.erased
	v.MetadataErased += s.metadataErased
	v.Bytes += s.size
	v.BodyBytes += s.bodyBytes
	v.MetadataBytes += s.metadataBytes
	if s.torn {
		v.TornSegment, v.TornOffset = s.segment.number, s.tornOffset
	}
}

// segment verifies one segment by itself.
func (w *verification) segment(n SegmentNumber, last bool) *verifiedSegment {
	s := &verifiedSegment{number: n}
	file, err := w.fs.OpenRead(segmentPath(w.dir, n))
	if err != nil {
		s.err = fmt.Errorf("open segment %d: %w", n, err)
		return s
	}
	s.err = errors.Join(w.file(s, file, n, last), file.Close())
	return s
}

func (w *verification) file(s *verifiedSegment, file File, n SegmentNumber, last bool) (err error) {
	if s.size, err = file.Size(); err != nil {
		return fmt.Errorf("size of segment %d: %w", n, err)
	}
	head, err := w.header(s, file, n)
	if err != nil {
		return err
	}
	w.told(record.HeaderSize)
	trailer, err := readTrailer(file, s.segment, s.size)
	switch {
	case err == nil:
	case !errors.Is(err, record.ErrInvalid):
		return err
	case !last:
		return s.segment.corrupt(max(0, s.size-record.TrailerSize), fmt.Errorf("trailer: %w", err))
	}
	end := int64(0)
	if trailer != nil {
		end = trailer.Index
	} else if end, err = w.activeEnd(s, file); err != nil {
		return err
	}
	if w.visit.Segment != nil {
		s.visitor = w.visit.Segment(s.segment.first)
	}
	sum := sha256.New()
	sum.Write(head)
	reader := &hashingReader{ReaderAt: file, hash: sum, at: int64(len(head)), told: w.told}
	a, err := w.commits(s, reader, end)
	if err != nil {
		return err
	}
	s.next, s.chain, s.lastInstant = a.next, a.chain, a.lastInstant
	if trailer == nil {
		w.told(s.size - end) // what was allocated ahead
		return nil
	}
	s.sealed = true
	return w.trailer(s, a, trailer, reader, sum)
}

// header reads the header, without comparing it with other segments.
func (w *verification) header(s *verifiedSegment, file File, n SegmentNumber) ([]byte, error) {
	corrupt := func(err error) error { return &CorruptError{Segment: n, Err: err} }
	head := make([]byte, record.HeaderSize)
	if _, err := file.ReadAt(head, 0); errors.Is(err, io.EOF) {
		return nil, corrupt(fmt.Errorf("segment header: %w", io.ErrUnexpectedEOF))
	} else if err != nil {
		return nil, fmt.Errorf("read header of segment %d: %w", n, err)
	}
	h, err := record.DecodeHeader(head)
	switch {
	case errors.Is(err, record.ErrFormatVersion):
		return nil, fmt.Errorf("segment %d: %w", n, err)
	case err != nil:
		return nil, corrupt(err)
	case h.Number != uint32(n):
		return nil, corrupt(fmt.Errorf("header is of segment %d", h.Number))
	case !w.codec.known[h.Dictionary]:
		return nil, fmt.Errorf("segment %d needs dictionary %d, which is not among those given", n, h.Dictionary)
	}
	c, err := cipherOf(w.keys, &h)
	if err != nil {
		return nil, err
	}
	s.segment = newSegment(segmentPath(w.dir, n), h, c)
	return head, nil
}

// begin is the state before the first commit of a segment.
func (w *verification) begin(s *verifiedSegment, file File) *activeScan {
	return &activeScan{
		segment: s.segment, file: file, size: s.size,
		chain: s.segment.header.PreviousChain, lastInstant: s.segment.header.PreviousInstant,
		end: record.HeaderSize, next: s.segment.first, pendingNext: s.segment.first, syncedThrough: record.HeaderSize, invalidAt: -1,
	}
}

// activeEnd finds the end of a segment that was written to last, by the rule by
// which Open does, and changes nothing.
func (w *verification) activeEnd(s *verifiedSegment, file File) (int64, error) {
	a := w.begin(s, file)
	a.hash = discardHash{}
	if err := a.scan(); err != nil {
		return 0, err
	}
	lastByte := int64(-1)
	var err error
	if !a.sealing && a.invalidAt >= 0 {
		lastByte, err = lastNonZero(file, a.end, a.size)
	}
	if err == nil && lastByte >= 0 {
		s.torn, s.tornOffset = true, a.end
		err = a.searchEvidence()
	}
	if err != nil || !a.sealing && !s.torn {
		return a.end, err
	}
	// A copy of a log may be read-only altogether. But what was sealed is read-only
	// everywhere, and has a trailer.
	protected, err := file.Protected()
	if err == nil && protected {
		err = s.segment.corrupt(a.end, errors.New("a sealed segment without its trailer"))
	}
	return a.end, err
}

// commits verifies all commits up to an offset.
func (w *verification) commits(s *verifiedSegment, file io.ReaderAt, end int64) (*activeScan, error) {
	a := w.begin(s, nil)
	f := newFrames(file, s.segment.key, record.HeaderSize, end)
	defer f.release()
	for {
		at := f.at
		frame, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			if a.open {
				return nil, s.segment.corrupt(at, errors.New("a commit without its end"))
			}
			return a, nil
		case errors.Is(err, record.ErrInvalid):
			return nil, s.segment.corrupt(at, err)
		case err != nil:
			return nil, fmt.Errorf("segment %d: %w", s.segment.number, err)
		case frame.Kind != record.KindRecords && frame.Kind != record.KindCommit:
			return nil, s.segment.corrupt(at, errors.New("an index or trailer among the commits"))
		}
		if err := a.take(frame, at, f.at); err != nil {
			return nil, s.segment.corrupt(at, err)
		}
		if frame.Kind == record.KindRecords {
			if err := w.records(s, &a.run, at); err != nil {
				return nil, err
			}
		}
		if err := w.ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// records verifies the contents of one frame.
func (w *verification) records(s *verifiedSegment, run *record.Run, at int64) error {
	block := run.Block
	if run.Compressed() {
		s.block = grow(s.block, run.BlockLength())
		block = s.block
		if err := w.codec.decompress(block, run.Block); err != nil {
			return s.segment.corrupt(at, err)
		}
	}
	for i := range run.Entries {
		r := makeRecord(run, i)
		length := run.Entries[i].Body
		if r.HasBody {
			r.Body = block[:length:length]
		}
		block = block[length:]
		if err := r.Verify(); err != nil {
			return s.segment.corrupt(at, err)
		}
		s.bodyBytes += int64(length)
		s.metadataBytes += int64(len(r.Metadata))
		if r.Erased {
			s.erased++
		}
		if r.MetadataErased {
			s.metadataErased++
		}
		if r.MetadataErased && !s.segment.header.MetadataErased {
			return s.segment.corrupt(at, fmt.Errorf("the metadata of record %d are erased, and the header says that none are", r.Position))
		}
		if s.visitor != nil {
			if err := s.visitor.Record(&r); err != nil {
				return err
			}
		}
	}
	return nil
}

// trailer verifies what closes a sealed segment.
func (w *verification) trailer(s *verifiedSegment, a *activeScan, t *record.Trailer, reader *hashingReader, sum hash.Hash) error {
	switch {
	case a.next != Position(t.Next):
		return s.segment.corrupt(t.Index, fmt.Errorf("the records end at position %d, and the trailer says %d", a.next, t.Next))
	case a.chain != t.Chain:
		return s.segment.corrupt(t.Index, errors.New("the chain is another than the trailer says"))
	case a.firstInstant != t.FirstInstant || a.lastInstant != t.LastInstant:
		return s.segment.corrupt(t.Index, errors.New("the instants are others than the trailer says"))
	}
	f := newFrames(reader, s.segment.key, t.Index, s.size-record.TrailerSize)
	defer f.release()
	frame, err := f.next()
	if err != nil || frame.Kind != record.KindIndex || f.at != f.end {
		return s.segment.corrupt(t.Index, errors.New("no valid index"))
	}
	for i, offset := range a.offsets {
		if entry := frame.Payload[i*record.IndexEntrySize:]; record.DecodeIndexEntry(entry) != int64(offset)*record.Alignment {
			return s.segment.corrupt(t.Index, fmt.Errorf("index entry of position %d", s.segment.first+Position(i)))
		}
	}
	if [sha256.Size]byte(sum.Sum(nil)) != t.SHA256 {
		return s.segment.corrupt(0, errors.New("the hash of the file is not the one in its trailer"))
	}
	w.told(record.TrailerSize)
	return nil
}

// discardHash takes the place of a hash that nobody asks for.
type discardHash struct{ hash.Hash }

func (discardHash) Write(p []byte) (int, error) { return len(p), nil }
