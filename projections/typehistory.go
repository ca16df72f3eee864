package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
)

// TypeHistory returns a page of the versions of all resources of a type, or of
// the whole system if t is empty. The total is left out (-1) for a query with
// CurrentAt, which must look at each version.
func (p *Projections) TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error) {
	from, before := q.From, min(q.Before, q.Snapshot)
	total := -1
	if q.CurrentAt > 0 {
		from = 0
	} else {
		var err error
		if total, err = p.history.Count(t, from, before); err != nil {
			return resource.HistoryPage{}, err
		}
	}
	positions, err := p.collect(ctx, t, from, before, q)
	if err != nil {
		return resource.HistoryPage{}, err
	}
	return p.page(positions, total, q)
}

// collect returns the positions of a page, one more than asked for if there are
// more.
func (p *Projections) collect(ctx context.Context, t domain.ResourceType, from, before uint64, q resource.HistoryQuery) ([]uint64, error) {
	if q.Count == 0 {
		return nil, nil
	}
	down := walksDown(q)
	if q.HasStart && down {
		before = min(before, q.Start+1)
	} else if q.HasStart {
		from = max(from, q.Start)
	}
	var positions []uint64
	err := p.history.Walk(t, from, before, down, func(position uint64) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		wanted, err := p.wasCurrent(position, q.CurrentAt)
		if err != nil {
			return false, err
		}
		if wanted {
			positions = append(positions, position)
		}
		return len(positions) <= q.Count, nil
	})
	return positions, err
}

// wasCurrent says whether the version written at position was current at some
// moment from position at-1 on; always, if at is zero.
func (p *Projections) wasCurrent(position, at uint64) (bool, error) {
	if position >= at {
		return true, nil
	}
	e, err := p.lookup(position)
	if err != nil {
		return false, err
	}
	row, found, err := current.Get(p.store, e.Type, e.ID)
	if err != nil || !found {
		return false, err
	}
	chain := versionChain{projections: p, resourceType: e.Type, id: e.ID, row: row}
	start, err := chain.startOfCurrentAt(at)
	return start == position, err
}

// Before returns the number of records that were written before an instant, in
// milliseconds since 1970 UTC. It fails when the log cannot be read.
func (p *Projections) Before(instant int64) (uint64, error) {
	last, ok, err := p.log.PositionAt(instant - 1)
	if err != nil || !ok {
		return 0, err
	}
	return uint64(last) + 1, nil
}
