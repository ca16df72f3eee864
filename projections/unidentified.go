package projections

import (
	"context"
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/eventlog"
	"fhirlog/projections/current"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// A compaction may erase ids from the log, of versions and of the event that erased
// them. What goes by positions is applied as ever; the current state, which goes by
// ids, passes over them. A stop may have lost that a folder had applied the erasure,
// and not the versions before, with their id: then the row that is to go can only be
// found by its position, and before anything is applied. What the registry of search
// parameters keeps has no positions: there such a folder is computed anew.

// forgetUnidentified removes from the current state what the log erases further on
// without saying its id.
func (p *Projections) forgetUnidentified() error {
	gone, err := p.erasedWithoutID()
	if err != nil || len(gone) == 0 {
		return err
	}
	b := p.store.NewBatch()
	for t := range typesOf(gone) {
		err := current.Each(p.store, t, func(id domain.LogicalID, row current.Row) error {
			if gone[row.Position] != t {
				return nil
			}
			b.Delete(keys.Current(t, id))
			return p.store.Scan(store.Range{Prefix: keys.Versions(t, id), KeysOnly: true}, func(key, _ []byte) (bool, error) {
				b.Delete(append([]byte(nil), key...))
				return true, nil
			})
		})
		if err != nil {
			return err
		}
	}
	return b.Commit()
}

// erasedWithoutID lists the versions that the current state has applied, and that an
// event beyond erases without an id.
func (p *Projections) erasedWithoutID() (map[uint64]domain.ResourceType, error) {
	end := uint64(p.log.Durable())
	if p.currentAt == 0 || p.currentAt >= end {
		return nil, nil
	}
	gone := map[uint64]domain.ResourceType{}
	err := p.log.Follow(context.Background(), eventlog.Position(p.currentAt), func(records []eventlog.Record) error {
		for i := range records {
			e, err := event.Decode(records[i].Metadata)
			if err == nil && e.IDErased && e.Kind == event.Erased {
				err = p.eachErased(&e, func(version uint64) {
					if version < p.currentAt {
						gone[version] = e.Type
					}
				})
			}
			if err != nil {
				return fmt.Errorf("position %d: %w", records[i].Position, err)
			}
		}
		if uint64(records[len(records)-1].Position)+1 >= end {
			return errReached
		}
		return nil
	})
	if !errors.Is(err, errReached) {
		return nil, fmt.Errorf("%w: %w", errReadAhead, err)
	}
	return gone, nil
}

// errParameterUnknown is why the projections are computed anew.
var errParameterUnknown = errors.New("a custom search parameter was erased, and the log does not have its id any more")

// checkErasedParameter fails when an event erases, without an id, a SearchParameter of
// which a registry that was read up to a position knows.
func (p *Projections) checkErasedParameter(e *event.Event, through uint64) error {
	if !e.IDErased || e.Kind != event.Erased || e.Type != registry.SearchParameter {
		return nil
	}
	known := false
	err := p.eachErased(e, func(version uint64) { known = known || version < through })
	if err == nil && known {
		err = errParameterUnknown
	}
	return err
}

// eachErased calls fn with the versions that an event erases, the last one first.
func (p *Projections) eachErased(e *event.Event, fn func(version uint64)) error {
	for position := e.Previous; position != event.NoPosition; {
		fn(position)
		at, err := p.lookup(position)
		if err != nil {
			return err
		}
		position = at.Previous
	}
	return nil
}

func typesOf(gone map[uint64]domain.ResourceType) map[domain.ResourceType]bool {
	types := map[domain.ResourceType]bool{}
	for _, t := range gone {
		types[t] = true
	}
	return types
}
