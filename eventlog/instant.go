package eventlog

import "sort"

// PositionAt gives the last position whose instant is at or before the one
// given (milliseconds since 1970); ok is false when there is none. It fails when
// the disk cannot be read or is damaged.
func (l *Log) PositionAt(instant int64) (p Position, ok bool, err error) {
	segments := *l.segments.Load()
	// The first segment that holds anything later; a segment without durable
	// records is the last one and counts as later.
	i := sort.Search(len(segments), func(i int) bool {
		v := segments[i].view.Load()
		return v.next == segments[i].first || v.lastInstant > instant
	})
	var after Position
	if i < len(segments) {
		seg := segments[i]
		within, err := l.firstAfter(seg, instant)
		if err != nil {
			return 0, false, err
		}
		after = seg.first + Position(within)
	} else if i > 0 {
		after = segments[i-1].view.Load().next
	}
	// A view is stored a moment before what is in it is told to be durable.
	after = min(after, l.Durable())
	return after - 1, after > 0, nil
}

// firstAfter gives the ordinal of the first record in the segment that is later
// than the instant.
func (l *Log) firstAfter(seg *segment, instant int64) (int, error) {
	h, err := l.handles.acquire(seg)
	if err != nil {
		return 0, err
	}
	defer l.handles.release(h)
	seg = h.segment
	v := seg.view.Load()
	r := readers.Get().(*reader)
	defer r.release()
	var failed error
	ordinal := sort.Search(int(v.next-seg.first), func(i int) bool {
		if failed != nil {
			return true
		}
		failed = r.readRun(h, seg, v, seg.first+Position(i))
		return failed != nil || r.run.Instant > instant
	})
	return ordinal, failed
}
