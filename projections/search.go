package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/projections/searchindex"
)

// Projections tell the search index of the log and of the current state.
var _ searchindex.Source = (*Projections)(nil)

// Parameters is the set of search parameters now in force.
func (p *Projections) Parameters() *search.Set { return p.parameters.Load() }

// Search finds one page of the matches of a query as of a snapshot, which must
// not be beyond Applied. Errors other than of ctx are failures of the store or
// the log.
func (p *Projections) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	return p.index.Search(ctx, p, r)
}

// Find returns what matches a query as of a snapshot, at most limit resources,
// in the order of positions.
func (p *Projections) Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	positions, err := p.index.Find(ctx, p, q, snapshot, limit)
	if err != nil {
		return nil, err
	}
	found := make([]search.Found, len(positions))
	for i, position := range positions {
		e, err := p.lookup(position)
		if err != nil {
			return nil, err
		}
		found[i] = search.Found{Type: e.Type, ID: e.ID, Position: position, Version: e.Version}
	}
	return found, nil
}

// ReadAt returns the version at a position, which a search or a history has
// given. It fails with a domain.Error of kind NotFound when it was erased since.
func (p *Projections) ReadAt(_ context.Context, position uint64) (resource.Version, error) {
	if p.index.IsRemoved(position) {
		e, err := p.lookup(position)
		if err != nil {
			return resource.Version{}, err
		}
		return resource.Version{}, notFound(e.Type)
	}
	return p.version(position)
}

// ReadAsOf is Read as of the first snapshot records.
func (p *Projections) ReadAsOf(_ context.Context, t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error) {
	return p.readAsOf(t, id, snapshot)
}

// Identify tells of what resource the version at a position is.
func (p *Projections) Identify(position uint64) (domain.ResourceType, domain.LogicalID, error) {
	e, err := p.lookup(position)
	return e.Type, e.ID, err
}

// Resolve returns the position of the version of a resource that is current as
// of a snapshot; ok is false where there is none, or where it is a deletion.
func (p *Projections) Resolve(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (position uint64, ok bool, err error) {
	state, err := p.currentAsOf(t, id, snapshot)
	return state.Position, state.Exists && !state.Deleted, err
}

// currentAsOf is Current for any snapshot of the past: versions that were erased
// later, or were not kept, do not answer.
func (p *Projections) currentAsOf(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.State, error) {
	state, err := p.Current(t, id, snapshot)
	if err == nil && state.Exists && p.index.IsRemoved(state.Position) {
		return resource.State{}, nil
	}
	return state, err
}
