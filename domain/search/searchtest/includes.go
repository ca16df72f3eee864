package searchtest

import (
	"slices"

	"fhirlog/domain/search"
)

// Includes returns the versions that matches include, none of them a match, in
// the order of positions
// (https://hl7.org/fhir/R4/search.html#include): those that the matches refer
// to, or that refer to them, and with :iterate those of these in turn.
func (e *Evaluator) Includes(q *search.Query, matches []*Version, snapshot uint64) ([]*Version, error) {
	e.begin(snapshot)
	seen := map[*Version]bool{}
	for _, v := range matches {
		seen[v] = true
	}
	var included []*Version
	from, isMatch := matches, true
	for len(from) > 0 {
		var next []*Version
		for _, v := range from {
			for _, found := range append(e.included(q, v, isMatch), e.including(q, v, isMatch)...) {
				if !seen[found] {
					seen[found] = true
					next = append(next, found)
				}
			}
		}
		included = append(included, next...)
		from, isMatch = next, false
	}
	slices.SortFunc(included, byPosition)
	return included, e.err
}

// included are the versions that one refers to. A reference to a version leads
// to it only as long as it is current.
func (e *Evaluator) included(q *search.Query, v *Version, isMatch bool) (all []*Version) {
	for _, include := range q.Include {
		if !isMatch && !include.Iterate {
			continue
		}
		for _, through := range include.References {
			if through.Source != v.Type {
				continue
			}
			of := e.Set.Find(v.Type, through.Code)
			for _, r := range e.references(v, of) {
				targets, local := e.targets(of, r)
				for _, target := range targets {
					if include.Target != "" && include.Target != target.Type || target == local && r.version != "" && r.version != target.Number.String() {
						continue
					}
					all = append(all, target)
				}
			}
		}
	}
	return all
}

// including are the versions that refer to one.
func (e *Evaluator) including(q *search.Query, v *Version, isMatch bool) (all []*Version) {
	for i := range q.RevInclude {
		include := &q.RevInclude[i]
		if !isMatch && !include.Iterate || include.Target != "" && include.Target != v.Type {
			continue
		}
		all = append(all, e.referrers(include)[v]...)
	}
	return all
}

// referrers finds, for each version, those that refer to it in the way of a
// _revinclude.
func (e *Evaluator) referrers(include *search.Include) map[*Version][]*Version {
	if known := e.sources[include]; known != nil {
		return known
	}
	found := map[*Version][]*Version{}
	for _, source := range e.live {
		for _, through := range include.References {
			if through.Source != source.Type {
				continue
			}
			of := e.Set.Find(source.Type, through.Code)
			for _, r := range e.references(source, of) {
				targets, _ := e.targets(of, r)
				for _, target := range targets {
					found[target] = append(found[target], source)
				}
			}
		}
	}
	e.sources[include] = found
	return found
}
