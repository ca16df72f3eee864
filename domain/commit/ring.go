package commit

import (
	"slices"

	"fhirlog/domain/search"
)

// ring remembers the marks of the latest commits, so that the decider can tell
// whether a search may have gained a match since a snapshot. Adding to it is
// cheap; only commits that rest on searches look at it.
type ring struct {
	from  uint64 // commits before this position are not remembered
	slots []marked
	first int // the oldest in slots
	count int
	marks int // of all
}

// marked is the marks of one commit.
type marked struct {
	first, end uint64      // its positions
	set        *search.Set // that its index values were extracted by
	marks      []uint64
}

// Together these take three megabytes or so.
const (
	ringCommits = 1 << 14
	ringMarks   = 1 << 18
)

func newRing(next uint64) ring {
	return ring{from: next, slots: make([]marked, ringCommits)}
}

// add remembers a commit that comes after all others, and forgets old ones.
func (r *ring) add(c marked) {
	for r.count == ringCommits || r.count > 0 && r.marks+len(c.marks) > ringMarks {
		r.forget()
	}
	if len(c.marks) > ringMarks {
		r.from = c.end
		return
	}
	r.slots[(r.first+r.count)%ringCommits] = c
	r.count++
	r.marks += len(c.marks)
}

// forget drops the oldest commit.
func (r *ring) forget() {
	oldest := &r.slots[r.first]
	r.from = oldest.end
	r.marks -= len(oldest.marks)
	*oldest = marked{}
	r.first = (r.first + 1) % ringCommits
	r.count--
}

// changed returns how many records must be applied before a plan made at a
// snapshot may be made again, and 0 if nothing since the snapshot changes what it
// relies on. Keys of another set of parameters cannot be compared: then any
// content counts.
func (r *ring) changed(snapshot uint64, on *reliance, set *search.Set) (waitFor uint64) {
	if snapshot < r.from {
		return r.from
	}
	for i := r.count - 1; i >= 0; i-- {
		c := &r.slots[(r.first+i)%ringCommits]
		if c.end <= snapshot {
			return 0
		}
		if on.anything || c.set != set && len(c.marks) > 0 || slices.ContainsFunc(c.marks, on.has) {
			return c.end
		}
	}
	return 0
}
