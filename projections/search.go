package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// Parameters is the set of search parameters now in force.
func (p *Projections) Parameters() *search.Set { return p.parameters.Load() }

// Search finds one page of the matches of a query as of a snapshot, which must
// not be beyond Applied. Errors other than of ctx, and of kind Unavailable when too
// much was removed meanwhile, are failures of the store or the log.
func (p *Projections) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	m := p.moment(r.Snapshot, r.Horizon)
	r.Horizon = m.horizon
	return p.index.Search(ctx, m, r)
}

// Find returns what matches a query as of a snapshot, at most limit resources,
// in the order of positions.
func (p *Projections) Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	m := p.moment(snapshot, 0)
	positions, err := p.index.Find(ctx, m, q, snapshot, m.horizon, limit)
	if err != nil {
		return nil, err
	}
	found := make([]search.Found, len(positions))
	for i, position := range positions {
		e, err := p.identified(position)
		if err != nil {
			return nil, err
		}
		found[i] = search.Found{Type: e.Type, ID: e.ID, Position: position, Version: e.Version}
	}
	return found, nil
}

// ReadAt returns the version at a position that a search or a history has given for
// the same answer, also if it was erased since. It fails with a domain.Error of kind
// Unavailable when a compaction has taken its content by now.
func (p *Projections) ReadAt(_ context.Context, position uint64) (resource.Version, error) {
	v, err := p.version(position)
	if domain.KindOf(err) == domain.NotFound {
		err = errContentGone
	}
	return v, err
}

// Identify tells of what resource the version at a position is.
func (p *Projections) Identify(position uint64) (domain.ResourceType, domain.LogicalID, error) {
	e, err := p.identified(position)
	return e.Type, e.ID, err
}

// identified reads the event at a position. It fails with a domain.Error of kind
// Unavailable when its id was erased since the position was found.
func (p *Projections) identified(position uint64) (event.Event, error) {
	e, err := p.lookup(position)
	if err == nil && e.IDErased {
		err = errContentGone
	}
	return e, err
}
