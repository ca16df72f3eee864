package eventlog

import (
	"context"
	"fmt"
)

// sealRequest asks the writer to seal the active segment although it is not full.
type sealRequest struct {
	of      *segment // nil: nothing is asked for
	refused error    // why it was not done
}

// sealSegment returns when a segment is sealed. What is appended from now on goes
// to the next one, so the writer seals it with the first such group, or as soon as
// nothing is queued.
func (l *Log) sealSegment(ctx context.Context, seg *segment) error {
	for {
		l.mu.Lock()
		changed, err := l.requestSealLocked(seg)
		l.mu.Unlock()
		if changed == nil || err != nil {
			return err
		}
		l.wakeWriter()
		select {
		case <-changed:
		case <-ctx.Done():
			l.mu.Lock()
			l.sealing = sealRequest{}
			l.mu.Unlock()
			return ctx.Err()
		}
	}
}

// requestSealLocked gives a channel that is closed when there is news, nil when
// the segment is sealed.
func (l *Log) requestSealLocked(seg *segment) (<-chan struct{}, error) {
	refused := l.sealing.refused
	switch {
	case seg.view.Load().sealed:
		l.sealing = sealRequest{}
		return nil, nil
	case l.failure != nil:
		return nil, fmt.Errorf("%w: %w", ErrFailed, l.failure)
	case l.closing:
		return nil, ErrClosed
	case refused != nil:
		l.sealing = sealRequest{}
		return nil, fmt.Errorf("%w: %w", ErrDiskFull, refused)
	}
	l.sealing.of = seg
	if segments := *l.segments.Load(); segments[len(segments)-1] == seg {
		l.plan.full = true
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed, nil
}

// sealOnRequest seals the active segment if that is asked for and nothing is
// queued that would go there. Its failure is the writer's.
func (l *Log) sealOnRequest() error {
	w := &l.writer
	l.mu.Lock()
	need := l.plan.end + sealBytes(l.plan.count)
	idle := w.segment != nil && w.segment == l.sealing.of && len(l.queue) == 0
	room := l.sealableLocked()
	l.mu.Unlock()
	if !idle {
		return nil
	}
	if !room {
		if err := l.enlarge(w.space, need); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.sealing.refused, l.sealing.of = err, nil
			l.notifyLocked()
			return nil
		}
	}
	l.mu.Lock()
	if len(l.queue) > 0 { // whoever came is in this segment: after the next group
		l.mu.Unlock()
		return nil
	}
	l.plan = plan{spare: l.plan.spare} // who comes now starts the next segment
	l.sealing = sealRequest{}
	l.mu.Unlock()
	number := w.segment.number
	if err := l.seal(); err != nil {
		return fmt.Errorf("seal segment %d: %w", number, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notifyLocked()
	return nil
}
