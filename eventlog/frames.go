package eventlog

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"fhirlog/eventlog/record"
)

// scanBytes is how much sequential reading takes from a file at once.
const scanBytes = 256 << 10

// frames reads the frames of a file range one after the other.
type frames struct {
	file io.ReaderAt
	key  record.Key
	at   int64 // of the next frame
	end  int64 // of the range

	buffer   []byte // file bytes from at-start on
	from, to int    // what of buffer is still to be read
}

var scanBuffers = sync.Pool{New: func() any { b := make([]byte, scanBytes); return &b }}

func newFrames(file io.ReaderAt, key record.Key, start, end int64) *frames {
	return &frames{file: file, key: key, at: start, end: end, buffer: *scanBuffers.Get().(*[]byte)}
}

// release gives the buffer back; frames read are invalid after it.
func (f *frames) release() {
	if len(f.buffer) == scanBytes {
		b := f.buffer
		scanBuffers.Put(&b)
	}
	f.buffer = nil
}

// next reads the frame at f.at and moves on. It returns io.EOF at the end of
// the range, record.ErrInvalid when no valid frame stands there. The frame is
// valid until the following call.
func (f *frames) next() (record.Frame, error) {
	if f.at >= f.end {
		return record.Frame{}, io.EOF
	}
	if err := f.fill(record.FrameHeaderSize); err != nil {
		return record.Frame{}, err
	}
	header, err := record.DecodeFrameHeader(f.buffer[f.from:f.to], f.key)
	if err != nil {
		return record.Frame{}, err
	}
	if err := f.fill(header.Size()); err != nil {
		return record.Frame{}, err
	}
	frame, err := record.DecodeFrame(f.buffer[f.from:f.to], f.key)
	if err != nil {
		return record.Frame{}, err
	}
	f.from += header.Size()
	f.at += int64(header.Size())
	return frame, nil
}

// fill makes sure that n bytes from f.at on are in the buffer.
func (f *frames) fill(n int) error {
	if f.to-f.from >= n {
		return nil
	}
	if int64(n) > f.end-f.at {
		return record.ErrInvalid // it would reach beyond the range
	}
	target := f.buffer
	if n > len(target) {
		target = make([]byte, n)
	}
	f.to = copy(target, f.buffer[f.from:f.to])
	f.from, f.buffer = 0, target
	want := target[f.to:min(int64(len(target)), f.end-f.at)]
	read, err := f.file.ReadAt(want, f.at+int64(f.to))
	f.to += read
	if f.to >= n {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return record.ErrInvalid // the file is shorter than it should be
	}
	return fmt.Errorf("read at %d: %w", f.at, err)
}
