package httpapi

import (
	"context"
	"slices"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// plan reads the parameters of a search. paging names the parameter that
// carries the token: ct, or includesCt of $includes.
func (p *results) plan(ctx context.Context, paging string) error {
	s, r := p.s, p.r
	if err := s.seesPast(r); err != nil {
		return err
	}
	if err := r.holdCriteria(ctx); err != nil {
		return err
	}
	asked, err := p.asked(paging)
	if err != nil {
		return err
	}
	if err := p.planSnapshot(paging, asked); err != nil {
		return err
	}
	ask, err := s.ask(r, asked)
	if err != nil {
		return err
	}
	ask.Strict, ask.PartialIndices = r.prefer.strict, r.partial
	ask.Now = time.UnixMilli(p.token.instant).UTC()
	if p.query, err = search.Parse(s.fhir, s.searcher.Parameters(), ask); err != nil {
		return err
	}
	if _, paged, _ := r.query.one(paging); paged && !slices.Equal(p.scope(paging, asked), p.scope(paging, p.applied())) {
		return invalid("The search means something else by now than when its first page was asked for: the search parameters have changed. Begin again.")
	}
	p.issues = append(p.issues, p.query.Warnings...)
	p.planCount()
	p.planLimit()
	return nil
}

// asked returns the parameters that the search is made of: not those that only
// say how the answer is written, nor the token, which is read here.
func (p *results) asked(paging string) (parameters, error) {
	asked := p.r.query.distinct().without("_format", "_pretty", paging)
	if _, given, _ := p.r.query.one("includesCt"); given && paging != "includesCt" {
		if p.r.prefer.strict {
			return nil, invalid("includesCt belongs to $includes, not to a search.")
		}
		p.remark(domain.Information, "informational", "includesCt belongs to $includes, and was ignored.")
		asked = asked.without("includesCt")
	}
	return asked, nil
}

// planSnapshot finds the number of records that the search may see: those of
// the pages before, those as of a moment, or all.
func (p *results) planSnapshot(paging string, asked parameters) error {
	asOf, past, err := p.s.asOf(p.r.query)
	if err != nil {
		return err
	}
	p.horizon = p.s.reader.Applied()
	text, paged, err := p.r.query.one(paging)
	switch {
	case err != nil:
		return err
	case paged:
		if p.token, err = p.s.resumeToken(paging, text, p.scope(paging, asked)); err != nil {
			return err
		}
		p.snapshot = p.token.snapshot
		return nil
	case past:
		p.snapshot = asOf
	default:
		p.snapshot = p.horizon
	}
	p.token.snapshot, p.token.instant = p.snapshot, p.s.now()
	return nil
}

// ask makes what the parser needs to know of a request.
func (s *Server) ask(r *request, pairs parameters) (search.Ask, error) {
	ask := search.Ask{
		Bases: []string{r.base + "/"}, Now: s.options.Clock(),
		MostCount: mostCount, MostIncludes: s.options.MaxIncludes,
		Pairs: make([]search.Pair, len(pairs)),
	}
	for i, p := range pairs {
		ask.Pairs[i] = search.Pair{Name: p.name, Value: p.value}
	}
	typ := r.typ
	if r.compartment != "" {
		ask.Compartment, ask.CompartmentID = r.resourceType(), domain.LogicalID(r.id)
		if typ = r.compartment; typ == "*" {
			typ = ""
		}
	}
	if typ != "" {
		ask.Types = []domain.ResourceType{domain.ResourceType(typ)}
	}
	return ask, s.checkCompartment(r)
}

// checkCompartment refuses compartments that FHIR does not have, and types that
// are not searched.
func (s *Server) checkCompartment(r *request) error {
	if r.compartment == "" {
		return nil
	}
	known, err := s.fhir.Compartments()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(known, func(c definitions.Compartment) bool { return c.Code == r.typ }) {
		return domain.NewError(domain.NotFound, "FHIR "+s.fhir.FHIRVersion()+" has no compartment of "+r.typ+".")
	}
	if _, err := domain.ParseLogicalID(r.id); err != nil {
		return invalid("The id of the compartment is wrong: " + err.Error() + ".")
	}
	if r.compartment == "*" {
		return nil
	}
	rules := s.types[r.compartment]
	switch {
	case rules == nil:
		return s.unknownType(r.compartment)
	case !rules.offers(searchTypeKind):
		return s.notAllowed(r.place, rules, "forbidden", "The interaction "+searchTypeKind.code()+" is switched off here for "+r.compartment+".")
	}
	return nil
}

// planCount finds the size of a page.
func (p *results) planCount() {
	switch {
	case p.r.shape.summary == summaryCount:
		p.count = 0
	case p.query.Count < 0:
		p.count = standardCount
	default:
		p.count = p.query.Count
	}
}

// The parameters that change neither which resources match nor their order:
// a paging token is good whatever they are.
var (
	unscoped = []string{"_count", "_total", "_summary", "_elements", "_explain", "_include", "_revinclude", "_includesCount", "_format", "_pretty", "ct", "includesCt"}
	// What $includes goes on with depends on the matches of the page and on what
	// they include.
	unscopedIncludes = []string{"_total", "_summary", "_elements", "_explain", "_includesCount", "_format", "_pretty", "ct", "includesCt"}
)

// scope says what a token continues.
func (p *results) scope(paging string, of parameters) []string {
	without := unscoped
	if paging == "includesCt" {
		without = unscopedIncludes
	}
	scope := append(make([]string, 0, 2+2*len(of)), paging, p.r.searchPath())
	for _, one := range of {
		name, _, _ := strings.Cut(one.name, ":")
		if !slices.Contains(without, name) {
			scope = append(scope, one.name, one.value)
		}
	}
	return scope
}

// applied returns the parameters that were used, as the links show them.
func (p *results) applied() parameters {
	applied := make(parameters, 0, len(p.query.Applied)+3)
	for _, pair := range p.query.Applied {
		if pair.Name != "ct" && pair.Name != "includesCt" {
			applied = append(applied, parameter{pair.Name, pair.Value})
		}
	}
	return applied
}
