package eventlog

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"fhirlog/eventlog/record"
)

// readGuess is how much one read takes in the hope that the frame is in it.
const readGuess = 8 << 10

// reader is what reading one record needs for a moment.
type reader struct {
	raw   []byte // of the frame
	block []byte // decompressed
	run   record.Run
	at    int64 // offset of the frame
}

var readers = sync.Pool{New: func() any { return &reader{raw: make([]byte, readGuess)} }}

func (r *reader) release() {
	const keep = 1 << 20
	if cap(r.raw) > keep || cap(r.block) > keep {
		return
	}
	readers.Put(r)
}

// Read reads the record at p, body included. ErrNotFound when it is not there,
// or not durable yet.
func (l *Log) Read(p Position) (Record, error) { return l.read(p, true) }

// ReadMetadata is Read without the body, which is not decompressed.
func (l *Log) ReadMetadata(p Position) (Record, error) { return l.read(p, false) }

func (l *Log) read(p Position, withBody bool) (Record, error) {
	if p >= l.Durable() {
		return Record{}, fmt.Errorf("%w: %d", ErrNotFound, p)
	}
	h, err := l.handles.acquire(l.segmentOf(p))
	if err != nil {
		return Record{}, err
	}
	defer l.handles.release(h)
	seg := h.segment
	r := readers.Get().(*reader)
	defer r.release()
	if err := r.readRun(h, seg, seg.view.Load(), p); err != nil {
		return Record{}, err
	}
	i := int(uint64(p) - r.run.First)
	result := makeRecord(&r.run, i)
	if !withBody || !result.HasBody {
		result.Metadata = append([]byte(nil), result.Metadata...)
		return result, nil
	}
	err = l.ownBody(&result, r, seg, i)
	return result, err
}

// segmentOf finds the segment of a durable position.
func (l *Log) segmentOf(p Position) *segment {
	segments := *l.segments.Load()
	i := sort.Search(len(segments), func(i int) bool { return segments[i].first > p })
	return segments[i-1]
}

// ownBody gives the record its body, and memory of its own.
func (l *Log) ownBody(result *Record, r *reader, seg *segment, i int) error {
	from := 0
	for j := range i {
		from += r.run.Entries[j].Body
	}
	to := from + r.run.Entries[i].Body
	memory := make([]byte, 0, len(result.Metadata)+to-from)
	memory = append(memory, result.Metadata...)
	split := len(memory)
	result.Metadata = memory[:split:split]
	if !r.run.Compressed() {
		memory = append(memory, r.run.Block[from:to]...)
		result.Body = memory[split:]
		return nil
	}
	id := blockID{seg.file(), r.at}
	shared := len(r.run.Entries) > 1
	if shared {
		if memory, ok := l.cache.copyRange(memory, id, from, to); ok {
			result.Body = memory[split:]
			return nil
		}
	}
	r.block = grow(r.block, r.run.BlockLength())
	if err := l.codec.decompress(r.block, r.run.Block); err != nil {
		return seg.corrupt(r.at, err)
	}
	if shared {
		l.cache.add(id, r.block)
	}
	memory = append(memory, r.block[from:to]...)
	result.Body = memory[split:]
	return nil
}

// readRun reads the frame that holds p.
func (r *reader) readRun(file io.ReaderAt, seg *segment, v *view, p Position) error {
	at, err := frameOffset(file, seg, v, p)
	if err != nil {
		return err
	}
	r.at = at
	if at < record.HeaderSize || at > v.dataEnd-record.FrameHeaderSize {
		return seg.corrupt(at, fmt.Errorf("index entry of position %d", p))
	}
	r.raw = r.raw[:min(int64(cap(r.raw)), readGuess, v.dataEnd-at)]
	if err := readFull(file, r.raw, at, seg); err != nil {
		return err
	}
	header, err := record.DecodeFrameHeader(r.raw, seg.key)
	if err != nil {
		return seg.corrupt(at, err)
	}
	if int64(header.Size()) > v.dataEnd-at {
		return seg.corrupt(at, record.ErrInvalid)
	}
	if had := len(r.raw); header.Size() > had {
		larger := grow(r.raw, header.Size())
		copy(larger, r.raw)
		r.raw = larger
		if err := readFull(file, r.raw[had:], at+int64(had), seg); err != nil {
			return err
		}
	}
	frame, err := record.DecodeFrame(r.raw, seg.key)
	if err == nil {
		err = seg.decodeRun(frame, at, &r.run)
	}
	if err != nil {
		return seg.corrupt(at, err)
	}
	if uint64(p) < r.run.First || uint64(p) >= r.run.Next() {
		return seg.corrupt(at, fmt.Errorf("frame does not hold position %d", p))
	}
	return nil
}

// frameOffset looks the place of a record's frame up in the index.
func frameOffset(file io.ReaderAt, seg *segment, v *view, p Position) (int64, error) {
	ordinal := uint64(p - seg.first)
	if !v.sealed {
		return int64(v.offsets[ordinal]) * record.Alignment, nil
	}
	var entry [record.IndexEntrySize]byte
	at := v.dataEnd + record.IndexEntryAt(ordinal)
	if err := readFull(file, entry[:], at, seg); err != nil {
		return 0, err
	}
	return record.DecodeIndexEntry(entry[:]), nil
}

func readFull(file io.ReaderAt, dst []byte, at int64, seg *segment) error {
	n, err := file.ReadAt(dst, at)
	switch {
	case n == len(dst):
		return nil
	case errors.Is(err, io.EOF):
		return seg.corrupt(at, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read segment %d at %d: %w", seg.number, at, err)
}
