package commit

import (
	"context"
	"hash/maphash"

	"fhirlog/domain"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
)

// decider remembers what was written lately, so that it can tell whether a plan
// made at a snapshot still holds. It keeps hashes; two resources with the same
// hash cost a second planning, nothing else.
type decider struct {
	marker

	// turn holds a token while somebody decides, who then owns the fields below.
	// It is no mutex, since the log may hold a commit up, and those behind it must
	// be able to give up waiting.
	turn   chan struct{}
	young  generation
	old    generation
	latest ring
}

// generation holds the last write of each resource among consecutive positions.
type generation struct {
	from    uint64 // writes before this position are not remembered here
	written map[uint64]uint64
}

// generationSize is how many resources a generation remembers. Two generations
// of this size take a few megabytes at most.
const generationSize = 1 << 16

// claim is what is to be decided.
type claim struct {
	snapshot uint64
	relied   []uint64  // keys of the resources that the plan looked at
	searched *reliance // what its searches rely on; nil if there were none
	written  []uint64  // keys of the resources that it writes, event by event
	marks    []uint64  // of what it writes
	set      *search.Set
}

func newDecider(next uint64) *decider {
	return &decider{
		marker: marker{maphash.MakeSeed()},
		turn:   make(chan struct{}, 1),
		young:  generation{from: next, written: map[uint64]uint64{}},
		old:    generation{from: next},
		latest: newRing(next),
	}
}

// key names a resource within a decider. Search parameters have one key, see
// administer.go.
func (d *decider) key(t domain.ResourceType, id domain.LogicalID) uint64 {
	if t == registry.SearchParameter {
		id = ""
	}
	var h maphash.Hash
	h.SetSeed(d.seed)
	h.WriteString(string(t))
	h.WriteByte(0)
	h.WriteString(string(id))
	return h.Sum64()
}

// enter waits for the turn; it fails with ctx. Whoever has it calls leave.
func (d *decider) enter(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *decider) leave() { <-d.turn }

// conflict returns 0 if the plan of a claim still holds. Otherwise it returns how
// many records must be applied before a new plan can succeed. A plan older than
// what is remembered is made again.
func (d *decider) conflict(c *claim) (waitFor uint64) {
	if c.snapshot < d.old.from {
		return d.old.from
	}
	for _, key := range c.relied {
		if at, known := d.lastWrite(key); known && at >= c.snapshot {
			return at + 1
		}
	}
	if c.searched == nil {
		return 0
	}
	return d.latest.changed(c.snapshot, c.searched, c.set)
}

func (d *decider) lastWrite(key uint64) (uint64, bool) {
	if at, written := d.young.written[key]; written {
		return at, true
	}
	at, written := d.old.written[key]
	return at, written
}

// remember notes that a claim was written at positions first, first+1, ….
func (d *decider) remember(c *claim, first uint64) {
	if len(d.young.written) >= generationSize {
		d.old = d.young
		d.young = generation{from: first, written: make(map[uint64]uint64, generationSize)}
	}
	for i, key := range c.written {
		d.young.written[key] = first + uint64(i)
	}
	d.latest.add(marked{first: first, end: first + uint64(len(c.written)), set: c.set, marks: c.marks})
}
