package projections_test

import (
	"slices"

	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
)

// held is a search with its answer, as of a snapshot and a horizon: it has the same
// answer whatever is written, replaced, purged or erased afterwards.
type held struct {
	ask               search.Ask
	query             *search.Query
	snapshot, horizon uint64
	matches           []uint64
	first             []uint64 // whose includes were asked for
	included          []uint64 // in ascending order
}

// askAgain compares all answers that are held with what is found by now.
func (m *searchMachine) askAgain() {
	m.t.Helper()
	for _, h := range m.held {
		ctx := m.t.Context()
		pages, err := searchtest.Follow(func(r search.PageRequest) (search.Page, error) {
			r.Horizon = h.horizon
			return m.projections.Search(ctx, r)
		}, h.query, h.snapshot, 1+m.rand.IntN(20))
		if err != nil || !slices.Equal(pages.Matches, h.matches) || pages.Total != len(h.matches) {
			m.t.Fatalf("seed %d, as of %d, horizon %d, by now %d applied: %v %v: %v, total %d\ngot  %v\nwant %v",
				m.seed, h.snapshot, h.horizon, m.projections.Applied(), h.ask.Types, h.ask.Pairs, err, pages.Total, pages.Matches, h.matches)
		}
		for _, position := range h.matches {
			if _, err := m.projections.ReadAt(ctx, position); err != nil {
				m.t.Fatalf("seed %d: ReadAt(%d): %v", m.seed, position, err)
			}
		}
		m.again++
		if h.first == nil {
			continue
		}
		included, err := m.projections.Include(ctx, search.IncludeRequest{
			Query: h.query, Snapshot: h.snapshot, Horizon: h.horizon, Matches: h.first, Limit: 1 << 20,
		})
		got := slices.Sorted(slices.Values(included.Positions))
		if err != nil || !slices.Equal(got, h.included) {
			m.t.Fatalf("seed %d, as of %d, horizon %d, by now %d applied: includes of %v %v: %v\ngot  %v\nwant %v",
				m.seed, h.snapshot, h.horizon, m.projections.Applied(), h.ask.Types, h.ask.Pairs, err, got, h.included)
		}
	}
}
