package eventlog

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"time"

	"fhirlog/eventlog/record"
)

const (
	// groupBytes bounds what is written before a sync, one commit at least.
	groupBytes = 8 << 20
	// writeBytes bounds one write of a group and so the memory for encoding; an
	// ordinary group is one write.
	writeBytes = 4 << 20
	// gatherPoll is how often Options.Gather is asked while nothing else happens.
	gatherPoll = 500 * time.Microsecond
)

// writer is the state of the goroutine in Run, and of Open before it.
type writer struct {
	segment *segment // the active one, nil when the next group starts one
	file    File
	// space is the file's allocation; shared with plan.
	space *space
	// Of the active segment, with what is encoded and not yet written.
	end                       int64
	next                      Position
	chain                     record.Chain
	hash                      hash.Hash // SHA-256 of the file up to end
	offsets                   []uint32
	firstInstant, lastInstant int64
	marked                    bool // the last frame is a mark

	buffer      []byte // encoded, not yet written
	run         record.Run
	prepared    int // files named
	aheadFailed time.Time
	unused      bool // the log was only read since Open: closing leaves its files as they are
}

// Run writes what is appended. It returns nil after Close, or when the context
// is cancelled, which closes the log for appends and finishes what is queued;
// otherwise the failure, after which the log takes no more appends.
func (l *Log) Run(ctx context.Context) error {
	l.mu.Lock()
	running, closing := l.running, l.closing
	l.running = true
	l.mu.Unlock()
	if running && closing { // Close came first, and did the work
		<-l.stopped
		return l.failed()
	}
	if running {
		return errors.New("the log's writer runs already")
	}
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		l.closing = true
		l.notifyLocked()
		l.mu.Unlock()
		l.wakeWriter()
	})
	defer stop()
	return l.runWriter()
}

func (l *Log) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// runWriter is the life of the writer.
func (l *Log) runWriter() error {
	err := l.writeGroups()
	if err == nil {
		err = l.finishWriting()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failure = err
	}
	l.closing, l.finished = true, true
	for _, p := range l.queue { // only after a failure
		if p.space != nil && p.space != l.plan.space {
			p.space.file.Close()
		}
	}
	l.queue, l.queuedBytes = nil, 0
	l.notifyLocked()
	close(l.syncing)
	close(l.gathering)
	close(l.stopped)
	return err
}

// writeGroups writes until the log is closing and nothing is queued.
func (l *Log) writeGroups() error {
	for {
		l.mu.Lock()
		queued, closing := len(l.queue) > 0, l.closing
		wanted := l.requests.active > 0 || l.requests.spare > 0
		sealing := l.sealing.of != nil && !queued && !closing
		l.mu.Unlock()
		if wanted {
			l.serveSpace()
		}
		if queued {
			if err := l.writeGroup(); err != nil {
				return err
			}
		}
		if sealing {
			if err := l.sealOnRequest(); err != nil {
				return err
			}
		}
		if closing && !queued {
			return nil
		}
		if !closing {
			l.allocateAhead()
		}
		if !queued && !wanted {
			<-l.wake
		}
	}
}

// writeGroup makes one group durable.
func (l *Log) writeGroup() error {
	stats := GroupStats{Gather: l.gather()}
	group := l.takeGroup()
	if group[0].space != nil {
		if err := l.startSegment(group[0]); err != nil {
			return err
		}
	}
	start := time.Now()
	begin := l.writer.end
	records, err := l.encodeAndWrite(group)
	if err != nil {
		return err
	}
	written := time.Now()
	if err := l.writer.file.SyncData(); err != nil {
		return fmt.Errorf("sync segment %d: %w", l.writer.segment.number, err)
	}
	l.publish(group, records)
	stats.Commits = len(group)
	stats.Records = int(l.writer.next - group[0].first)
	stats.Bytes = l.writer.end - begin
	stats.Write, stats.Sync = written.Sub(start), time.Since(written)
	if l.options.Observe != nil {
		l.options.Observe(stats)
	}
	return nil
}

// gather holds the group back while others are about to append.
func (l *Log) gather() time.Duration {
	if l.options.Gather == nil || l.options.MaxGather <= 0 {
		return 0
	}
	l.mu.Lock()
	oldest := l.queue[0].accepted
	l.mu.Unlock()
	start := time.Now()
	var timer *time.Timer
	for {
		left := l.options.MaxGather - time.Since(oldest)
		if left <= 0 || !l.gatheringAllowed() || !l.options.Gather() {
			return time.Since(start)
		}
		if timer == nil {
			timer = time.NewTimer(min(left, gatherPoll))
			defer timer.Stop()
		} else {
			timer.Reset(min(left, gatherPoll))
		}
		select {
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// gatheringAllowed is false when others cannot come, or wait for this group.
func (l *Log) gatheringAllowed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closing && l.queuedBytes < min(l.options.QueueBytes, groupBytes) &&
		l.requests.active == 0 && l.requests.spare == 0
}

// takeGroup takes the next group from the queue: whole commits of one segment.
func (l *Log) takeGroup() []*pending {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 1, l.queue[0].size
	for n < len(l.queue) && l.queue[n].space == nil && size+l.queue[n].size <= groupBytes {
		size += l.queue[n].size
		n++
	}
	group := l.queue[:n:n]
	if l.queue = l.queue[n:]; len(l.queue) == 0 {
		l.queue = nil
	}
	last := group[n-1]
	l.syncingEnd = last.first + Position(len(last.batch.Metadata))
	l.syncing, l.gathering = l.gathering, make(chan struct{})
	return group
}

// publish lets everyone see the group. Only after its sync: a reader might
// otherwise see what a crash takes back.
func (l *Log) publish(group []*pending, records []Record) {
	w := &l.writer
	w.segment.view.Store(&view{
		next: w.next, dataEnd: w.end, size: w.end, offsets: w.offsets,
		firstInstant: w.firstInstant, lastInstant: w.lastInstant,
	})
	l.durable.Store(uint64(w.next))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range group {
		l.queuedBytes -= p.size
	}
	l.tail.add(records)
	close(l.syncing)
	// Nobody is to wait on the closed one: until the next group there is none.
	l.syncing, l.syncingEnd = make(chan struct{}), 0
	l.notifyLocked()
}

// finishWriting ends the active segment cleanly.
func (l *Log) finishWriting() error {
	w := &l.writer
	l.mu.Lock()
	spare := l.plan.spare
	l.plan.spare = nil
	l.mu.Unlock()
	if spare != nil {
		// Removing it is tidiness: Open would do it as well, and drop its key.
		spare.file.Close()
		if l.dropKeys(spare.id) == nil {
			l.fs.Remove(spare.path)
		}
	}
	if w.segment == nil || w.unused {
		return nil
	}
	if !w.marked {
		w.appendMark()
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := w.file.Truncate(w.end); err != nil {
		return fmt.Errorf("trim segment %d: %w", w.segment.number, err)
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync segment %d: %w", w.segment.number, err)
	}
	return nil
}
