package projections_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
)

// effort is how many times the work of an ordinary run the tests do: the value of
// FHIRLOG_SEARCH_ROUNDS.
func effort(t testing.TB) int {
	value := os.Getenv("FHIRLOG_SEARCH_ROUNDS")
	if value == "" {
		return 1
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("FHIRLOG_SEARCH_ROUNDS is %q; right is a number of rounds", value)
	}
	return n
}

// seedOf is the seed of a round: FHIRLOG_SEARCH_SEED, or another at each run.
func seedOf(t testing.TB, round int) uint64 {
	if value := os.Getenv("FHIRLOG_SEARCH_SEED"); value != "" {
		seed, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed + uint64(round)
	}
	return uint64(time.Now().UnixNano())
}

// TestSearchAgreesWithThePlainEvaluator writes, deletes and erases generated
// resources through the real commit service, log and projections, with restarts
// in between. Random searches, at the head and as of past positions, must find
// what the plain evaluator finds; in the end a rebuild must give the same keys
// and values.
func TestSearchAgreesWithThePlainEvaluator(t *testing.T) {
	for round := range 3 * effort(t) {
		seed := seedOf(t, round)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newSearchMachine(t, seed)
			for range 5 {
				m.write(130)
				m.askAgain()
				m.restart()
				m.question(60)
			}
			m.finish()
			if m.again == 0 {
				t.Error("nothing was asked once more")
			}
		})
	}
}

// TestSearchBeyondOneBlock does the same with so many resources that the index
// has several blocks of positions.
func TestSearchBeyondOneBlock(t *testing.T) {
	for round := range effort(t) {
		seed := seedOf(t, round)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newSearchMachine(t, seed)
			m.write(120)
			m.fill(9000)
			m.write(60)
			m.fill(8000)
			m.write(120)
			m.question(40)
			m.write(60)
			if effort(t) > 1 { // until the block that the answers ended in is in the store
				m.fill(9000)
				m.write(60)
				m.fill(9000)
			}
			m.askAgain()
			m.restart()
			m.question(40)
			m.finish()
		})
	}
}

// mostFaults is after how many differences a round ends.
const mostFaults = 5

// question asks until n searches were compared, some of them as of the past.
func (m *searchMachine) question(n int) {
	m.t.Helper()
	for asked := 0; asked < n && m.faults < mostFaults; {
		snapshot := m.projections.Applied()
		if m.rand.IntN(3) == 0 {
			snapshot = 1 + uint64(m.rand.IntN(int(snapshot)))
		}
		if len(m.world.Live(snapshot)) == 0 {
			continue
		}
		m.maker.Look(snapshot)
		m.readBack(snapshot)
		for range 10 {
			ask := m.maker.Ask()
			q, err := search.Parse(m.definitions, m.projections.Parameters(), ask)
			if err != nil {
				if domain.KindOf(err) == domain.Internal {
					m.t.Fatalf("seed %d: Parse(%v): %v", m.seed, ask.Pairs, err)
				}
				m.refused++
				m.refusals = append(m.refusals, fmt.Sprint(ask.Types, ask.Pairs, err))
				continue
			}
			m.compare(ask, q, snapshot)
			asked++
			m.asked++
		}
	}
}

// readBack reads some resources as of a snapshot: versions that were erased later
// do not answer.
func (m *searchMachine) readBack(snapshot uint64) {
	m.t.Helper()
	for range 20 {
		t, id := m.generator.Type(), m.generator.ID()
		v, err := m.projections.ReadAsOf(m.t.Context(), t, id, snapshot)
		want := m.world.Current(t, id, snapshot)
		switch {
		case want == nil && domain.KindOf(err) != domain.NotFound && domain.KindOf(err) != domain.Deleted,
			want != nil && (err != nil || v.Position != want.Position || v.Version != want.Number):
			m.faults++
			m.t.Errorf("seed %d: ReadAsOf(%s/%s, %d of %d) = version %d at %d, %v; want %v", m.seed, t, id, snapshot, m.projections.Applied(), v.Version, v.Position, err, want)
		}
	}
}

// compare holds one search against the plain evaluator.
func (m *searchMachine) compare(ask search.Ask, q *search.Query, snapshot uint64) {
	m.t.Helper()
	fault := func(format string, args ...any) {
		m.faults++
		m.t.Errorf("seed %d, as of %d of %d: %v %s %v\n%s", m.seed, snapshot, m.projections.Applied(), ask.Types, ask.Compartment, ask.Pairs, fmt.Sprintf(format, args...))
	}
	matches, err := m.evaluator.Search(ask, q, snapshot)
	if err != nil {
		fault("%v", err)
		return
	}
	want := searchtest.Positions(matches)
	if len(want) > 0 {
		m.found++
	}
	ctx := m.t.Context()
	find := func(r search.PageRequest) (search.Page, error) { return m.projections.Search(ctx, r) }
	count := 1 + m.rand.IntN(50) + len(want)/10
	pages, err := searchtest.Follow(find, q, snapshot, count)
	if err != nil || pages.Total != len(want) || !slices.Equal(pages.Matches, want) {
		fault("pages of %d: %v, total %d\ngot  %v\nwant %v\n%s", count, err, pages.Total, pages.Matches, want, m.difference(matches, pages.Matches))
		return
	}
	limit := 1 + m.rand.IntN(20)
	found, err := m.projections.Find(ctx, q, snapshot, limit)
	sorted := slices.Sorted(slices.Values(want))
	if err != nil || !slices.EqualFunc(found, sorted[:min(limit, len(sorted))], func(f search.Found, p uint64) bool { return f.Position == p }) {
		fault("Find: %v, %v; want the first %d of %v", found, err, limit, sorted)
	}
	h := held{ask: ask, query: q, snapshot: snapshot, horizon: m.projections.Applied(), matches: want}
	defer func() { m.held = append(m.held, h) }()
	if len(q.Include)+len(q.RevInclude) == 0 {
		return
	}
	included, err := m.projections.Include(ctx, search.IncludeRequest{Query: q, Snapshot: snapshot, Matches: pages.First, Limit: 1 << 20})
	wanted, fails := m.evaluator.Includes(q, matches[:len(pages.First)], snapshot)
	got := slices.Sorted(slices.Values(included.Positions))
	h.first, h.included = pages.First, got
	if err := errors.Join(err, fails); err != nil || included.More || !slices.Equal(got, searchtest.Positions(wanted)) {
		fault("Include: %v\nof   %v\ngot  %v\nwant %v\n%s", err, pages.First, got, searchtest.Positions(wanted), m.difference(wanted, got))
	}
}

// difference shows the first version that only one side has.
func (m *searchMachine) difference(matches []*searchtest.Version, got []uint64) string {
	for _, v := range matches {
		if !slices.Contains(got, v.Position) {
			return fmt.Sprintf("not found: %d %s\n", v.Position, v.Resource.Raw())
		}
	}
	for _, p := range got {
		if !slices.ContainsFunc(matches, func(v *searchtest.Version) bool { return v.Position == p }) {
			v, err := m.projections.ReadAt(m.t.Context(), p)
			return fmt.Sprintf("found wrongly: %d %s %v\n", p, v.Body, err)
		}
	}
	for i, v := range matches {
		if v.Position != got[i] {
			other, err := m.projections.ReadAt(m.t.Context(), got[i])
			return fmt.Sprintf("in place %d stands not %s\nbut %s %v\n", i, v.Resource.Raw(), other.Body, err)
		}
	}
	return ""
}
