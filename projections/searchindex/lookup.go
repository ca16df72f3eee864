package searchindex

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// Lookup answers many small questions as of one snapshot. It belongs to one
// goroutine.
type Lookup struct{ e *evaluation }

// Lookup begins questions as of a snapshot.
func (x *Index) Lookup(ctx context.Context, source Source, snapshot uint64) *Lookup {
	return &Lookup{x.evaluation(ctx, source, snapshot)}
}

// Referrers lists the current versions of a type that refer to a resource by a
// reference parameter, in the order of positions.
func (l *Lookup) Referrers(of domain.ResourceType, r search.Reference, t domain.ResourceType, id domain.LogicalID) ([]uint64, error) {
	if r.Target != "" && r.Target != t {
		return nil, nil
	}
	g := newGatherer()
	err := l.e.eachReferenceTo(r, t, id, func(found result) {
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
