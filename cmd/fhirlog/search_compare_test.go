package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/domain/search/searchtest"
)

// mostFollowed is up to how many matches all pages of a search are read; of more
// the first pages are.
const mostFollowed = 2000

// questions compares n random searches over HTTP with the plain evaluator.
func (b *bench) questions(n int) {
	b.t.Helper()
	for range n {
		if b.t.Failed() {
			return
		}
		b.compare(b.maker.Ask(), b.snapshot)
	}
	b.t.Logf("seed %d: %d searches compared, %d of them with matches; %d questions were no search, as the server said too", b.seed, b.asked, b.found, b.refused)
	if b.found*6 < b.asked || b.refused > b.asked {
		b.t.Errorf("seed %d: the questions are not good enough", b.seed)
	}
}

// compare holds one search as of a snapshot against the plain evaluator.
func (b *bench) compare(ask search.Ask, snapshot uint64) {
	b.t.Helper()
	q, err := search.Parse(b.definitions, b.set, ask)
	if err != nil {
		if domain.KindOf(err) == domain.Internal {
			b.t.Fatalf("seed %d: Parse(%v): %v", b.seed, ask.Pairs, err)
		}
		b.refused++
		if a, failed := b.s.ask("GET", pathOf(ask), ""); failed != nil || a.status != 400 && a.status != 404 {
			b.t.Errorf("seed %d: GET %s: %d, %v, and parsing it fails with %v", b.seed, pathOf(ask), a.status, failed, err)
		}
		return
	}
	b.asked++
	want, err := b.evaluator.Search(ask, q, snapshot)
	if err != nil {
		b.t.Fatalf("seed %d: %v: %v", b.seed, ask.Pairs, err)
	}
	if len(want) > 0 {
		b.found++
	}
	c := &comparison{bench: b, ask: ask, query: q, snapshot: snapshot, want: want, count: 1 + b.rand.IntN(40) + len(want)/8}
	if len(q.Include)+len(q.RevInclude) > 0 {
		c.count = 1 + b.rand.IntN(10)
	}
	c.count = min(c.count, 1000)
	c.run()
}

// comparison is one search that is compared.
type comparison struct {
	*bench
	ask      search.Ask
	query    *search.Query
	snapshot uint64
	want     []*searchtest.Version
	count    int
}

func (c *comparison) run() {
	c.t.Helper()
	path := pathOf(c.ask, "_count", fmt.Sprint(c.count), "_total", "accurate")
	if c.snapshot < c.bench.snapshot {
		path += "&_asOf=" + fmt.Sprint(c.snapshot-1)
	}
	page := c.get(path)
	want, number := rowsOf(c.want), 0
	var got []row
	for {
		matches := rows(page, "match")
		from := len(got)
		got = append(got, matches...)
		if total := string(page.Get("total").Raw()); total != fmt.Sprint(len(want)) {
			c.fault(path, "page %d: total %s, want %d%s", number, total, len(want), c.difference(got))
			return
		}
		if len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			c.fault(path, "page %d:\ngot  %v\nwant %v%s", number, matches, want[min(from, len(want)):min(len(got), len(want))], c.difference(got))
			return
		}
		c.compareIncludes(path, page, c.want[from:len(got)])
		next := linkOf(page, "next")
		if next == "" || number > 2 && len(want) > mostFollowed {
			break
		}
		number++
		page = c.get(strings.TrimPrefix(next, c.s.base))
	}
	if linkOf(page, "next") == "" && len(got) != len(want) {
		c.fault(path, "%d matches on all pages, want %d", len(got), len(want))
	}
}

// get asks for a page; of the first one sometimes by POST.
func (c *comparison) get(path string) fhirjson.Value {
	c.t.Helper()
	before, query, _ := strings.Cut(path, "?")
	if c.rand.IntN(5) == 0 && !strings.Contains(query, "ct=") && !strings.HasSuffix(before, "*") {
		return parseJSON(c.t, c.s.must(200, "POST", strings.TrimSuffix(before, "/")+"/_search", query, "Content-Type: application/x-www-form-urlencoded").body)
	}
	return parseJSON(c.t, c.s.must(200, "GET", path, "").body)
}

// compareIncludes compares what one page includes, unless it is too much.
func (c *comparison) compareIncludes(path string, page fhirjson.Value, matches []*searchtest.Version) {
	c.t.Helper()
	included, err := c.evaluator.Includes(c.query, matches, c.snapshot)
	if err != nil {
		c.t.Fatal(err)
	}
	if got, want := rows(page, "include"), rowsOf(included); len(want) <= 1000 && !sameRows(got, want) {
		c.fault(path, "included\ngot  %v\nwant %v", got, want)
	}
}

func (c *comparison) fault(path, format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("seed %d: GET %s\n%s", c.seed, path, fmt.Sprintf(format, args...))
}

// difference shows the first resource that was expected and not found, or found
// and not expected.
func (c *comparison) difference(got []row) string {
	want := rowsOf(c.want)
	for _, found := range got {
		if !slices.Contains(want, found) {
			return "\nfound wrongly: " + found
		}
	}
	for i, v := range c.want[:min(len(got)+1, len(want))] {
		if !slices.Contains(got, want[i]) {
			return fmt.Sprintf("\nnot found: %.3000s", v.Resource.Raw())
		}
	}
	return ""
}

// pathOf writes a search as a URL below the base, with more parameters.
func pathOf(ask search.Ask, more ...string) string {
	path := "/"
	if ask.Compartment != "" {
		path += string(ask.Compartment) + "/" + string(ask.CompartmentID) + "/"
		if len(ask.Types) == 0 {
			path += "*"
		}
	}
	if len(ask.Types) > 0 {
		path += string(ask.Types[0])
	}
	var query []string
	for _, pair := range ask.Pairs {
		query = append(query, url.QueryEscape(pair.Name)+"="+url.QueryEscape(pair.Value))
	}
	for i := 0; i < len(more); i += 2 {
		query = append(query, url.QueryEscape(more[i])+"="+url.QueryEscape(more[i+1]))
	}
	return path + "?" + strings.Join(query, "&")
}
