package httpapi

import (
	"context"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// results is one page of a search on its way to the client
// (https://hl7.org/fhir/R4/search.html). Which versions it shows is known before
// the answer begins, so that faults get a status of their own; the versions
// themselves are read one by one while it is written.
type results struct {
	s     *Server
	r     *request
	query *search.Query

	token    pageToken // of this page
	snapshot uint64
	count    int // matches on a page; 0 asks for the total only
	limit    int // included resources of an answer

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
		Query: p.query, Snapshot: p.snapshot,
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
	b.buf = p.s.appendBundleStart(b.buf, p.r.requestID, "searchset", p.total())
	b.buf = p.appendLinks(b.buf)
	return p.writeEntries(ctx, b, sh, p.page.Matches, p.included.Positions)
}

// writeEntries writes the entries and ends the Bundle.
func (p *results) writeEntries(ctx context.Context, b *bodyWriter, sh *shape, matches, included []uint64) error {
	entries := 0
	if len(p.issues) > 0 {
		openEntry(b, entries)
		b.buf = append(b.buf, `"resource":`...)
		b.buf = p.s.appendOutcome(b.buf, p.r.requestID, &response{issues: p.issues})
		b.buf = append(b.buf, `,"search":{"mode":"outcome"}}`...)
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
			wrote, err := p.writeEntry(ctx, b, sh, position, group.mode, entries)
			if err != nil {
				return err
			}
			entries += wrote
		}
	}
	if entries > 0 {
		b.buf = append(b.buf, ']')
	}
	b.buf = append(b.buf, '}')
	return nil
}

// writeEntry writes one version, or nothing if it was erased since it was found.
func (p *results) writeEntry(ctx context.Context, b *bodyWriter, sh *shape, position uint64, mode string, number int) (wrote int, err error) {
	v, err := p.s.searcher.ReadAt(ctx, position)
	switch {
	case domain.KindOf(err) == domain.NotFound, err == nil && v.Deleted:
		return 0, nil
	case err != nil:
		return 0, err
	}
	if err := p.r.hold(ctx, len(v.Body)); err != nil {
		return 0, err
	}
	openEntry(b, number)
	b.buf = appendFullURL(b.buf, p.r.base, &v)
	b.buf = append(b.buf, `"resource":`...)
	if b.buf, err = p.s.appendResource(b.buf, &response{resource: &v, shaped: true}, sh); err != nil {
		return 0, err
	}
	b.buf = append(b.buf, `,"search":{"mode":"`...)
	b.buf = append(b.buf, mode...)
	b.buf = append(b.buf, `"}}`...)
	return 1, b.flushIfLarge()
}
