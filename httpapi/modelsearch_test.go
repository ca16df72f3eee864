package httpapi

import (
	"cmp"
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// The model is a Searcher as well: it looks at every resource and evaluates the
// expressions of a query over its index values, as they are defined.

var _ Searcher = (*model)(nil)

// Parameters is the set that the model extracts by.
func (m *model) Parameters() *search.Set { return m.set }

// Search counts cursors in matches.
func (m *model) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return search.Page{}, m.fail
	}
	m.asked = append(m.asked, r)
	w := m.at(r.Snapshot, r.Horizon)
	found := w.matches(r.Query)
	page := search.Page{Total: -1}
	if r.Total {
		page.Total = len(found)
	}
	from := min(int(r.Cursor), len(found))
	to := min(from+r.Count, len(found))
	for _, i := range found[from:to] {
		page.Matches = append(page.Matches, m.records[i].Position)
	}
	if r.Count > 0 {
		page.HasNext, page.Next = to < len(found), uint64(to)
		page.HasPrevious, page.Previous = from > 0, uint64(max(from-r.Count, 0))
	}
	if r.Query.Explain {
		page.Explain = []string{fmt.Sprintf("looked at %d resources", len(w.live)), fmt.Sprintf("found %d", len(found))}
	}
	return page, cmp.Or(w.err, ctx.Err())
}

// Include follows references from the matches, and from what is included where
// that iterates.
func (m *model) Include(ctx context.Context, r search.IncludeRequest) (search.Included, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.at(r.Snapshot, r.Horizon)
	var all search.Included
	seen := map[int]bool{}
	var from []int
	for _, position := range r.Matches {
		seen[int(position)] = true
		from = append(from, int(position))
	}
	for round := 0; len(from) > 0; round++ {
		var next []int
		for _, i := range from {
			for _, j := range w.includedBy(r.Query, i, round > 0) {
				switch {
				case !seen[j]:
					seen[j] = true
					next = append(next, j)
					all.Positions = append(all.Positions, uint64(j))
				case round > 0:
					all.Circular = true
				}
			}
		}
		from = next
	}
	all.Positions = all.Positions[min(r.Skip, len(all.Positions)):]
	all.More = len(all.Positions) > r.Limit
	all.Positions = all.Positions[:min(r.Limit, len(all.Positions))]
	return all, cmp.Or(w.err, ctx.Err())
}

// ReadAt tells onRead of its calls.
func (m *model) ReadAt(_ context.Context, position uint64) (resource.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onRead != nil {
		m.onRead(position)
	}
	switch {
	case position >= uint64(len(m.records)) || m.records[position].marker:
		panic("nothing at this position")
	case m.records[position].lost:
		return resource.Version{}, domain.NewError(domain.Unavailable, "its content is gone")
	}
	return m.records[position].Version, nil
}

func (m *model) ReadAsOf(_ context.Context, t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := int(min(snapshot, uint64(len(m.records)))) - 1; i >= 0; i-- {
		r := &m.records[i]
		switch {
		case r.Type != t || r.ID != id || !r.shows(m.horizon(0)):
		case r.Deleted:
			return resource.Version{}, &domain.Error{Kind: domain.Deleted, Issues: []domain.Issue{{Message: "was deleted"}}, Version: r.Version.Version}
		default:
			return r.Version, nil
		}
	}
	return resource.Version{}, domain.NewError(domain.NotFound, "was not there")
}
