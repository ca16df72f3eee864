package projections

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
	"fhirlog/projections/history"
)

// TypeHistory returns a page of the versions of all resources of a type, or of
// the whole system if t is empty. The total is left out (-1) for a query with
// CurrentAt, which must look at each version.
func (p *Projections) TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error) {
	m := p.moment(q.Snapshot, q.Horizon)
	from, before := q.From, min(q.Before, q.Snapshot)
	total := -1
	if q.CurrentAt > 0 {
		from = 0
	} else {
		var err error
		if total, err = p.history.Count(t, from, before, m.removedOf(t)); err != nil {
			return resource.HistoryPage{}, err
		}
	}
	positions, err := m.collect(ctx, t, from, before, q)
	if err != nil {
		return resource.HistoryPage{}, err
	}
	return pageOf(positions, total, q), nil
}

// removedOf is what was removed of a type beyond the horizon.
func (m moment) removedOf(t domain.ResourceType) history.Removed {
	return func() ([]uint64, error) {
		removals, err := m.index.RemovedSince(m.horizon, t, "")
		positions := make([]uint64, len(removals))
		for i := range removals {
			positions[i] = removals[i].Position
		}
		return positions, err
	}
}

// collect returns the positions of a page, one more than asked for if there are
// more.
func (m moment) collect(ctx context.Context, t domain.ResourceType, from, before uint64, q resource.HistoryQuery) ([]uint64, error) {
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
	err := m.history.Walk(t, from, before, down, m.removedOf(t), func(position uint64) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		wanted, err := m.wasCurrent(ctx, position, q.CurrentAt)
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
func (m moment) wasCurrent(ctx context.Context, position, at uint64) (bool, error) {
	if position >= at {
		return true, nil
	}
	e, err := m.identified(position)
	if err != nil {
		return false, err
	}
	row, found, err := current.Get(m.store, e.Type, e.ID)
	if err != nil {
		return false, err
	}
	start := at
	if found {
		chain := versionChain{projections: m.Projections, resourceType: e.Type, id: e.ID, row: row}
		start, err = chain.startOfCurrentAt(at)
	}
	// As in InstanceHistory.
	removed, failed := m.index.RemovedSince(m.horizon, e.Type, e.ID)
	switch {
	case failed != nil:
		return false, failed
	case len(removed) > 0:
		last, is, err := m.currentAt(ctx, e.Type, e.ID, at)
		return is && last == position, err
	}
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
