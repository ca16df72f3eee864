package searchindex

import (
	"context"
	"errors"

	"fhirlog/domain"
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
)

// Lookup answers many small questions as of one snapshot. It belongs to one
// goroutine.
type Lookup struct {
	e *evaluation
}

// Lookup begins questions as of a snapshot and a horizon; see search.PageRequest.
func (x *Index) Lookup(ctx context.Context, source Source, snapshot, horizon uint64) *Lookup {
	return &Lookup{x.evaluation(ctx, source, snapshot, horizon)}
}

// Led lists the current versions that the target of a reference leads to by
// canonical URL, type by type, in the order of positions.
func (l *Lookup) Led(r search.Reference, target []byte) (positions []uint64, err error) {
	err = l.e.eachCanonical(r, target, "", func(position uint64) bool {
		positions = append(positions, position)
		return true
	})
	return positions, err
}

// Referrers lists the current versions of a type that refer to a resource, whose
// current version is at a position, by a reference parameter, in the order of
// positions.
func (l *Lookup) Referrers(of domain.ResourceType, r search.Reference, t domain.ResourceType, id domain.LogicalID, position uint64) ([]uint64, error) {
	if r.Target != "" && r.Target != t {
		return nil, nil
	}
	if used, err := l.e.isUsed(r.Slot); err != nil || !used {
		return nil, err
	}
	g := newGatherer()
	err := l.e.eachReferenceTo(r, t, id, position, func(found result) {
		for i := range found {
			g.addPart(&found[i])
		}
	})
	if err != nil {
		return nil, err
	}
	var positions []uint64
	err = l.e.walk(known{g.result()}, 0, false, func(block uint32, holds *set) (bool, error) {
		holds.each(func(low uint16) bool {
			positions = append(positions, uint64(block)*BlockSize+uint64(low))
			return true
		})
		return true, nil
	})
	if err != nil || of == "" {
		return positions, err
	}
	// A parameter of all types has one slot for them.
	kept := positions[:0]
	for _, position := range positions {
		is, _, err := l.e.source.Identify(position)
		if err != nil {
			return nil, err
		}
		if is == of {
			kept = append(kept, position)
		}
	}
	return kept, nil
}

// errUsed ends the search for a value.
var errUsed = errors.New("a value was found")

// isUsed tells whether a parameter has any value. Of the hundreds of reference
// parameters that a wildcard asks for, and of the types that a canonical may lead
// to, few have one.
func (e *evaluation) isUsed(slot search.Slot) (bool, error) {
	used, known := e.used[slot]
	if known {
		return used, nil
	}
	key := search.Key(slot, search.AspectValue)
	err := e.keysIn(keys.Postings, key, 0, func([]byte, uint32, []byte) error { return errUsed })
	switch {
	case errors.Is(err, errUsed):
		used = true
	case err != nil:
		return false, err
	default:
		e.inHeads(key, false, func(*head, *entry) { used = true })
	}
	e.used[slot] = used
	return used, nil
}
