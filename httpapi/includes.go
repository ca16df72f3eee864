package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// planLimit finds how many included resources an answer may have.
func (p *results) planLimit() {
	if p.limit = p.query.IncludesCount; p.limit == 0 {
		p.limit = p.s.options.MaxIncludes
	}
}

// include asks for what the matches of the page include
// (https://hl7.org/fhir/R4/search.html#revinclude). If an answer cannot hold all
// of it, the link leads to the rest.
func (p *results) include(ctx context.Context, link string) (err error) {
	q := p.query
	if len(p.page.Matches) == 0 || len(q.Include)+len(q.RevInclude) == 0 {
		return nil
	}
	p.included, err = p.s.searcher.Include(ctx, search.IncludeRequest{
		Query: q, Snapshot: p.snapshot, Horizon: p.horizon, Matches: p.page.Matches, Skip: p.token.skip, Limit: p.limit,
	})
	if err != nil {
		return err
	}
	if p.included.Circular {
		p.remark(domain.Information, "informational", "The iteration of an _include came to resources that were there already; it does not go round.")
	}
	if p.included.More {
		p.tellOfMore(link)
	}
	return nil
}

// tellOfMore says that not all included resources are there, and where the
// others are.
func (p *results) tellOfMore(link string) {
	message := "The page includes more than the " + strconv.Itoa(p.limit) + " resources that an answer may have beside its matches; "
	iterates := func(i search.Include) bool { return i.Iterate }
	if slices.ContainsFunc(p.query.Include, iterates) || slices.ContainsFunc(p.query.RevInclude, iterates) {
		p.remark(domain.Warning, "incomplete", message+"what is left out cannot be paged, since an _include iterates. Ask for smaller pages with _count.")
		return
	}
	p.remark(domain.Warning, "incomplete", message+"the link '"+link+"' leads to the others.")
	p.overflow = p.r.base + p.r.searchPath() + "/" + includesOperation + string(p.shown().with("includesCt", p.moreToken()).encode(nil))
}

// moreToken makes the token for the included resources after those of this
// answer.
func (p *results) moreToken() string {
	t := p.token
	t.skip += len(p.included.Positions)
	return p.s.sealToken(&t, p.scope("includesCt", p.applied()))
}

// includesOperation is the operation that goes on with the included resources
// of a page of a search.
const includesOperation = "$includes"

// includes answers GET …/$includes: the included resources of a page that did
// not fit into the answer to the search. The links of that answer lead here.
func (s *Server) includes(ctx context.Context, r *request) (response, error) {
	if _, given, _ := r.query.one("includesCt"); !given {
		return response{}, domain.NewError(domain.Invalid, "$includes goes on with the included resources of a search: includesCt is missing. Follow the link 'related' of the search.")
	}
	p := &results{s: s, r: r}
	if err := p.plan(ctx, "includesCt"); err != nil {
		return response{}, err
	}
	if err := p.findAgain(ctx); err != nil {
		return response{}, err
	}
	if err := p.include(ctx, "next"); err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, stream: func(b *bodyWriter, sh shape) error {
		p.s.beginBundle(b, r.requestID, "searchset", -1)
		l := links{to: r.base + r.searchPath() + "/" + includesOperation}
		l.add(b, "self", p.selfQuery("includesCt"))
		if p.overflow != "" {
			l.addTo(b, "next", p.overflow)
		}
		l.end(b)
		return p.writeEntries(ctx, b, &sh, nil, p.included.Positions)
	}}, nil
}

// findAgain asks for the matches of the page whose includes go on.
func (p *results) findAgain(ctx context.Context) (err error) {
	p.page, err = p.s.searcher.Search(ctx, search.PageRequest{
		Query: p.query, Snapshot: p.snapshot, Horizon: p.horizon, Cursor: p.token.start, HasCursor: p.token.hasStart, Count: p.count,
	})
	return err
}
