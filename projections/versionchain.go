package projections

import (
	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
)

// versionChain is the kept versions of one resource in order. Versions and
// positions grow together, so that a bound on positions is found by halving the
// versions.
type versionChain struct {
	projections  *Projections
	resourceType domain.ResourceType
	id           domain.LogicalID
	row          current.Row
}

type chainLink struct {
	version  domain.VersionID
	position uint64
}

// beganBefore says that the resource existed at a snapshot already. One that was
// erased and written anew since then did not.
func (c *versionChain) beganBefore(snapshot uint64) (bool, error) {
	if c.row.Position < snapshot {
		return true, nil
	}
	oldest, err := c.firstFrom(1)
	if err != nil || oldest.position < snapshot {
		return err == nil, err
	}
	// The versions before may be purged, or not kept.
	state, err := c.projections.walkBack(oldest.position, snapshot)
	return state.Exists, err
}

// old calls fn for the kept versions before the current one.
func (c *versionChain) old(start domain.VersionID, down bool, fn func(l chainLink) bool) error {
	return current.OldVersions(c.projections.store, c.resourceType, c.id, start, down, func(v domain.VersionID, position uint64) bool {
		return v >= c.row.Version || fn(chainLink{v, position})
	})
}

// firstFrom returns the oldest kept version from a version number on; the
// current version is the last resort.
func (c *versionChain) firstFrom(start domain.VersionID) (link chainLink, err error) {
	link = chainLink{c.row.Version, c.row.Position}
	err = c.old(start, false, func(l chainLink) bool {
		link = l
		return false
	})
	return link, err
}

// seek returns the oldest kept version at or after a position; ok is false if
// there is none.
func (c *versionChain) seek(position uint64) (link chainLink, ok bool, err error) {
	if position > c.row.Position {
		return chainLink{}, false, nil
	}
	low, high := domain.VersionID(1), c.row.Version // the answer is in [low, high]
	for low < high {
		middle := low + (high-low)/2
		probe, err := c.firstFrom(middle)
		if err != nil {
			return chainLink{}, false, err
		}
		if probe.position >= position {
			high = middle
		} else {
			low = probe.version + 1
		}
	}
	link, err = c.firstFrom(low)
	return link, true, err
}

// lastBefore returns the newest kept version before a position.
func (c *versionChain) lastBefore(position uint64) (link chainLink, ok bool, err error) {
	if c.row.Position < position {
		return chainLink{c.row.Version, c.row.Position}, true, nil
	}
	after, _, err := c.seek(position)
	if err != nil || after.version <= 1 {
		return chainLink{}, false, err
	}
	err = c.old(after.version-1, true, func(l chainLink) bool {
		link, ok = l, true
		return false
	})
	return link, ok, err
}

// startOfCurrentAt returns the position from which on versions were current at
// or after the moment of position at-1: the version that was current then, if it
// was no deletion, and all later ones.
func (c *versionChain) startOfCurrentAt(at uint64) (uint64, error) {
	link, ok, err := c.lastBefore(at)
	if err != nil || !ok {
		return at, err
	}
	e, err := c.projections.lookup(link.position)
	if err != nil || e.Kind == event.Deleted {
		return at, err
	}
	return link.position, nil
}

// count returns the number of kept versions in [from, before). Without gaps in
// the numbers it is a difference; only where versions were purged in between or
// not kept are they counted one by one.
func (c *versionChain) count(from, before uint64) (int, error) {
	if from == 0 && c.row.Position < before {
		return int(c.row.Kept), nil
	}
	last, ok, err := c.lastBefore(before)
	if err != nil || !ok || last.position < from {
		return 0, err
	}
	first, _, err := c.seek(from)
	if err != nil {
		return 0, err
	}
	oldest, err := c.firstFrom(1)
	if err != nil {
		return 0, err
	}
	if uint64(c.row.Version-oldest.version)+1 == c.row.Kept {
		return int(last.version-first.version) + 1, nil
	}
	n := 0
	if last.version == c.row.Version {
		n++
	}
	err = c.old(first.version, false, func(l chainLink) bool {
		if l.position < before {
			n++
		}
		return l.position < before
	})
	return n, err
}

// collect returns the positions of a page, one more than asked for if there are
// more.
func (c *versionChain) collect(from, before uint64, q resource.HistoryQuery) ([]uint64, error) {
	if q.Count == 0 || from >= before {
		return nil, nil
	}
	var positions []uint64
	take := func(l chainLink) bool {
		if l.position < from || l.position >= before {
			return false
		}
		positions = append(positions, l.position)
		return len(positions) <= q.Count
	}
	if walksDown(q) {
		if q.HasStart {
			before = min(before, q.Start+1)
		}
		newest, ok, err := c.lastBefore(before)
		if err != nil || !ok || !take(newest) || newest.version <= 1 {
			return positions, err
		}
		err = c.old(newest.version-1, true, take)
		return positions, err
	}
	if q.HasStart {
		from = max(from, q.Start)
	}
	oldest, ok, err := c.seek(from)
	if err != nil || !ok {
		return positions, err
	}
	wanted := true
	if oldest.version < c.row.Version {
		err = c.old(oldest.version, false, func(l chainLink) bool {
			wanted = take(l)
			return wanted
		})
	}
	if err == nil && wanted {
		take(chainLink{c.row.Version, c.row.Position})
	}
	return positions, err
}

// walksDown says whether a page is collected from the newest version downwards.
func walksDown(q resource.HistoryQuery) bool { return q.Ascending == q.Backward }
