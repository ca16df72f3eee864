package httpapi

import (
	"context"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// between runs something between the evaluation of a search and its answer.
type between struct {
	Searcher
	act func()
}

func (s *between) Search(ctx context.Context, r search.PageRequest) (search.Page, error) {
	page, err := s.Searcher.Search(ctx, r)
	if act := s.act; act != nil {
		s.act = nil
		act()
	}
	return page, err
}

// TestTheTotalIsWhatThePageShows, also when a match is erased while it is searched for.
func TestTheTotalIsWhatThePageShows(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	searcher := &between{Searcher: m}
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: searcher, Definitions: d},
		Options{Clock: m.now, NewID: func() string { return "request-1" }})
	if err != nil {
		t.Fatal(err)
	}
	sv := &service{t: t, s: s, model: m}
	for _, query := range []string{"", "?_total=accurate", "?_count=1&_total=accurate"} {
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		sv.do("PUT /fhir/Patient/b", patient("b", "")).want(201)
		searcher.act = func() { sv.do("DELETE /fhir/Patient/a?_hardDelete=true").want(204) }
		found := sv.do("GET /fhir/Patient" + query).want(200)
		found.wantAt(1.0, "total").wantAt("b", "entry", 0, "resource", "id").wantAt(nil, "entry", 1)
		sv.do("DELETE /fhir/Patient/b?_hardDelete=true").want(204)
	}
}
