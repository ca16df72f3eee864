package projections

import (
	"context"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
)

// InstanceHistory returns a page of the versions of one resource. It fails with
// a domain.Error of kind NotFound for an id that never existed or was erased.
func (p *Projections) InstanceHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	m := p.moment(q.Snapshot, q.Horizon)
	page, err := p.keptHistory(t, id, q)
	// The keys were read one after the other. Where nothing was removed meanwhile,
	// that is as if they had been read at once.
	removed, failed := m.index.RemovedSince(m.horizon, t, id)
	switch {
	case failed != nil:
		return resource.HistoryPage{}, failed
	case len(removed) > 0:
		return m.removedHistory(ctx, t, id, q)
	}
	return page, err
}

// keptHistory is the history of a resource of which nothing is removed meanwhile.
func (p *Projections) keptHistory(t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	row, found, err := current.Get(p.store, t, id)
	if err != nil {
		return resource.HistoryPage{}, err
	}
	if !found {
		return resource.HistoryPage{}, notFound(t)
	}
	chain := versionChain{projections: p, resourceType: t, id: id, row: row}
	if seen, err := chain.beganBefore(q.Snapshot); err != nil {
		return resource.HistoryPage{}, err
	} else if !seen {
		return resource.HistoryPage{}, notFound(t)
	}
	from, before := q.From, min(q.Before, q.Snapshot)
	if q.CurrentAt > 0 {
		if from, err = chain.startOfCurrentAt(q.CurrentAt); err != nil {
			return resource.HistoryPage{}, err
		}
	}
	total, err := chain.count(from, before)
	if err != nil {
		return resource.HistoryPage{}, err
	}
	positions, err := chain.collect(from, before, q)
	if err != nil {
		return resource.HistoryPage{}, err
	}
	return pageOf(positions, total, q), nil
}

// pageOf is the page of the positions that were collected, in the order asked for.
func pageOf(positions []uint64, total int, q resource.HistoryQuery) resource.HistoryPage {
	page := resource.HistoryPage{Positions: positions, Total: total}
	if page.More = len(positions) > q.Count; page.More {
		page.Positions = positions[:q.Count]
	}
	if q.Backward {
		slices.Reverse(page.Positions)
	}
	return page
}
