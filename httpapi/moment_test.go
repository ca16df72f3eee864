package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// between runs something once between two steps of an answer: after a search, after
// its includes, after the page of a history.
type between struct {
	*model
	act func()
}

func (b *between) then() {
	if act := b.act; act != nil {
		b.act = nil
		act()
	}
}

func (b *between) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	defer b.then()
	return b.model.Search(ctx, r)
}

func (b *between) Include(ctx context.Context, r search.IncludeRequest) (search.Included, error) {
	defer b.then()
	return b.model.Include(ctx, r)
}

func (b *between) InstanceHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	defer b.then()
	return b.model.InstanceHistory(ctx, t, id, q)
}

func (b *between) TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error) {
	defer b.then()
	return b.model.TypeHistory(ctx, t, q)
}

// interrupted is a service whose answers are made in steps that a test comes between.
func interrupted(t *testing.T) (*service, *between) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	b := &between{model: newModel(d)}
	s, err := New(Dependencies{Writer: b, Reader: b, Searcher: b, Definitions: d},
		Options{Clock: b.now, NewID: func() string { return "request-1" }})
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, s: s, model: b.model}, b
}

// TestOneAnswerIsOfOneMoment: what is erased while an answer is made is in it still,
// as its total says; who asks after the erasure sees nothing of it.
func TestOneAnswerIsOfOneMoment(t *testing.T) {
	const others = 30 // more than are sent at once
	sv, b := interrupted(t)
	for i := range others {
		sv.do(fmt.Sprintf("PUT /fhir/Patient/p%02d", i), patient(fmt.Sprintf("p%02d", i), "")).want(201)
	}
	count := func(a *answer) (entries int) {
		for a.at("entry", entries) != nil {
			entries++
		}
		return entries
	}
	for _, c := range []struct {
		name, path    string
		before, after int     // entries
		total         float64 // of before; -1: none is told
	}{
		{"a search", "/Patient?_count=100", others + 1, others, others + 1},
		{"a total alone", "/Patient?_summary=count", 0, 0, others + 1},
		{"a page and its total", "/Patient?_count=25&_sort=-_lastUpdated&_total=accurate", 25, 25, others + 1},
		{"a match and what it includes", "/Observation?_include=Observation:subject", 2, 1, 1},
		{"a match and what includes it", "/Patient?_id=p00,a&_revinclude=Observation:subject", 3, 1, 2},
		{"a history of a type", "/Patient/_history?_count=100", others + 2, others, others + 2},
		{"a history of a type, as of a moment", "/Patient/_history?_count=100&_at=2030", others + 1, others, -1},
		{"a history of a resource", "/Patient/a/_history", 2, -1, 2},
		{"a history of all", "/_history?_count=10&_sort=_lastUpdated", 10, 10, others + 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			sv := &service{t: t, s: sv.s, model: sv.model}
			sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
			sv.do("PUT /fhir/Patient/a", patient("a", `"active":true`)).want(200)
			sv.do("PUT /fhir/Observation/o", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"}}`).want(201)
			erased := false
			b.act = func() {
				sv.do("DELETE /fhir/Patient/a?_hardDelete=true").want(204)
				erased = true
			}
			a := sv.do("GET /fhir" + c.path).want(200)
			if !erased {
				t.Fatal("nothing came between")
			}
			if n := count(a); n != c.before {
				t.Errorf("%d entries, want %d", n, c.before)
			}
			if total := a.at("total"); c.total >= 0 && total != c.total || c.total < 0 && total != nil {
				t.Errorf("total %v, want %v", total, c.total)
			}
			if c.after < 0 {
				sv.do("GET /fhir"+c.path).want(404, "not-found")
			} else if n := count(sv.do("GET /fhir" + c.path).want(200)); n != c.after {
				t.Errorf("%d entries after the erasure, want %d", n, c.after)
			}
			sv.do("DELETE /fhir/Observation/o?_hardDelete=true").want(204)
		})
	}
}

// TestPagesAfterAnErasure: the pages that follow leave out what was erased since, and
// nothing else.
func TestPagesAfterAnErasure(t *testing.T) {
	sv := newService(t, Options{})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		sv.do("PUT /fhir/Patient/"+id, patient(id, "")).want(201)
	}
	page := sv.do("GET /fhir/Patient/_history?_count=2&_sort=_lastUpdated").wantVersions("a/1", "b/1").wantAt(5.0, "total")
	sv.do("DELETE /fhir/Patient/c?_hardDelete=true").want(204)
	page = sv.do("GET "+page.link("next")).wantVersions("d/1", "e/1").wantAt(4.0, "total")
	sv.do("GET "+page.link("previous")).wantVersions("a/1", "b/1")
}

// TestContentThatIsGone: a compaction may take the content of what was erased while
// an answer is under way. Then the answer is refused, or broken off: it never shows
// less than its total.
func TestContentThatIsGone(t *testing.T) {
	sv := newService(t, Options{})
	for i := range 40 {
		sv.do(fmt.Sprintf("PUT /fhir/Basic/b%d", i), basic(fmt.Sprint("b", i))).want(201)
	}
	sv.model.records[30].lost = true
	for _, path := range []string{"/Basic", "/Basic/_history?_count=50", "/Basic/b30/_history", "/Basic?_count=50"} {
		if path == "/Basic" { // ten of them
			sv.do("GET /fhir" + path).want(200)
			continue
		}
		sv.do("GET /fhir"+path).want(503, "processing").header("Retry-After", "1").header("Etag", "")
	}
	t.Run("when a part is sent", func(t *testing.T) {
		sv.s.searcher = &oddSearcher{Searcher: sv.model, readAt: func(_ int, v *resource.Version) error {
			v.Body = append([]byte(`{"x":"`+fmt.Sprintf("%010000d", 0)+`",`), v.Body[1:]...)
			v.MetaAt += 10_007 - 1
			return nil
		}}
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("half an answer looks whole: the connection must be broken off")
			}
		}()
		sv.do("GET /fhir/Basic?_count=50")
	})
}
