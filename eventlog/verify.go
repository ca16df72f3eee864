package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// VerifyOptions say who is told what Verify reads.
type VerifyOptions struct {
	// Segment, if set, is called for each segment, concurrently, with the position it
	// begins at; what it gives is told the records of that segment.
	Segment func(first Position) SegmentVisitor
	// Progress, if set, is told now and then how many bytes were read, one call at a
	// time.
	Progress func(read, total int64)
	// Workers is how many segments are read at once; default one per processor.
	Workers int
}

// SegmentVisitor is told the records of one segment.
type SegmentVisitor interface {
	// Record is called for each record, in order, by one goroutine. The record is
	// whole and verified, body included; its memory is used again after it.
	Record(r *Record) error
	// Done is called when all of the segment is in order, one segment after the
	// other.
	Done() error
}

// Verification tells what Verify has read.
type Verification struct {
	LogID    [16]byte
	Segments int
	// Encrypted is how many of the segments are.
	Encrypted int
	Records   uint64
	Erased    uint64 // records whose bodies were erased
	// MetadataErased is the number of records whose metadata were erased.
	MetadataErased uint64
	Bytes          int64 // of the files
	BodyBytes      int64 // of the bodies, decompressed
	MetadataBytes  int64
	// TornSegment is the last segment if it ends in what was never acknowledged, at
	// TornOffset; the next start of a server sets that aside. 0 if it does not.
	TornSegment SegmentNumber
	TornOffset  int64
}

// Verify reads a log that no process has open, all of it, and changes nothing: every
// frame, the chain of commits, indexes, hashes of files, and whether contents are
// what was committed to. The first damage, in order of the log, is the error: a
// *CorruptError for what is on disk.
func Verify(ctx context.Context, dir string, o Options, v VerifyOptions) (Verification, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return Verification{}, fmt.Errorf("log options: %w", err)
	}
	codec, err := newCodec(&o)
	if err != nil {
		return Verification{}, err
	}
	w := &verification{ctx: ctx, dir: dir, fs: o.FS, codec: codec, keys: o.Keys, visit: v}
	names, err := w.fs.List(w.dir)
	if err != nil {
		return Verification{}, fmt.Errorf("list the segments: %w", err)
	}
	if slices.Contains(names, "lock") { // else it is a copy; to lock it would change it
		lock, err := o.FS.Lock(filepath.Join(dir, "lock"))
		if errors.Is(err, ErrLocked) {
			return Verification{}, err
		}
		if err == nil { // else the folder can only be read, and nobody writes to it
			defer lock.Close()
		}
	}
	if err := w.list(names); err != nil {
		return Verification{}, err
	}
	return w.run()
}

// verification is one at work.
type verification struct {
	ctx     context.Context // of Verify
	dir     string
	fs      FileSystem
	codec   *codec
	keys    Keys
	visit   VerifyOptions
	numbers []SegmentNumber
	total   int64

	read     atomic.Int64
	progress sync.Mutex
}

// list finds the segments.
func (w *verification) list(names []string) error {
	for _, name := range names {
		digits, isSegment := strings.CutSuffix(name, ".seg")
		if !isSegment {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || segmentPath(w.dir, SegmentNumber(n)) != filepath.Join(w.dir, name) {
			return fmt.Errorf("%q is not the name of a segment", name)
		}
		w.numbers = append(w.numbers, SegmentNumber(n))
		file, err := w.fs.OpenRead(filepath.Join(w.dir, name))
		if err != nil {
			return fmt.Errorf("open segment %d: %w", n, err)
		}
		size, err := file.Size()
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("size of segment %d: %w", n, err)
		}
		w.total += size
	}
	slices.Sort(w.numbers)
	return nil
}

// run verifies the segments side by side, and joins them in their order.
func (w *verification) run() (Verification, error) {
	workers := w.visit.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	w.ctx = ctx
	// turns holds a segment from the beginning of its work until it is joined: each
	// may remember much of what it has read.
	turns := make(chan chan *verifiedSegment, workers-1)
	go func() {
		defer close(turns)
		for i, n := range w.numbers {
			ready := make(chan *verifiedSegment, 1)
			select {
			case turns <- ready:
			case <-ctx.Done():
				return
			}
			go func() { ready <- w.segment(n, i == len(w.numbers)-1) }()
		}
	}()
	var result Verification
	previous := &verifiedSegment{}
	for ready := range turns {
		s := <-ready
		err := s.err
		if want := SegmentNumber(result.Segments + 1); s.number != want {
			err = &CorruptError{Segment: want, Err: errors.New("segment is missing")}
		}
		if err == nil {
			err = s.continues(previous, &result)
		}
		if err == nil && s.visitor != nil {
			err = s.visitor.Done()
		}
		if err != nil {
			cancel()
			for ready := range turns {
				<-ready // nothing is left behind
			}
			return result, err
		}
		s.addTo(&result)
		previous = s
	}
	return result, w.ctx.Err()
}

// told tells the progress, at most once per scanned buffer.
func (w *verification) told(bytes int64) {
	read := w.read.Add(bytes)
	if w.visit.Progress == nil {
		return
	}
	w.progress.Lock()
	defer w.progress.Unlock()
	w.visit.Progress(read, w.total)
}

// hashingReader hashes what is read of a file for the first time, from start to end.
type hashingReader struct {
	io.ReaderAt
	hash io.Writer
	at   int64 // what is before it was hashed
	told func(bytes int64)
}

// ReadAt reads.
func (h *hashingReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := h.ReaderAt.ReadAt(p, at)
	if end := at + int64(n); at <= h.at && end > h.at {
		h.told(end - h.at)
		h.hash.Write(p[h.at-at : n])
		h.at = end
	}
	return n, err
}
