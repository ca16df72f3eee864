package searchindex

import (
	"cmp"
	"container/heap"
	"container/list"
	"math"
	"slices"
	"strconv"
	"sync"

	"fhirlog/domain/search"
)

// missing is the rank of a match without a value: before all others ascending,
// after all others descending.
const missing = math.MinInt64

// sortedPage finds one page of the matches in the order of the sort keys; equal
// ones stand in the order of positions. Cursors are places in that order.
func (e *evaluation) sortedPage(r search.PageRequest) (search.Page, error) {
	first := uint64(0)
	if r.HasCursor {
		first = r.Cursor
	}
	through := first + uint64(r.Count)
	id := ""
	if r.Query.Identity != "" {
		id = r.Query.Identity + "\x00" + strconv.FormatUint(r.Snapshot, 10)
	}
	whole, age, err := e.keptOrder(id)
	if err != nil {
		return search.Page{}, err
	}
	if whole == nil {
		matches, err := e.matches(r.Query)
		if err != nil {
			return search.Page{}, err
		}
		ordered, err := e.order(r.Query, matches, through)
		if err != nil {
			return search.Page{}, err
		}
		if total := matches.size(); len(ordered) < total {
			return partialPage(ordered, total, first, uint64(r.Count)), nil
		}
		whole = &wholeOrder{positions: ordered}
		e.x.sorted.put(keptOrder{id, ordered, e.horizon}, age)
	}
	return whole.page(first, r.Count), nil
}

// keptOrder is the order that an earlier page has left, if this one can use it.
func (e *evaluation) keptOrder(id string) (whole *wholeOrder, age uint64, err error) {
	kept, age, ok := e.x.sorted.get(id)
	if !ok {
		return nil, age, nil
	}
	gone, ok, err := e.x.removedAmong(kept.positions, kept.horizon, e.horizon)
	if err != nil || !ok {
		return nil, age, err
	}
	return &wholeOrder{kept.positions, gone}, age, nil
}

// wholeOrder is all matches in order. Places that are gone were removed since the
// order was found; they are passed over, so that cursors stay what they are.
type wholeOrder struct {
	positions []uint64
	gone      []int
}

func (o *wholeOrder) shows(place int) bool {
	_, gone := slices.BinarySearch(o.gone, place)
	return !gone
}

// page is the page of count matches from a place on.
func (o *wholeOrder) page(from uint64, count int) search.Page {
	page := search.Page{Total: len(o.positions) - len(o.gone)}
	first := int(min(from, uint64(len(o.positions))))
	for place := first; place < len(o.positions) && !page.HasNext; place++ {
		switch {
		case !o.shows(place):
		case len(page.Matches) == count:
			page.Next, page.HasNext = uint64(place), true
		default:
			page.Matches = append(page.Matches, o.positions[place])
		}
	}
	found := 0
	for place := first - 1; place >= 0 && found < count; place-- {
		if o.shows(place) {
			page.Previous, page.HasPrevious = uint64(place), true
			found++
		}
	}
	return page
}

// partialPage is a page at the end of the first ones of all matches.
func partialPage(ordered []uint64, total int, first, count uint64) search.Page {
	page := search.Page{Total: total}
	if first < uint64(len(ordered)) {
		page.Matches = ordered[first:]
	}
	if through := first + count; through < uint64(total) {
		page.Next, page.HasNext = through, true
	}
	if first > 0 {
		page.Previous, page.HasPrevious = first-min(first, count), true
	}
	return page
}

// matches finds all matches of a query.
func (e *evaluation) matches(q *search.Query) (result, error) {
	o, err := e.query(q)
	if err != nil {
		return nil, err
	}
	var all result
	err = e.walk(o, 0, false, func(block uint32, holds *set) (bool, error) {
		all = append(all, partOf(block, holds))
		return true, nil
	})
	return all, err
}

// order sorts matches; if there are many more than through, only the first ones
// up to there are given.
func (e *evaluation) order(q *search.Query, matches result, through uint64) ([]uint64, error) {
	done, err := e.x.turns.take(e.ctx, matches.size(), len(q.Sort))
	if err != nil {
		return nil, err
	}
	defer done()
	positions := make([]uint64, 0, matches.size())
	matches.each(func(position uint64) bool { positions = append(positions, position); return true })
	keys := make([]ranks, len(q.Sort))
	for i, key := range q.Sort {
		if keys[i], err = e.rank(key, q, matches, positions); err != nil {
			return nil, err
		}
	}
	compare := func(a, b int) int {
		for i := range keys {
			c := cmp.Compare(keys[i][a], keys[i][b])
			if q.Sort[i].Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	}
	var chosen []int
	if err := e.ctx.Err(); err != nil {
		return nil, err
	}
	if uint64(len(positions)) > 8*through {
		chosen = least(len(positions), int(through), compare)
	} else {
		chosen = make([]int, len(positions))
		for i := range chosen {
			chosen[i] = i
		}
	}
	slices.SortFunc(chosen, compare)
	ordered := make([]uint64, len(chosen))
	for i, at := range chosen {
		ordered[i] = positions[at]
	}
	return ordered, nil
}

// least finds the n smallest of the numbers below total.
func least(total, n int, compare func(a, b int) int) []int {
	h := &mostFirst{compare: compare}
	for i := range total {
		switch {
		case len(h.items) < n:
			heap.Push(h, i)
		case compare(i, h.items[0]) < 0:
			h.items[0] = i
			heap.Fix(h, 0)
		}
	}
	return h.items
}

// mostFirst is a heap with the greatest on top.
type mostFirst struct {
	items   []int
	compare func(a, b int) int
}

func (h *mostFirst) Len() int           { return len(h.items) }
func (h *mostFirst) Less(i, j int) bool { return h.compare(h.items[i], h.items[j]) > 0 }
func (h *mostFirst) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *mostFirst) Push(x any)         { h.items = append(h.items, x.(int)) }
func (h *mostFirst) Pop() any {
	last := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return last
}

// orderCachePositions bounds the orders kept in memory: 8 bytes each.
const orderCachePositions = 2 << 20

// orderCache keeps whole sorted results for the pages to come. What it gives
// must not be changed.
type orderCache struct {
	limit int

	mu        sync.Mutex // guards the fields below
	byID      map[string]*list.Element
	order     list.List // of *keptOrder, the latest used first
	positions int
	age       uint64 // counts how often all was dropped
}

type keptOrder struct {
	id        string
	positions []uint64
	horizon   uint64 // that it was found as of
}

func newOrderCache(limit int) *orderCache {
	return &orderCache{limit: limit, byID: map[string]*list.Element{}}
}

func (c *orderCache) get(id string) (kept keptOrder, age uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.byID[id]
	if at == nil {
		return kept, c.age, false
	}
	c.order.MoveToFront(at)
	return *at.Value.(*keptOrder), c.age, true
}

// put keeps an order, unless all was dropped since get was asked for it.
func (c *orderCache) put(kept keptOrder, age uint64) {
	if kept.id == "" || len(kept.positions) > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age != age || c.byID[kept.id] != nil {
		return
	}
	c.byID[kept.id] = c.order.PushFront(&kept)
	c.positions += len(kept.positions) + 64
	for c.positions > c.limit {
		last := c.order.Remove(c.order.Back()).(*keptOrder)
		delete(c.byID, last.id)
		c.positions -= len(last.positions) + 64
	}
}
