package eventlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fhirlog/eventlog/record"
)

// recover reads the folder: headers and trailers of the sealed segments, all of
// the active one.
func (l *Log) recover() (Recovery, error) {
	var r Recovery
	numbers, gone, err := l.listSegments(&r)
	if err != nil {
		return r, err
	}
	for i, n := range numbers {
		if int(n) != i+1 {
			return r, &CorruptError{Segment: SegmentNumber(i + 1), Err: errors.New("segment is missing")}
		}
		if err := l.recoverSegment(n, i == len(numbers)-1, &r); err != nil {
			return r, err
		}
	}
	w := &l.writer
	if err := l.dropKeys(gone...); err != nil {
		return r, err
	}
	l.next, l.lastInstant = w.next, w.lastInstant
	l.durable.Store(uint64(w.next))
	if w.segment != nil {
		l.plan = plan{
			space: w.space, end: w.end, count: int64(w.next - w.segment.first),
			full: w.segment.header.Dictionary != l.codec.dictionary || w.segment.header.Scheme != l.scheme(),
		}
	}
	r.Segments, r.Records = len(*l.segments.Load()), uint64(w.next)
	return r, nil
}

// listSegments finds the segment files and removes unfinished ones, whose ids are gone.
func (l *Log) listSegments(r *Recovery) (numbers []SegmentNumber, gone []fileID, err error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".tmp") && (strings.HasPrefix(name, "prepared-") || strings.HasPrefix(name, "compact-")) {
			r.Prepared++
			if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
				return nil, nil, fmt.Errorf("remove unused segment: %w", err)
			}
			if id, ok := temporaryID(name); ok {
				gone = append(gone, id)
			}
			continue
		}
		digits, isSegment := strings.CutSuffix(name, ".seg")
		if !isSegment {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || segmentPath(l.dir, SegmentNumber(n)) != filepath.Join(l.dir, name) {
			return nil, nil, fmt.Errorf("%q is not the name of a segment", name)
		}
		numbers = append(numbers, SegmentNumber(n))
	}
	slices.Sort(numbers)
	return numbers, gone, nil
}

// recoverSegment adds the segment to the log. writer holds what the segments
// before it ended with.
func (l *Log) recoverSegment(n SegmentNumber, last bool, r *Recovery) error {
	file, err := l.fs.OpenRead(segmentPath(l.dir, n))
	if err != nil {
		return fmt.Errorf("open segment %d: %w", n, err)
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("size of segment %d: %w", n, err)
	}
	seg, err := l.readHeader(file, n)
	if err != nil {
		return err
	}
	trailer, err := readTrailer(file, seg, size)
	if err == nil {
		return l.addSealed(seg, trailer, size)
	}
	if !errors.Is(err, record.ErrInvalid) {
		return err
	}
	protected, errProtected := file.Protected()
	if errProtected != nil {
		return fmt.Errorf("mode of segment %d: %w", n, errProtected)
	}
	if !last || protected {
		return seg.corrupt(max(0, size-record.TrailerSize), fmt.Errorf("trailer: %w", err))
	}
	return l.recoverActive(seg, size, r)
}

func (l *Log) readHeader(file File, n SegmentNumber) (*segment, error) {
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
	}
	w := &l.writer
	segments := *l.segments.Load()
	switch {
	case h.Number != uint32(n):
		return nil, corrupt(fmt.Errorf("header is of segment %d", h.Number))
	case h.First != uint64(w.next):
		return nil, corrupt(fmt.Errorf("starts at position %d, expected %d", h.First, w.next))
	case h.PreviousChain != w.chain:
		return nil, corrupt(errors.New("does not continue the chain of the previous segment"))
	case h.PreviousInstant != w.lastInstant:
		return nil, corrupt(errors.New("does not continue the instants of the previous segment"))
	case len(segments) > 0 && h.LogID != segments[0].header.LogID:
		return nil, corrupt(errors.New("belongs to another log"))
	case !l.codec.known[h.Dictionary]:
		return nil, fmt.Errorf("segment %d needs dictionary %d, which is not among those given", n, h.Dictionary)
	}
	c, err := cipherOf(l.options.Keys, &h)
	if err != nil {
		return nil, err
	}
	return newSegment(segmentPath(l.dir, n), h, c), nil
}

// readTrailer returns record.ErrInvalid when the file does not end in one.
func readTrailer(file File, seg *segment, size int64) (*record.Trailer, error) {
	at := size - record.TrailerSize
	if at < record.HeaderSize || at%record.Alignment != 0 {
		return nil, record.ErrInvalid
	}
	src := make([]byte, record.TrailerSize)
	if read, err := file.ReadAt(src, at); read < len(src) {
		return nil, fmt.Errorf("read trailer of segment %d: %w", seg.number, err)
	}
	frame, err := record.DecodeFrame(src, seg.key)
	if err != nil || frame.Kind != record.KindTrailer {
		return nil, record.ErrInvalid
	}
	t, err := record.DecodeTrailer(frame)
	if err != nil {
		return nil, seg.corrupt(at, err)
	}
	if t.First != uint64(seg.first) || t.Index+record.IndexFrameSize(int64(t.Next-t.First)) != at {
		return nil, seg.corrupt(at, errors.New("trailer does not fit the segment"))
	}
	return &t, nil
}

func (l *Log) addSealed(seg *segment, t *record.Trailer, size int64) error {
	seg.view.Store(sealedView(t, size))
	w := &l.writer
	w.next, w.chain, w.lastInstant = Position(t.Next), t.Chain, t.LastInstant
	l.addSegment(seg)
	return nil
}

func (l *Log) addSegment(seg *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	segments := *l.segments.Load()
	grown := append(segments[:len(segments):len(segments)], seg)
	l.segments.Store(&grown)
}

// recoverActive reads the segment that was written to, repairs its end, and
// makes it the writer's.
func (l *Log) recoverActive(seg *segment, size int64, r *Recovery) error {
	file, err := l.fs.OpenWrite(seg.path)
	if err != nil {
		return fmt.Errorf("open segment %d for writing: %w", seg.number, err)
	}
	a := &activeScan{segment: seg, file: file, size: size, hash: sha256.New(), chain: l.writer.chain, lastInstant: l.writer.lastInstant}
	if err := l.repairActive(a, r); err != nil {
		file.Close()
		return err
	}
	r.Unclean = !a.marked || a.size != a.end
	if a.next == seg.first {
		// Nothing was ever committed to it: as if it had not been started.
		file.Close()
		if err := l.fs.Remove(seg.path); err != nil {
			return fmt.Errorf("remove empty segment %d: %w", seg.number, err)
		}
		if err := l.fs.SyncDir(l.dir); err != nil {
			return err
		}
		return l.dropKeys(seg.header.SegmentID)
	}
	w := &l.writer
	w.segment, w.file, w.space = seg, file, &space{file: file, path: seg.path, granted: a.size}
	w.end, w.next, w.chain, w.hash, w.offsets = a.end, a.next, a.chain, a.hash, a.offsets
	w.firstInstant, w.lastInstant, w.marked = a.firstInstant, a.lastInstant, a.marked
	seg.view.Store(&view{
		next: a.next, dataEnd: a.end, size: a.end, offsets: a.offsets,
		firstInstant: a.firstInstant, lastInstant: a.lastInstant,
	})
	l.addSegment(seg)
	return nil
}

func (l *Log) repairActive(a *activeScan, r *Recovery) error {
	if err := a.scan(); err != nil {
		return err
	}
	if err := l.setTornAside(a, r); err != nil {
		return err
	}
	return a.makeDurable()
}
