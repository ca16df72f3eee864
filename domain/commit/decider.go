package commit

import (
	"context"
	"hash/maphash"

	"fhirlog/domain"
)

// decider remembers which resources were written lately, so that it can tell
// whether a plan made at a snapshot still holds. It keeps hashes; two resources
// with the same hash cost a second planning, nothing else.
type decider struct {
	seed maphash.Seed

	// turn holds a token while a commit is being decided, which then owns the
	// fields below. It is no mutex, since the log may hold a commit up, and those
	// behind it must be able to give up waiting.
	turn  chan struct{}
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
		turn:  make(chan struct{}, 1),
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

// decide calls order if no resource of relied was written at or after snapshot,
// and remembers that order wrote those of written, at positions from first on.
// Otherwise it returns how many records must be applied before a new plan can
// succeed. A plan older than what is remembered is made again. It fails with
// order, or with ctx while it waits for its turn.
func (d *decider) decide(ctx context.Context, snapshot uint64, relied, written []uint64, order func() (first uint64, err error)) (waitFor uint64, err error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if snapshot < d.old.from {
		return d.old.from, nil
	}
	for _, key := range relied {
		if at, known := d.lastWrite(key); known && at >= snapshot {
			return at + 1, nil
		}
	}
	first, err := order()
	if err == nil {
		d.remember(written, first)
	}
	return 0, err
}

func (d *decider) lastWrite(key uint64) (uint64, bool) {
	if at, written := d.young.written[key]; written {
		return at, true
	}
	at, written := d.old.written[key]
	return at, written
}

// remember notes writes at positions first, first+1, ….
func (d *decider) remember(keys []uint64, first uint64) {
	if len(d.young.written) >= generationSize {
		d.old = d.young
		d.young = generation{from: first, written: make(map[uint64]uint64, generationSize)}
	}
	for i, key := range keys {
		d.young.written[key] = first + uint64(i)
	}
}
