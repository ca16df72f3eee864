package eventlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"fhirlog/eventlog/record"
)

// Space is allocated before a commit is given a place in it, so that a full
// disk is found in Append, where it can be refused, and not in the writer,
// where it would leave every waiting request without an answer.

const (
	firstAllocation   = 1 << 20
	largestAllocation = 8 << 20
	// aheadRetry is how long a failed allocation ahead of need is left alone.
	aheadRetry = time.Second
)

// space is a file with room allocated in it: the active segment, or a prepared
// one that will be the next.
type space struct {
	file    File
	path    string
	granted int64 // bytes allocated; changed by the writer under Log.mu
	// Of a prepared file that will be encrypted: the id of the segment, and what
	// encrypts it.
	id     fileID
	cipher *record.Cipher
}

// plan is where the next batch goes: the end of the newest segment, all that is
// queued included.
type plan struct {
	space *space // nil: there is no segment yet
	full  bool   // the next batch starts a segment, whatever its size
	end   int64
	count int64 // records in the segment
	spare *space
}

// aheadLocked is what is allocated and not planned for anything.
func (p *plan) aheadLocked() int64 {
	ahead := int64(0)
	if p.space != nil {
		ahead = max(0, p.space.granted-p.end)
	}
	if p.spare != nil {
		ahead += p.spare.granted
	}
	return ahead
}

// sealBytes is the room that the end of a segment needs: a mark, index, trailer.
func sealBytes(records int64) int64 {
	return record.CommitFrameSize + record.IndexFrameSize(records) + record.TrailerSize
}

// needLocked tells whether such a batch starts a new segment, and the size that
// its segment must have.
func (l *Log) needLocked(size, count int64) (starts bool, need int64) {
	if l.plan.space != nil && !l.plan.full {
		need = l.plan.end + size + sealBytes(l.plan.count+count)
		if l.plan.count == 0 || need <= l.options.SegmentBytes {
			return false, need
		}
	}
	return true, record.HeaderSize + size + sealBytes(count)
}

// placeLocked gives p its place, if there is one.
func (l *Log) placeLocked(p *pending, count int64) bool {
	starts, need := l.needLocked(p.size, count)
	if !starts {
		if need > l.plan.space.granted {
			return false
		}
		l.plan.end += p.size
		l.plan.count += count
		return true
	}
	if l.plan.spare == nil || need > l.plan.spare.granted || !l.sealableLocked() {
		return false
	}
	p.space = l.plan.spare
	l.plan = plan{space: p.space, end: record.HeaderSize + p.size, count: count}
	return true
}

// sealableLocked reports whether the newest segment has room for its end. It
// lacks it only when it was reopened and nothing was appended since.
func (l *Log) sealableLocked() bool {
	return l.plan.space == nil || l.plan.end+sealBytes(l.plan.count) <= l.plan.space.granted
}

// spaceRequests is what blocked appends ask of the writer.
type spaceRequests struct {
	active, spare int64 // sizes wanted; 0: nothing
	refused       int   // counts the refusals
	refusal       error // the last one
}

// spaceRequest is how far one Append is with asking.
type spaceRequest struct {
	made    bool
	refused int
}

// requestSpaceLocked asks for room for such a batch, or tells that it was refused.
func (l *Log) requestSpaceLocked(size, count int64, r *spaceRequest) error {
	if r.made && r.refused != l.requests.refused {
		if errors.Is(l.requests.refusal, ErrNewKey) {
			return l.requests.refusal
		}
		return fmt.Errorf("%w: %w", ErrDiskFull, l.requests.refusal)
	}
	*r = spaceRequest{made: true, refused: l.requests.refused}
	if starts, need := l.needLocked(size, count); starts {
		l.requests.spare = max(l.requests.spare, need)
		if !l.sealableLocked() {
			l.requests.active = max(l.requests.active, l.plan.end+sealBytes(l.plan.count))
		}
	} else {
		l.requests.active = max(l.requests.active, need)
	}
	return nil
}

// serveSpace does what was asked, by the writer.
func (l *Log) serveSpace() {
	l.mu.Lock()
	wanted := l.requests
	l.requests.active, l.requests.spare = 0, 0
	active, spare := l.plan.space, l.plan.spare
	l.mu.Unlock()
	var err error
	if wanted.active > 0 && active != nil {
		err = l.enlarge(active, wanted.active)
	}
	if wanted.spare > 0 && err == nil {
		err = l.prepareSpare(spare, wanted.spare)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.requests.refused++
		l.requests.refusal = err
	}
	l.notifyLocked()
}

// allocateAhead keeps room ready, so that appends don't wait for it. Its
// failure is nobody's yet.
func (l *Log) allocateAhead() {
	if time.Since(l.writer.aheadFailed) < aheadRetry {
		return
	}
	l.mu.Lock()
	active, spare := l.plan.space, l.plan.spare
	end := l.plan.end + sealBytes(l.plan.count)
	l.mu.Unlock()
	var err error
	switch {
	case active == nil || l.options.SegmentBytes-end < min(largestAllocation, l.options.SegmentBytes/4):
		if spare == nil {
			err = l.prepareSpare(nil, 1)
		}
	case active.granted < l.options.SegmentBytes && active.granted-end < allocationStep(active.granted)/2:
		err = l.enlarge(active, active.granted+1)
	}
	if err != nil {
		l.writer.aheadFailed = time.Now()
	}
}

// allocationStep grows with the file, so that a small log stays small.
func allocationStep(granted int64) int64 {
	return min(max(granted, firstAllocation), largestAllocation)
}

// enlarge allocates until s has need bytes, and some more where that is cheap.
func (l *Log) enlarge(s *space, need int64) error {
	if need <= s.granted {
		return nil
	}
	step := allocationStep(s.granted)
	target := s.granted + step
	if target < need {
		target = need + step // what others append meanwhile shall not use it up
	}
	target = max(need, min(target, l.options.SegmentBytes))
	err := l.allocate(s, target)
	if err != nil && target > need {
		err = l.allocate(s, need)
	}
	return err
}

func (l *Log) allocate(s *space, target int64) error {
	if l.options.MinFreeBytes > 0 {
		room, err := l.Room()
		if err != nil {
			return err
		}
		if target-s.granted > room.Left() {
			return fmt.Errorf("%d bytes free, %d needed, %d to be left", room.Free, target-s.granted, room.Reserve)
		}
	}
	if err := s.file.Allocate(s.granted, target-s.granted); err != nil {
		return fmt.Errorf("allocate %d bytes: %w", target-s.granted, err)
	}
	l.mu.Lock()
	s.granted = target
	l.mu.Unlock()
	return nil
}

// prepareSpare makes the file of the next segment, or enlarges it.
func (l *Log) prepareSpare(spare *space, need int64) error {
	if spare != nil {
		return l.enlarge(spare, need)
	}
	var id fileID
	if l.options.Keys != nil {
		var err error
		if id, err = l.newFileID(); err != nil {
			return err
		}
	}
	l.writer.prepared++
	path := filepath.Join(l.dir, temporaryName("prepared", l.writer.prepared, id))
	file, err := l.fs.Create(path)
	if err != nil {
		return fmt.Errorf("create the next segment: %w", err)
	}
	spare = &space{file: file, path: path, id: id}
	err = l.enlarge(spare, max(need, min(firstAllocation, l.options.SegmentBytes)))
	if err == nil {
		spare.cipher, err = l.newCipher(id)
	}
	if err != nil {
		file.Close()
		l.fs.Remove(path)
		return err
	}
	l.mu.Lock()
	l.plan.spare = spare
	l.mu.Unlock()
	return nil
}
