package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// entriesOf reads the versions of a page.
func entriesOf(p *Projections, page resource.HistoryPage) ([]resource.Version, error) {
	entries := make([]resource.Version, len(page.Positions))
	for i, position := range page.Positions {
		var err error
		if entries[i], err = p.ReadAt(context.Background(), position); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// TestTooMuchRemoved: an answer of a moment that is not known any more is refused, it
// is not another one.
func TestTooMuchRemoved(t *testing.T) {
	log := newScript()
	for range 66_000 { // more than are kept
		log.commit(replaceVersion("Basic", "a"))
	}
	log.commit(write("Basic", "b"))
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	defer stop()
	catchUp(t, p)
	now := all(p, 10)
	now.Horizon = now.Snapshot
	if page, err := p.TypeHistory(t.Context(), "Basic", now); err != nil || page.Total != 2 {
		t.Errorf("now: %+v, %v", page, err)
	}
	for name, ask := range map[string]func() (resource.HistoryPage, error){
		"type": func() (resource.HistoryPage, error) {
			return p.TypeHistory(t.Context(), "Basic", resource.HistoryQuery{Snapshot: 100, Before: 100, Horizon: 100, Count: 1})
		},
		"instance": func() (resource.HistoryPage, error) {
			return p.InstanceHistory(t.Context(), "Basic", "a", resource.HistoryQuery{Snapshot: 100, Before: 100, Horizon: 100, Count: 1})
		},
	} {
		if page, err := ask(); domain.KindOf(err) != domain.Unavailable {
			t.Errorf("history of the %s: %+v, %v; want Unavailable", name, page, errors.Unwrap(err))
		}
	}
}

// TestSortedPagesAfterAnErasure: the order that the first page has found serves the
// pages that follow. What was erased since is passed over, and nothing else.
func TestSortedPagesAfterAnErasure(t *testing.T) {
	log := newScript()
	for i := range 12 {
		log.commit(write("Patient", domain.LogicalID(fmt.Sprintf("p%02d", (i*7)%12))))
	}
	p := open(t, log, t.TempDir())
	stop := run(t, p)
	defer stop()
	catchUp(t, p)
	snapshot := p.Applied()
	q, err := search.Parse(p.definitions, p.Parameters(), search.Ask{
		Types: []domain.ResourceType{"Patient"}, Pairs: []search.Pair{{Name: "_sort", Value: "_id"}}, MostCount: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	check := func(horizon, cursor uint64, total int, want string) search.Page {
		t.Helper()
		page, err := p.Search(t.Context(), search.PageRequest{
			Query: q, Snapshot: snapshot, Horizon: horizon, Cursor: cursor, HasCursor: cursor > 0, Count: 3, Total: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, position := range page.Matches {
			_, id, err := p.Identify(position)
			if err != nil {
				t.Fatal(err)
			}
			got += string(id) + " "
		}
		if got != want || page.Total != total {
			t.Fatalf("as of horizon %d from place %d: %s of %d; want %s of %d", horizon, cursor, got, page.Total, want, total)
		}
		return page
	}
	second := check(snapshot, 0, 12, "p00 p01 p02 ").Next
	log.commit(erase("Patient", "p01"))
	catchUp(t, p)
	later := p.Applied()
	log.commit(erase("Patient", "p04"), replaceVersion("Patient", "p10"), purge("Patient", "p03"))
	catchUp(t, p)
	now := p.Applied()
	check(snapshot, second, 12, "p03 p04 p05 ")
	check(later, second, 11, "p03 p04 p05 ")
	page := check(now, second, 9, "p03 p05 p06 ")
	if !page.HasPrevious {
		t.Error("there is no page before the second one")
	}
	check(now, page.Previous, 9, "p00 p02 p03 ")
	page = check(now, page.Next, 9, "p07 p08 p09 ")
	if page = check(now, page.Next, 9, "p11 "); page.HasNext {
		t.Error("there is a page after the last one")
	}
	check(later, 0, 11, "p00 p02 p03 ")
	check(snapshot, 0, 12, "p00 p01 p02 ")
	p.index.Forget(nil)
	check(now, 0, 9, "p00 p02 p03 ")
	check(snapshot, 0, 12, "p00 p01 p02 ") // which the order of later lacks
}

// TestAMomentOutlivesARebuild: projections that take over while an answer is made give
// it the same, as they have applied the same removals.
func TestAMomentOutlivesARebuild(t *testing.T) {
	log := newScript()
	log.commit(write("Basic", "a"), write("Basic", "b"), write("Basic", "a"))
	l, rebuilt, err := OpenLive(log, testOptions(t.TempDir()+"/projections"))
	if err != nil || rebuilt != nil {
		t.Fatal(rebuilt, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, l.Close()); err != nil {
			t.Error(err)
		}
	}()
	if err := l.WaitApplied(ctx, 3); err != nil {
		t.Fatal(err)
	}
	q := resource.HistoryQuery{Snapshot: 3, Horizon: 3, Before: 3, Count: 10, Ascending: true}
	check := func(when string) {
		t.Helper()
		if page, err := l.TypeHistory(ctx, "Basic", q); err != nil || page.Total != 3 || !slices.Equal(page.Positions, []uint64{0, 1, 2}) {
			t.Errorf("%s: history of the type: %+v, %v", when, page, err)
		}
		page, err := l.InstanceHistory(ctx, "Basic", "a", q)
		if err != nil || page.Total != 2 || !slices.Equal(page.Positions, []uint64{0, 2}) {
			t.Errorf("%s: history of the resource: %+v, %v", when, page, err)
		}
		for _, position := range page.Positions {
			if _, err := l.ReadAt(ctx, position); err != nil {
				t.Errorf("%s: ReadAt(%d): %v", when, position, err)
			}
		}
	}
	check("at first")
	log.commit(erase("Basic", "a"))
	if err := l.WaitApplied(ctx, 4); err != nil {
		t.Fatal(err)
	}
	check("after the erasure")
	if _, err := l.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	check("after the rebuild")
	if page, err := l.InstanceHistory(ctx, "Basic", "a", resource.HistoryQuery{Snapshot: 4, Before: 4, Count: 10}); domain.KindOf(err) != domain.NotFound {
		t.Errorf("who asks now finds %+v, %v", page, err)
	}
}
