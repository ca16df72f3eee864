package commit

import (
	"hash/maphash"
	"sync"

	"fhirlog/domain"
)

// decider remembers which resources were written lately, so that it can tell
// whether a plan made at a snapshot still holds. It keeps hashes; two resources
// with the same hash cost a second planning, nothing else.
type decider struct {
	seed maphash.Seed

	mu    sync.Mutex // guards the fields below
	young generation
	old   generation
}

// generation holds the last write of each resource among consecutive positions.
type generation struct {
	from    uint64 // writes before this position are not remembered here
	written map[uint64]uint64
}

// generationSize is how many resources a generation remembers. Two generations
// of this size take a few megabytes at most.
const generationSize = 1 << 16

func newDecider(next uint64) *decider {
	return &decider{
		seed:  maphash.MakeSeed(),
		young: generation{from: next, written: map[uint64]uint64{}},
		old:   generation{from: next},
	}
}

// key names a resource within a decider.
func (d *decider) key(t domain.ResourceType, id domain.LogicalID) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	h.WriteString(string(t))
	h.WriteByte(0)
	h.WriteString(string(id))
	return h.Sum64()
}

// decide calls order if no resource of keys was written at or after snapshot,
// and remembers the writes that order says it made: positions from first on.
// Otherwise it returns how many records must be applied before a new plan can
// succeed. A plan older than what is remembered is made again.
func (d *decider) decide(snapshot uint64, keys []uint64, order func() (first uint64, err error)) (first, waitFor uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if snapshot < d.old.from {
		return 0, d.old.from, nil
	}
	for _, key := range keys {
		if at, written := d.lastWriteLocked(key); written && at >= snapshot {
			return 0, at + 1, nil
		}
	}
	first, err = order()
	if err != nil {
		return 0, 0, err
	}
	d.rememberLocked(keys, first)
	return first, 0, nil
}

func (d *decider) lastWriteLocked(key uint64) (uint64, bool) {
	if at, written := d.young.written[key]; written {
		return at, true
	}
	at, written := d.old.written[key]
	return at, written
}

// rememberLocked notes writes at positions first, first+1, …: exact enough even
// where a key made no write, since a commit becomes visible as a whole.
func (d *decider) rememberLocked(keys []uint64, first uint64) {
	if len(d.young.written) >= generationSize {
		d.old = d.young
		d.young = generation{from: first, written: make(map[uint64]uint64, generationSize)}
	}
	for i, key := range keys {
		d.young.written[key] = first + uint64(i)
	}
}
