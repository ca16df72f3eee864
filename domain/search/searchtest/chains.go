package searchtest

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// leads tells whether a reference leads to a resource that matches
// (https://hl7.org/fhir/R4/search.html#chaining).
func (e *Evaluator) leads(c *search.Criterion, v *Version) bool {
	return slices.ContainsFunc(e.references(v, c.Parameter), func(r reference) bool {
		targets, _ := e.targets(c.Parameter, r)
		return slices.ContainsFunc(targets, func(target *Version) bool {
			at := chainAt{c, target}
			matches, known := e.chained[at]
			if !known {
				matches = e.inScopes(c.Chain, target)
				e.chained[at] = matches
			}
			return matches
		})
	})
}

// isReferred tells whether a matching resource refers to the version
// (https://hl7.org/fhir/R4/search.html#has).
func (e *Evaluator) isReferred(c *search.Criterion, v *Version) bool {
	targets := e.referred[c]
	if targets == nil {
		targets = map[*Version]bool{}
		for _, source := range e.live {
			if source.Type == c.Source.Type && e.inScope(c.Source, source) {
				e.addTargets(targets, source, c.Reference)
			}
		}
		e.referred[c] = targets
	}
	return targets[v]
}

// addTargets adds what a version refers to by a parameter.
func (e *Evaluator) addTargets(to map[*Version]bool, source *Version, of *search.Parameter) {
	for _, r := range e.references(source, of) {
		targets, _ := e.targets(of, r)
		for _, target := range targets {
			to[target] = true
		}
	}
}

// isReferenced tells whether anything refers to the version through one of the
// parameters; nil stands for all parameters of all types.
func (e *Evaluator) isReferenced(c *search.Criterion, through []*search.Parameter, v *Version) bool {
	targets := e.referenced[c]
	if targets == nil {
		targets = map[*search.Parameter]map[*Version]bool{}
		for _, source := range e.live {
			for _, of := range e.Set.Of(source.Type) {
				if of.Type != search.ReferTo {
					continue
				}
				if targets[of] == nil {
					targets[of] = map[*Version]bool{}
				}
				e.addTargets(targets[of], source, of)
			}
		}
		e.referenced[c] = targets
	}
	for of, found := range targets {
		if found[v] && (through == nil || slices.Contains(through, of)) {
			return true
		}
	}
	return false
}

// isListed tells whether the version is an item of a List, not marked as deleted
// there (https://hl7.org/fhir/R4/search.html#list).
func (e *Evaluator) isListed(id domain.LogicalID, v *Version) bool {
	list := e.World.Current("List", id, e.snapshot)
	if list == nil {
		return false
	}
	for _, entry := range members(list.Resource, "entry") {
		if entry.Get("deleted").Kind() == fhirjson.True {
			continue
		}
		item := entry.Get("item")
		r := e.parseReference(item.Get("reference").String())
		if r.typ == "" {
			r.typ = item.Get("type").String()
		}
		if e.target(r) == v {
			return true
		}
	}
	return false
}
