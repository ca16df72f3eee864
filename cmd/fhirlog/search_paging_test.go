package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
)

// TestPagesUnderConcurrentWrites follows all pages of searches while others
// create, update and delete what they find. What the pages of a search show
// together must be exactly what was there at one moment between the request for
// the first page and its answer: nothing twice, nothing lost, every row in the
// version of that moment.
func TestPagesUnderConcurrentWrites(t *testing.T) {
	s := startServer(t, t.TempDir())
	b := newBench(t, s)
	var entries []string
	for i := range 300 {
		entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"Patient/p%d"}}`, pagedPatient(i, 0), i))
	}
	s.must(200, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)

	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range 3 {
		r := rand.New(rand.NewPCG(b.seed, uint64(w)))
		writers.Go(func() {
			for n := 1; !stop.Load() && !t.Failed(); n++ {
				writePaged(t, s, r, n)
			}
		})
	}
	var found []pagedSearch
	for i := 0; i < 28 || b.events() < 1000 && !t.Failed(); i++ {
		found = append(found, followPages(b, pagedSearches[i%len(pagedSearches)], 5+b.rand.IntN(20)))
	}
	stop.Store(true)
	writers.Wait()
	b.readWorld()
	for _, f := range found {
		b.checkMoment(f)
	}
	t.Logf("seed %d: %d searches while %d events were written", b.seed, len(found), b.snapshot)
	s.stop()
	checkProjections(t, s.data)
}

func pagedPatient(i, n int) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","active":%t,"name":[{"family":"F%d"}],"birthDate":"19%02d"}`, i, n%3 != 0, (i+n)%17, (i*7+n)%100)
}

// writePaged makes one change to a Patient.
func writePaged(t *testing.T, s *server, r *rand.Rand, n int) {
	i := r.IntN(360)
	method, body := "PUT", pagedPatient(i, n)
	if n%4 == 0 {
		method, body = "DELETE", ""
	}
	if a, err := s.ask(method, fmt.Sprintf("/Patient/p%d", i), body); err != nil || a.status >= 300 {
		t.Errorf("%s: %d, %v\n%s", method, a.status, err, a.body)
	}
}

var pagedSearches = [][]search.Pair{
	{},
	{{Name: "active", Value: "true"}},
	{{Name: "_sort", Value: "family"}},
	{{Name: "_sort", Value: "-birthdate,family"}},
	{{Name: "family", Value: "F1"}, {Name: "_sort", Value: "-_lastUpdated"}},
	{{Name: "active:not", Value: "true"}, {Name: "birthdate", Value: "ge1950"}},
	{{Name: "_sort", Value: "_id"}},
}

// pagedSearch is what all pages of a search showed together.
type pagedSearch struct {
	ask           search.Ask
	rows          []row
	total         string
	after, before uint64 // the events that were there before and after the first page
}

func followPages(b *bench, pairs []search.Pair, count int) pagedSearch {
	b.t.Helper()
	f := pagedSearch{ask: search.Ask{Types: pagedTypes, Pairs: pairs}}
	f.after = b.events()
	page := parseJSON(b.t, b.s.must(200, "GET", pathOf(f.ask, "_count", fmt.Sprint(count), "_total", "accurate"), "").body)
	f.before = b.events()
	f.total = string(page.Get("total").Raw())
	for {
		f.rows = append(f.rows, rows(page, "match")...)
		if total := string(page.Get("total").Raw()); total != f.total {
			b.t.Errorf("%v: total %s, and %s on the first page", pairs, total, f.total)
		}
		next := linkOf(page, "next")
		if next == "" {
			return f
		}
		page = parseJSON(b.t, b.s.must(200, "GET", strings.TrimPrefix(next, b.s.base), "").body)
	}
}

var pagedTypes = []domain.ResourceType{"Patient"}

// events is how many events the log holds.
func (b *bench) events() (n uint64) {
	b.t.Helper()
	page := parseJSON(b.t, b.s.must(200, "GET", "/_history?_count=0&_total=accurate", "").body)
	if _, err := fmt.Sscan(string(page.Get("total").Raw()), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// checkMoment looks for a moment at which the search finds what it did.
func (b *bench) checkMoment(f pagedSearch) {
	b.t.Helper()
	if len(slices.Compact(slices.Sorted(slices.Values(f.rows)))) != len(f.rows) || f.total != fmt.Sprint(len(f.rows)) {
		b.t.Errorf("%v: %d rows, some of them twice, or not the total of %s", f.ask.Pairs, len(f.rows), f.total)
		return
	}
	q, err := search.Parse(b.definitions, b.set, f.ask)
	if err != nil {
		b.t.Fatal(err)
	}
	var last []*searchtest.Version
	for snapshot := f.after; snapshot <= f.before; snapshot++ {
		if last, err = b.evaluator.Search(f.ask, q, snapshot); err != nil {
			b.t.Fatal(err)
		}
		if slices.Equal(rowsOf(last), f.rows) {
			return
		}
	}
	b.t.Errorf("seed %d: %v: the pages show what was there at no moment from event %d to %d\ngot  %v\nlast %v", b.seed, f.ask.Pairs, f.after, f.before, f.rows, rowsOf(last))
}
