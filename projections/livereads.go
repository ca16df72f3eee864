package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// The methods below are those of Projections, answered by the generation that
// answers now.

// Current returns the state of a resource as of a snapshot.
func (l *Live) Current(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.State, error) {
	return hear(l.enter(), func(p *Projections) (resource.State, error) { return p.Current(t, id, snapshot) })
}

// Read returns the current version of a resource.
func (l *Live) Read(ctx context.Context, t domain.ResourceType, id domain.LogicalID) (resource.Version, error) {
	return ask(ctx, l, func(p *Projections) (resource.Version, error) { return p.Read(ctx, t, id) })
}

// ReadVersion returns one version of a resource.
func (l *Live) ReadVersion(ctx context.Context, t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (resource.Version, error) {
	return ask(ctx, l, func(p *Projections) (resource.Version, error) { return p.ReadVersion(ctx, t, id, v) })
}

// ReadAt returns the version at a position.
func (l *Live) ReadAt(ctx context.Context, position uint64) (resource.Version, error) {
	return ask(ctx, l, func(p *Projections) (resource.Version, error) { return p.ReadAt(ctx, position) })
}

// ReadAsOf is Read as of a snapshot.
func (l *Live) ReadAsOf(ctx context.Context, t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error) {
	return ask(ctx, l, func(p *Projections) (resource.Version, error) { return p.ReadAsOf(ctx, t, id, snapshot) })
}

// InstanceHistory returns a page of the versions of one resource.
func (l *Live) InstanceHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	return ask(ctx, l, func(p *Projections) (resource.HistoryPage, error) { return p.InstanceHistory(ctx, t, id, q) })
}

// TypeHistory returns a page of the versions of all resources of a type, or of
// the whole system.
func (l *Live) TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error) {
	return ask(ctx, l, func(p *Projections) (resource.HistoryPage, error) { return p.TypeHistory(ctx, t, q) })
}

// Before returns the number of records that were written before an instant. The
// log alone tells.
func (l *Live) Before(instant int64) (uint64, error) { return l.answering().p.Before(instant) }

// Search finds one page of the matches of a query as of a snapshot.
func (l *Live) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	return ask(ctx, l, func(p *Projections) (search.Page, error) { return p.Search(ctx, r) })
}

// Find returns what matches a query as of a snapshot, in the order of positions.
func (l *Live) Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	return ask(ctx, l, func(p *Projections) ([]search.Found, error) { return p.Find(ctx, q, snapshot, limit) })
}

// Include finds what a page of matches includes.
func (l *Live) Include(ctx context.Context, r search.IncludeRequest) (search.Included, error) {
	return ask(ctx, l, func(p *Projections) (search.Included, error) { return p.Include(ctx, r) })
}
