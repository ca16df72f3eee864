package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Position is the place of a record in the log: 0, 1, 2, … without gaps.
type Position uint64

// SegmentNumber counts the files of the log, from 1.
type SegmentNumber uint32

// Log is an append-only sequence of records in a folder. Open makes one, Run
// writes what is appended.
type Log struct {
	dir     string
	fs      FileSystem
	options Options
	codec   *codec
	cache   *blockCache
	handles *handles
	lock    io.Closer

	segments atomic.Pointer[[]*segment] // in order; replaced under mu, never changed
	durable  atomic.Uint64              // positions below it are durable
	room     atomic.Pointer[knownRoom]  // the last answer, nil before the first

	wake   chan struct{} // tells the writer that there is something to do
	writer writer        // owned by the goroutine in Run

	compacting sync.Mutex // held by Compact from beginning to end; taken before mu
	compacted  int        // files that Compact has begun; guarded by compacting

	mu sync.Mutex // guards the fields below
	// What was accepted and not yet written.
	queue       []*pending
	queuedBytes int64
	next        Position // first position not assigned
	lastInstant int64
	plan        plan
	requests    spaceRequests
	tail        tail
	sealing     sealRequest
	// Whoever waits. syncing is closed when the group being written is durable,
	// gathering when the one after it is; changed when Append may try again.
	syncing, gathering chan struct{}
	syncingEnd         Position
	changed            chan struct{}
	// Life: running is set by the first Run or Close, closing by Close, finished
	// (with stopped closed) when the writer is done, failure when it failed.
	running, closing, finished, released bool
	stopped                              chan struct{}
	failure                              error
}

// Recovery tells what Open found.
type Recovery struct {
	Segments int
	Records  uint64
	// TornFile is where the torn tail was set aside; empty when there was none.
	TornFile    string
	TornSegment SegmentNumber
	TornOffset  int64
	TornBytes   int64
	// Prepared is the number of unused and unfinished files of the last run that were
	// removed.
	Prepared int
	// Unclean says that the log was not closed: a crash, or a power cut.
	Unclean bool
	Elapsed time.Duration
}

// Open opens the log in a folder, which is created if need be, and repairs a
// torn tail. The caller starts Run and, in the end, calls Close.
func Open(dir string, o Options) (*Log, Recovery, error) {
	began := time.Now()
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, Recovery{}, fmt.Errorf("log options: %w", err)
	}
	l := &Log{
		dir: dir, fs: o.FS, options: o,
		cache:     newBlockCache(o.CacheBytes),
		wake:      make(chan struct{}, 1),
		syncing:   make(chan struct{}),
		gathering: make(chan struct{}),
		stopped:   make(chan struct{}),
	}
	l.tail.limit = o.TailBytes
	l.handles = newHandles(l.fs, o.OpenSegments, l.cache)
	l.segments.Store(&[]*segment{})
	var err error
	if l.codec, err = newCodec(&o); err != nil {
		return nil, Recovery{}, err
	}
	recovery, err := l.openFolder()
	if err != nil {
		l.releaseFiles()
		return nil, recovery, fmt.Errorf("open log %s: %w", dir, err)
	}
	recovery.Elapsed = time.Since(began)
	return l, recovery, nil
}

func (l *Log) openFolder() (Recovery, error) {
	if err := l.fs.MakeDir(l.dir); err != nil {
		return Recovery{}, err
	}
	if err := l.fs.SyncDir(filepath.Dir(l.dir)); err != nil {
		return Recovery{}, fmt.Errorf("sync parent folder: %w", err)
	}
	lock, err := l.fs.Lock(filepath.Join(l.dir, "lock"))
	if err != nil {
		return Recovery{}, err
	}
	l.lock = lock
	return l.recover()
}

// Next is the first position not yet assigned.
func (l *Log) Next() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Durable is the number of durable records: those at positions below it.
func (l *Log) Durable() Position { return Position(l.durable.Load()) }

// WaitDurable waits until Durable() ≥ upTo. It returns ErrOutcomeUnknown when
// the log failed before, ErrClosed when it was closed before, or the context's
// error; the context ends the waiting and not the write.
func (l *Log) WaitDurable(ctx context.Context, upTo Position) error {
	for {
		if l.Durable() >= upTo {
			return nil
		}
		l.mu.Lock()
		signal, err := l.waitChannelLocked(upTo)
		l.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitChannelLocked gives a channel that is closed when upTo may be durable.
func (l *Log) waitChannelLocked(upTo Position) (<-chan struct{}, error) {
	switch {
	case l.Durable() >= upTo:
		return closedChannel, nil
	case l.failure != nil:
		return nil, fmt.Errorf("%w (%w)", ErrOutcomeUnknown, l.failure)
	case l.finished:
		return nil, ErrClosed
	case upTo <= l.syncingEnd:
		return l.syncing, nil
	}
	return l.gathering, nil
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// notifyLocked lets every blocked Append try again.
func (l *Log) notifyLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// wakeWriter tells the writer to look at the queue. It never blocks.
func (l *Log) wakeWriter() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close finishes what is queued, syncs, trims what was allocated ahead and
// releases the folder; of a log that was only read, the files stay as Open has left
// them. It ends Run, and returns the failure of a failed log. A
// second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closing = true
	started := l.running
	l.running = true
	queued := len(l.queue) > 0
	l.notifyLocked()
	l.mu.Unlock()
	if started {
		l.wakeWriter()
		<-l.stopped
	} else { // nobody ever ran Run: do here what it would do on closing
		l.writer.unused = !queued
		l.runWriter()
	}

	l.mu.Lock()
	released := l.released
	l.released = true
	failure := l.failure
	l.mu.Unlock()
	if released {
		return nil
	}
	l.compacting.Lock() // a compaction sees that the log has stopped, and ends
	defer l.compacting.Unlock()
	if err := l.releaseFiles(); err != nil && failure == nil {
		failure = fmt.Errorf("close log: %w", err)
	}
	return failure
}

// releaseFiles is for when the writer is done and nobody appends.
func (l *Log) releaseFiles() error {
	var errs []error
	errs = append(errs, l.handles.close())
	if l.writer.file != nil {
		errs = append(errs, l.writer.file.Close())
	}
	if s := l.plan.space; s != nil && s != l.writer.space {
		s.file.Close() // after a failure: prepared, and never started
	}
	if s := l.plan.spare; s != nil {
		s.file.Close()
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}

// Stats is a look at the log from outside.
type Stats struct {
	Segments       int
	Encrypted      int   // of the segments
	BytesUsed      int64 // headers, frames, indexes
	BytesAllocated int64 // used, and allocated ahead
	BytesQueued    int64 // accepted, not yet durable
	Next, Durable  Position
}

// Stats tells how large the log is.
func (l *Log) Stats() Stats {
	segments := *l.segments.Load()
	s := Stats{Segments: len(segments), Durable: l.Durable()}
	for _, seg := range segments {
		v := seg.view.Load()
		s.BytesUsed += v.size
		s.BytesAllocated += v.size
		if seg.cipher != nil {
			s.Encrypted++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Next, s.BytesQueued = l.next, l.queuedBytes
	s.BytesAllocated += l.plan.aheadLocked()
	return s
}
