package httpapi

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// documentation says what the specification has no place for.
const documentation = "Any read, history and search can be answered as of a past moment with the parameter _asOf, an instant such as 2026-03-01T10:00:00Z or the position of a record in the log such as 1234, which stands for its whole transaction: " +
	"the answer is what it would have been then, includes and chains too. " +
	"PATCH takes criteria in the place of an id, as PUT and DELETE do. " +
	"Pages of a search or a history show one snapshot, whatever is written meanwhile. " +
	"_explain=true tells in the first entry how a search was evaluated. " +
	"The header X-Reason says why something is written or erased; it stays on the log for ever, so it must not name a patient. " +
	"Totals are exact; unless _total=accurate asks for it, they are left out where counting would look at values one by one and one page does not hold all. " +
	"Chains, _has and includes follow references, and canonical URLs to every resource with that URL and, where they name a version, that version. " +
	"Numbers are compared with 15 digits."

// commonParameters are the parameters that all searches take, beside those of
// the types.
var commonParameters = []searchParam{
	{Name: "_type", Type: "token", Documentation: "The resource types to search, separated by commas; for searches on the whole service or a compartment."},
	{Name: "_list", Type: "string", Documentation: "The id of a List whose current items are searched."},
	{Name: "_has", Type: "string", Documentation: "Reverse chaining, as _has:Observation:patient:code."},
	{Name: "_filter", Type: "string", Documentation: "A filter expression, as gender eq male."},
	{Name: "_not-referenced", Type: "string", Documentation: "Resources that nothing refers to: *:*, Observation:* or Observation:subject."},
	{Name: "_count", Type: "number", Documentation: "Matches on a page, 10 by default, 1000 at most; 0 asks for the total only."},
	{Name: "_sort", Type: "string", Documentation: "Search parameters to sort by, each with - before it for descending order."},
	{Name: "_total", Type: "token", Documentation: "none, accurate or estimate; an estimate is exact as well."},
	{Name: "_summary", Type: "token", Documentation: "true, text, data, count or false."},
	{Name: "_elements", Type: "string", Documentation: "The elements to show, separated by commas."},
	{Name: "_include", Type: "string", Documentation: "References to follow, as Observation:subject:Patient; :iterate goes on from what is included."},
	{Name: "_revinclude", Type: "string", Documentation: "References to follow backwards."},
	{Name: "_includesCount", Type: "number", Documentation: "Included resources of an answer at most; the link 'related' leads to the others."},
	{Name: asOfParameter, Type: "date", Documentation: "The moment to answer as of: an instant, or the position of a record in the log. It is fhirlog's own, and also taken by read, vread and history."},
	{Name: "_explain", Type: "token", Documentation: "true tells in the first entry how the search was evaluated. It is fhirlog's own."},
}

// notOffered are parameters of the specification that no search takes here:
// named queries, and membership beyond _list.
var notOffered = []string{"_query", "_in"}

// offered says whether a parameter can be searched by now.
func offered(p *search.Parameter) bool { return !p.Pending && !slices.Contains(notOffered, p.Code) }

// describeParameters describes the parameters of a type, beside those of all
// searches.
func (s *Server) describeParameters(set *search.Set, t domain.ResourceType) []searchParam {
	var described []searchParam
	for _, p := range set.Of(t) {
		common := slices.ContainsFunc(commonParameters, func(c searchParam) bool { return c.Name == p.Code })
		if common || !offered(p) {
			continue
		}
		described = append(described, searchParam{Name: p.Code, Definition: p.URL, Type: s.parameterType(p.Type)})
	}
	return described
}

// parameterType is the code of a type of search parameters. STU3 knows none that
// is special.
func (s *Server) parameterType(t search.ParameterType) string {
	if t == search.Special && s.fhir.Version() == definitions.STU3 {
		return string(search.String)
	}
	return string(t)
}

// typeIncludes is what a search on a type can include.
type typeIncludes struct{ include, revinclude []string }

// describeIncludes lists the values of _include and _revinclude by type.
func (s *Server) describeIncludes(set *search.Set) map[domain.ResourceType]*typeIncludes {
	all := make(map[domain.ResourceType]*typeIncludes, len(s.sorted))
	for _, t := range s.sorted {
		all[t.name] = &typeIncludes{include: []string{"*"}, revinclude: []string{"*"}}
	}
	for _, t := range s.sorted {
		if !t.offers(searchTypeKind) {
			continue
		}
		for _, p := range set.Of(t.name) {
			if p.Type != search.ReferTo || !p.Followed() || !offered(p) {
				continue
			}
			value := string(t.name) + ":" + p.Code
			all[t.name].include = append(all[t.name].include, value)
			leads := p.Leads()
			for _, target := range s.sorted {
				if len(leads) == 0 || slices.Contains(leads, target.name) {
					all[target.name].revinclude = append(all[target.name].revinclude, value)
				}
			}
		}
	}
	return all
}
