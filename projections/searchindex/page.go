package searchindex

import (
	"context"
	"fmt"
	"math"
	"time"

	"fhirlog/domain/search"
)

// Search finds one page of the matches of a query.
func (x *Index) Search(ctx context.Context, source Source, r search.PageRequest) (search.Page, error) {
	e := x.evaluation(ctx, source, r.Snapshot, r.Horizon)
	e.explaining = r.Query.Explain
	began := time.Now()
	page, err := e.page(r)
	if err != nil {
		return search.Page{}, err
	}
	if r.Query.Explain {
		page.Explain = append(e.steps, fmt.Sprintf("%d of the matches in %s; %d blocks of positions, %d of them in memory",
			len(page.Matches), time.Since(began).Round(time.Microsecond), e.blocks, len(e.heads)))
	}
	return page, nil
}

func (e *evaluation) page(r search.PageRequest) (search.Page, error) {
	down, byPosition := positionOrder(r.Query.Sort)
	if !byPosition && r.Count > 0 {
		return e.sortedPage(r)
	}
	o, err := e.query(r.Query)
	if err != nil {
		return search.Page{}, err
	}
	page := search.Page{Total: -1}
	if r.Total {
		if page.Total, err = e.count(o); err != nil {
			return page, err
		}
	}
	if r.Count == 0 {
		return page, nil
	}
	return page, e.fillPage(&page, o, r, down)
}

// query prepares all scopes of a query.
func (e *evaluation) query(q *search.Query) (operator, error) {
	parts := make(either, 0, len(q.Scopes))
	for _, scope := range q.Scopes {
		began := time.Now()
		o, err := e.typed(scope.Type, scope.Where)
		if err != nil {
			return nil, err
		}
		if q.Explain {
			e.explain(scope, o, time.Since(began))
		}
		parts = append(parts, o)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

// count counts all matches.
func (e *evaluation) count(o operator) (total int, err error) {
	if k, ok := o.(known); ok {
		return e.countKnown(k.result)
	}
	err = e.walk(o, 0, false, func(_ uint32, holds *set) (bool, error) {
		total += holds.count()
		return true, nil
	})
	return total, err
}

// countKnown counts the matches among positions that are there.
func (e *evaluation) countKnown(r result) (total int, err error) {
	live := new(set)
	for i := range r {
		if r[i].block >= e.blocks {
			break
		}
		if e.allLive(r[i].block) {
			total += r[i].size()
			continue
		}
		if err := e.liveIn(r[i].block, live); err != nil {
			return 0, err
		}
		if r[i].dense != nil {
			live.and(r[i].dense)
			total += live.count()
			continue
		}
		for _, low := range r[i].lows {
			if live.has(low) {
				total++
			}
		}
	}
	return total, e.ctx.Err()
}

// positionOrder says whether matches stand in the order of positions, and whether
// downwards: instants never decrease, so _lastUpdated is that order.
func positionOrder(keys []search.SortKey) (down, is bool) {
	if len(keys) == 0 {
		return false, true
	}
	return keys[0].Descending, keys[0].By == search.SortLastUpdated
}

// fillPage finds the matches from the cursor on, in the order of positions or
// against it, and where the pages beside begin.
func (e *evaluation) fillPage(page *search.Page, o operator, r search.PageRequest, down bool) error {
	start := r.Cursor
	switch {
	case !r.HasCursor && down:
		start = math.MaxUint64
	case !r.HasCursor:
		start = 0
	}
	err := e.scan(o, start, down, func(position uint64) bool {
		if len(page.Matches) == r.Count {
			page.Next, page.HasNext = position, true
			return false
		}
		page.Matches = append(page.Matches, position)
		return true
	})
	if err != nil || !r.HasCursor || start == 0 && !down {
		return err
	}
	before := start - 1
	if down {
		before = start + 1
	}
	found := 0
	return e.scan(o, before, !down, func(position uint64) bool {
		page.Previous, page.HasPrevious = position, true
		found++
		return found < r.Count
	})
}

// scan calls visit for the matches from a position on, upwards or downwards,
// until visit returns false.
func (e *evaluation) scan(o operator, start uint64, down bool, visit func(position uint64) bool) error {
	return e.walk(o, uint32(min(start/BlockSize, math.MaxUint32)), down, func(block uint32, holds *set) (bool, error) {
		first := uint64(block) * BlockSize
		if down {
			return holds.eachDown(func(low uint16) bool {
				position := first + uint64(low)
				return position > start || visit(position)
			}), nil
		}
		return holds.each(func(low uint16) bool {
			position := first + uint64(low)
			return position < start || visit(position)
		}), nil
	})
}

// Find lists the matches of a query as of a snapshot and a horizon, at most limit of
// them, in the order of positions.
func (x *Index) Find(ctx context.Context, source Source, q *search.Query, snapshot, horizon uint64, limit int) ([]uint64, error) {
	e := x.evaluation(ctx, source, snapshot, horizon)
	o, err := e.query(q)
	if err != nil {
		return nil, err
	}
	var found []uint64
	err = e.scan(o, 0, false, func(position uint64) bool {
		if len(found) < limit {
			found = append(found, position)
		}
		return len(found) < limit
	})
	return found, err
}
