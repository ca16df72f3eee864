package eventlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"fhirlog/eventlog/record"
)

// SegmentInfo tells of one file of a log what its records and the files beside it
// have to agree with.
type SegmentInfo struct {
	Number    SegmentNumber
	LogID     [16]byte
	ID        [8]byte // of the file: a compaction gives the same records another
	Sealed    bool
	Encrypted bool  // under the key that SegmentKey names
	Bytes     int64 // that the records, and what closes them, take

	First, Next                                Position
	PreviousInstant, FirstInstant, LastInstant int64
	PreviousChain, Chain                       record.Chain
}

// SegmentPath is where a segment of the log in a folder lies.
func SegmentPath(dir string, n SegmentNumber) string { return segmentPath(dir, n) }

// Continues checks that a segment follows the one before it; nil is before the first.
func (s *SegmentInfo) Continues(previous *SegmentInfo) error {
	var expected SegmentInfo
	if previous != nil {
		expected = *previous
	}
	fault := ""
	switch {
	case s.Number != expected.Number+1:
		return &CorruptError{Segment: expected.Number + 1, Err: errors.New("segment is missing")}
	case s.First != expected.Next:
		fault = fmt.Sprintf("starts at position %d, expected %d", s.First, expected.Next)
	case s.PreviousChain != expected.Chain:
		fault = "does not continue the chain of the previous segment"
	case s.PreviousInstant != expected.LastInstant:
		fault = "does not continue the instants of the previous segment"
	case previous != nil && s.LogID != previous.LogID:
		fault = "belongs to another log"
	default:
		return nil
	}
	return &CorruptError{Segment: s.Number, Err: errors.New(fault)}
}

// SegmentReader reads files of logs one by one, each by itself. One goroutine uses it.
type SegmentReader struct {
	codec *codec
	fs    FileSystem
	keys  Keys
}

// NewSegmentReader makes one. Of the options it needs the dictionaries, the keys, and the
// disk to cut on.
func NewSegmentReader(o Options) (*SegmentReader, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("log options: %w", err)
	}
	codec, err := newCodec(&o)
	return &SegmentReader{codec, o.FS, o.Keys}, err
}

func (r *SegmentReader) verification(ctx context.Context) *verification {
	return &verification{ctx: ctx, codec: r.codec, keys: r.keys}
}

// Peek reads what opens and closes a segment, and nothing between. Of one that
// is not sealed it tells the beginning only: its Next is its First, and Bytes what the
// file has.
func (r *SegmentReader) Peek(file File, n SegmentNumber) (SegmentInfo, error) {
	s, trailer, _, err := r.verification(context.Background()).open(file, n)
	if err != nil {
		return SegmentInfo{}, err
	}
	info := infoOf(s.segment)
	info.Bytes = s.size
	if trailer != nil {
		info.Sealed, info.Next, info.Chain = true, Position(trailer.Next), trailer.Chain
		info.FirstInstant, info.LastInstant = trailer.FirstInstant, trailer.LastInstant
	}
	return info, nil
}

// Check reads all of a segment by itself, and verifies of it what Verify does;
// visitor, if not nil, is told its records. A segment that is not sealed may be one
// that another process writes to: it ends with the last commit that is whole, and that
// is durable when Check returns.
func (r *SegmentReader) Check(ctx context.Context, file File, n SegmentNumber, visitor SegmentVisitor) (SegmentInfo, error) {
	w := r.verification(ctx)
	s, trailer, head, err := w.open(file, n)
	if err != nil {
		return SegmentInfo{}, err
	}
	s.visitor = visitor
	info := infoOf(s.segment)
	if trailer != nil {
		info.Sealed, info.Bytes = true, trailer.Index
	} else if info.Bytes, err = w.wholeCommits(s, file); err != nil {
		return SegmentInfo{}, err
	}
	sum := sha256.New()
	sum.Write(head)
	reader := &hashingReader{ReaderAt: file, hash: sum, at: int64(len(head)), told: func(int64) {}}
	a, err := w.commits(s, reader, info.Bytes)
	if err == nil && trailer != nil {
		info.Bytes = s.size
		err = w.trailer(s, a, trailer, reader, sum)
	}
	if err == nil && visitor != nil {
		err = visitor.Done()
	}
	if err != nil {
		return SegmentInfo{}, err
	}
	info.Next, info.Chain = a.next, a.chain
	info.FirstInstant, info.LastInstant = a.firstInstant, a.lastInstant
	return info, nil
}

func infoOf(seg *segment) SegmentInfo {
	h := &seg.header
	return SegmentInfo{
		Number: seg.number, LogID: h.LogID, ID: h.SegmentID, Encrypted: seg.cipher != nil, Bytes: record.HeaderSize,
		First: seg.first, Next: seg.first,
		PreviousInstant: h.PreviousInstant, LastInstant: h.PreviousInstant,
		PreviousChain: h.PreviousChain, Chain: h.PreviousChain,
	}
}

// open reads what opens and closes a segment; there is no trailer where it is not
// sealed.
func (w *verification) open(file File, n SegmentNumber) (*verifiedSegment, *record.Trailer, []byte, error) {
	s := &verifiedSegment{number: n}
	var err error
	if s.size, err = file.Size(); err != nil {
		return nil, nil, nil, fmt.Errorf("size of segment %d: %w", n, err)
	}
	head, err := w.header(s, file, n)
	if err != nil {
		return nil, nil, nil, err
	}
	trailer, err := readTrailer(file, s.segment, s.size)
	if err == nil || errors.Is(err, record.ErrInvalid) {
		return s, trailer, head, nil
	}
	return nil, nil, nil, err
}

// wholeCommits finds the end of the last whole commit, of a segment that may be
// written to, and makes it durable. What is seen half written is whole when more is
// seen behind it, so that damage is what stays when looked at again. If this sync fails,
// the kernel tells the process that writes as well, at its next one.
func (w *verification) wholeCommits(s *verifiedSegment, file File) (int64, error) {
	for before := int64(-1); ; {
		size, err := file.Size()
		if err != nil {
			return 0, fmt.Errorf("size of segment %d: %w", s.number, err)
		}
		s.size = size
		end, err := w.activeEnd(s, file)
		if _, damaged := errors.AsType[*CorruptError](err); damaged && end > before {
			before = end
			continue
		}
		if err == nil {
			err = file.SyncData()
		}
		if err != nil {
			return 0, fmt.Errorf("end of segment %d: %w", s.number, err)
		}
		return end, nil
	}
}

// ChainAt gives the chain value before a position at which a commit begins or the
// segment ends.
func (r *SegmentReader) ChainAt(file File, n SegmentNumber, next Position) (record.Chain, error) {
	a, err := r.scanTo(file, n, next)
	if err != nil {
		return 0, err
	}
	return a.chain, nil
}

// Cut takes everything from a position on, at which a commit begins, out of a
// segment of a log that nobody has open. What is left is a segment that can be written
// to. A crash leaves the segment as it was or as it will be.
func (r *SegmentReader) Cut(dir string, n SegmentNumber, next Position) error {
	file, err := r.fs.OpenRead(segmentPath(dir, n))
	if err != nil {
		return fmt.Errorf("open segment %d: %w", n, err)
	}
	defer file.Close()
	a, err := r.scanTo(file, n, next)
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, "compact-cut.tmp") // one that Open removes
	if err := copyTo(r.fs, temporary, file, a.end); err != nil {
		return fmt.Errorf("cut segment %d: %w", n, err)
	}
	if err := r.fs.Rename(temporary, segmentPath(dir, n)); err != nil {
		return fmt.Errorf("cut segment %d: %w", n, err)
	}
	return r.fs.SyncDir(dir)
}

// copyTo makes a durable file of the beginning of another.
func copyTo(disk FileSystem, path string, from io.ReaderAt, end int64) error {
	to, err := disk.Create(path)
	if err != nil {
		return err
	}
	err = copyRange(to, from, 0, end)
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

// scanTo reads the commits of a segment up to a position.
func (r *SegmentReader) scanTo(file File, n SegmentNumber, next Position) (*activeScan, error) {
	w := r.verification(context.Background())
	s, trailer, _, err := w.open(file, n)
	if err != nil {
		return nil, err
	}
	end := s.size
	if trailer != nil {
		end = trailer.Index
	}
	a := w.begin(s, nil)
	f := newFrames(file, s.segment.key, record.HeaderSize, end)
	defer f.release()
	for a.next < next {
		at := f.at
		frame, err := f.next()
		if err != nil {
			return nil, s.segment.corrupt(at, fmt.Errorf("commits up to position %d: %w", next, err))
		}
		if err := a.take(frame, at, f.at); err != nil {
			return nil, s.segment.corrupt(at, err)
		}
	}
	if a.next != next {
		return nil, fmt.Errorf("no commit of segment %d ends before position %d", n, next)
	}
	return a, nil
}
