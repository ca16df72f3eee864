package projections

import (
	"cmp"
	"context"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
)

// removedHistory is the history of a resource of which something was removed beyond
// the horizon. It goes through all versions, in memory for one page.
func (m moment) removedHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	from := q.From
	if q.CurrentAt > 0 {
		start, is, err := m.currentAt(ctx, t, id, q.CurrentAt)
		if err != nil {
			return resource.HistoryPage{}, err
		}
		if from = q.CurrentAt; is {
			from = start
		}
	}
	c := collector{query: q, from: from, before: min(q.Before, q.Snapshot)}
	if err := m.eachVersion(ctx, t, id, c.add); err != nil {
		return resource.HistoryPage{}, err
	}
	if !c.any {
		// What was there may have been removed before the horizon.
		if state, err := m.state(t, id); err != nil || !state.Exists {
			return resource.HistoryPage{}, cmp.Or(err, notFound(t))
		}
	}
	return pageOf(c.page(), c.total, q), nil
}

// currentAt returns the version that was current at the moment of position at-1; is
// is false where there was none, or where that was a deletion.
func (m moment) currentAt(ctx context.Context, t domain.ResourceType, id domain.LogicalID, at uint64) (position uint64, is bool, err error) {
	err = m.eachVersion(ctx, t, id, func(p uint64) {
		if p < at {
			position, is = p, true
		}
	})
	if err != nil || !is {
		return 0, false, err
	}
	e, err := m.lookup(position)
	return position, err == nil && e.Kind != event.Deleted, err
}

// eachVersion calls visit for the versions of a resource, in their order.
func (m moment) eachVersion(ctx context.Context, t domain.ResourceType, id domain.LogicalID, visit func(position uint64)) error {
	row, found, err := current.Get(m.store, t, id)
	if err != nil {
		return err
	}
	// The versions that the scan may not come to, in order. They are asked for when
	// the scan has begun, which reads the keys as of that time: what is not among the
	// keys then is among these.
	var others []uint64
	var failed error
	asked := false
	askOthers := func() bool {
		asked = true
		removals, err := m.index.RemovedSince(m.horizon, t, id)
		failed = err
		for _, r := range removals {
			others = append(others, r.Position)
		}
		if found {
			others = append(others, row.Position)
		}
		slices.Sort(others)
		others = slices.DeleteFunc(slices.Compact(others), func(p uint64) bool { return p >= m.snapshot })
		return err == nil
	}
	err = current.OldVersions(m.store, t, id, 0, false, func(_ domain.VersionID, position uint64) bool {
		if !asked && !askOthers() || position >= m.snapshot || ctx.Err() != nil {
			return false
		}
		for len(others) > 0 && others[0] < position {
			visit(others[0])
			others = others[1:]
		}
		if len(others) > 0 && others[0] == position {
			others = others[1:]
		}
		visit(position)
		return true
	})
	if err == nil && !asked {
		askOthers()
	}
	for _, position := range others {
		visit(position)
	}
	return cmp.Or(err, failed, ctx.Err())
}

// collector gathers a page of a history out of all its positions, which come in
// their order.
type collector struct {
	query        resource.HistoryQuery
	from, before uint64
	any          bool     // there was any version
	total        int      // within the bounds
	last         []uint64 // of the page, and perhaps some before
}

func (c *collector) add(position uint64) {
	c.any = true
	if position < c.from || position >= c.before {
		return
	}
	c.total++
	q, most := &c.query, c.query.Count+1
	switch {
	case q.Count == 0:
	case walksDown(*q):
		if q.HasStart && position > q.Start {
			return
		}
		if len(c.last) == 2*most {
			c.last = append(c.last[:0], c.last[most:]...)
		}
		c.last = append(c.last, position)
	case (!q.HasStart || position >= q.Start) && len(c.last) < most:
		c.last = append(c.last, position)
	}
}

// page returns the positions of the page in the direction of the walk, one more than
// asked for if there are more.
func (c *collector) page() []uint64 {
	if !walksDown(c.query) {
		return c.last
	}
	last := c.last[max(0, len(c.last)-c.query.Count-1):]
	slices.Reverse(last)
	return last
}
