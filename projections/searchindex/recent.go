package searchindex

import "fhirlog/domain"

// Removal is a version that an event has removed: erased, purged, or replaced by the
// next one where no history is kept.
type Removal struct {
	Position uint64
	By       uint64 // position of the event
	// Ended is the event that had ended the version before, or By, if it was current
	// until then.
	Ended uint64
	Type  domain.ResourceType
	ID    domain.LogicalID
	// Last says that the resource is gone with this version, which was its last one.
	Last bool
}

// mostRecent is how many removals are kept in memory, of 72 bytes each.
const mostRecent = 1 << 16

// errOvertaken: more was removed while a question was answered than is kept.
var errOvertaken = domain.NewError(domain.Unavailable,
	"So much was erased or replaced while this was being answered that the answer would not be of one moment. Ask again.")

// recent is the latest removals, in the order of the events. An answer may be of a
// moment before a removal that is applied while it is made: it does not see that
// removal, and here it finds what that took. Index.mu guards it.
type recent struct {
	ring []Removal // when it is full, the oldest one is at next
	next int
	// known says from where on nothing is missing: removals by earlier events may be.
	known uint64
}

// add adds a removal. Of a resource whose id was erased as well nobody can tell what
// was removed.
func (r *recent) add(m Removal, unknown bool) {
	if unknown {
		r.known = m.By + 1
		return
	}
	if len(r.ring) < mostRecent {
		r.ring = append(r.ring, m)
		return
	}
	r.known = r.ring[r.next].By + 1
	r.ring[r.next] = m
	r.next = (r.next + 1) % mostRecent
}

// since calls visit for the removals by events from a horizon on, the latest first,
// until visit returns false.
func (r *recent) since(horizon uint64, visit func(m *Removal) bool) error {
	if horizon < r.known {
		return errOvertaken
	}
	for i := len(r.ring) - 1; i >= 0; i-- {
		m := &r.ring[(r.next+i)%len(r.ring)]
		if m.By < horizon || !visit(m) {
			return nil
		}
	}
	return nil
}

// ForgetRemovals says that removals by events before a position may be missing
// among the latest: they were applied by an earlier process.
func (x *Index) ForgetRemovals(before uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.recent.known = max(x.recent.known, before)
}

// RemovedSince lists what events from a horizon on have removed of a resource; of a
// type, if id is empty; of all, if t is. The latest come first. What removes anything
// is known here before it shows anywhere else.
func (x *Index) RemovedSince(horizon uint64, t domain.ResourceType, id domain.LogicalID) (list []Removal, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	err = x.recent.since(horizon, func(m *Removal) bool {
		if (t == "" || m.Type == t) && (id == "" || m.ID == id) {
			list = append(list, *m)
		}
		return true
	})
	return list, err
}

// IsRemoved tells whether an event before a horizon has removed the version at a
// position.
func (x *Index) IsRemoved(position, horizon uint64) (bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !has(x.removed, position) {
		return false, nil
	}
	is := true
	err := x.recent.since(horizon, func(m *Removal) bool {
		is = m.Position != position
		return is
	})
	return is, err
}

// removedAmong lists the indexes of those positions that events before a horizon
// have removed. It is quick if nothing was removed since they were found, as of
// another horizon; ok is false if one may be missing among them.
func (x *Index) removedAmong(positions []uint64, found, horizon uint64) (places []int, ok bool, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	unchanged := found >= x.recent.known
	ok = true
	still := map[uint64]bool{} // removed since the horizon
	err = x.recent.since(horizon, func(m *Removal) bool {
		still[m.Position] = true
		ok = ok && m.By >= found
		return true
	})
	if err != nil || !ok {
		return nil, ok, err
	}
	if unchanged {
		_ = x.recent.since(found, func(m *Removal) bool {
			unchanged = m.By >= horizon
			return unchanged
		})
	}
	if unchanged {
		return nil, true, nil
	}
	for i, position := range positions {
		if has(x.removed, position) && !still[position] {
			places = append(places, i)
		}
	}
	return places, true, nil
}
