package httpapi

import (
	"context"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// results is one page of a search on its way to the client
// (https://hl7.org/fhir/R4/search.html). Which versions it shows is known before
// the answer begins, so that faults get a status of their own; the versions
// themselves are read one by one while it is written. All of it is as of the snapshot
// and the horizon, whatever is erased meanwhile.
type results struct {
	s     *Server
	r     *request
	query *search.Query

	token    pageToken // of this page
	snapshot uint64
	horizon  uint64 // what was applied when the request came
	count    int    // matches on a page; 0 asks for the total only
	limit    int    // included resources of an answer

	page     search.Page
	included search.Included
	issues   []domain.Issue // the first entry: warnings and remarks
	overflow string         // link to further included resources, "" if there is none
}

// search answers a search by GET or by POST with a form.
func (s *Server) search(ctx context.Context, r *request) (response, error) {
	p := &results{s: s, r: r}
	if err := p.plan(ctx, "ct"); err != nil {
		return response{}, err
	}
	if err := p.find(ctx); err != nil {
		return response{}, err
	}
	if err := p.include(ctx, "related"); err != nil {
		return response{}, err
	}
	p.explain()
	return response{status: http.StatusOK, stream: func(b *bodyWriter, sh shape) error {
		return p.write(ctx, b, &sh)
	}}, nil
}

// find asks for the page.
func (p *results) find(ctx context.Context) (err error) {
	wanted := !p.query.Walks
	switch {
	case p.count == 0:
		wanted = true
	case p.query.Total == search.TotalNone:
		wanted = false
	case p.query.Total != search.TotalDefault:
		wanted = true
	}
	p.page, err = p.s.searcher.Search(ctx, search.PageRequest{
		Query: p.query, Snapshot: p.snapshot, Horizon: p.horizon,
		Cursor: p.token.start, HasCursor: p.token.hasStart,
		Count: p.count, Total: wanted,
	})
	if one := &p.page; err == nil && one.Total < 0 && !p.token.hasStart && !one.HasNext {
		one.Total = len(one.Matches) // the first page has them all
	}
	return err
}

// total is what Bundle.total tells, -1 for nothing.
func (p *results) total() int {
	if p.count > 0 && p.query.Total == search.TotalNone {
		return -1
	}
	return p.page.Total
}

func (p *results) remark(severity domain.Severity, code, message string) {
	p.issues = append(p.issues, domain.Issue{Severity: severity, Code: code, Message: message})
}

// write writes the Bundle: what is to be said of the search, the matches, and
// what they include.
func (p *results) write(ctx context.Context, b *bodyWriter, sh *shape) error {
	p.s.beginBundle(b, p.r.requestID, "searchset", p.total())
	p.writeLinks(b)
	return p.writeEntries(ctx, b, sh, p.page.Matches, p.included.Positions)
}

// writeEntries writes the entries and ends the Bundle.
func (p *results) writeEntries(ctx context.Context, b *bodyWriter, sh *shape, matches, included []uint64) error {
	entries := 0
	if len(p.issues) > 0 {
		b.beginItem("entry", entries)
		if err := p.s.outcomeIn(b, "resource", p.r.requestID, &response{issues: p.issues}); err != nil {
			return err
		}
		endFound(b, "outcome")
		entries++
	}
	for _, group := range []struct {
		mode      string
		positions []uint64
	}{{"match", matches}, {"include", included}} {
		for _, position := range group.positions {
			if b.dropped { // the client wants the headers only
				break
			}
			v, err := p.s.searcher.ReadAt(ctx, position)
			if err == nil {
				err = p.writeEntry(ctx, b, sh, &v, group.mode, entries)
			}
			if err != nil {
				return err
			}
			entries++
		}
	}
	b.endList(entries)
	b.endResource("Bundle")
	return nil
}

// writeEntry writes one version.
func (p *results) writeEntry(ctx context.Context, b *bodyWriter, sh *shape, v *resource.Version, mode string, number int) error {
	if err := p.r.hold(ctx, len(v.Body)); err != nil {
		return err
	}
	b.beginItem("entry", number)
	b.fullURL(p.r.base, v)
	if err := p.s.resourceIn(b, "resource", &response{resource: v, shaped: true}, sh); err != nil {
		return err
	}
	endFound(b, mode)
	return b.flushIfLarge()
}

// endFound ends an entry of a search with why it is there.
func endFound(b *bodyWriter, mode string) {
	b.beginElement("search")
	b.value("mode", mode)
	b.endElement("search")
	b.endElement("entry")
}
