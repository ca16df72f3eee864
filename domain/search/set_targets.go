package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
)

// targets are the types that references may lead to: what the parameter and its
// elements both say.
func (c *pathCompiler) targets(declared []string, paths []path) []domain.ResourceType {
	possible := map[string]bool{}
	for _, p := range paths {
		c.addTargets(possible, p)
	}
	var all, both []domain.ResourceType
	for _, t := range declared {
		all = append(all, domain.ResourceType(t))
		if possible[t] || possible["Resource"] {
			both = append(both, domain.ResourceType(t))
		}
	}
	if len(all) == 0 {
		for t := range possible {
			if c.definitions.IsResource(t) {
				both = append(both, domain.ResourceType(t))
			}
		}
	}
	if len(both) == 0 {
		both = all
	}
	slices.Sort(both)
	return slices.Compact(both)
}

// leadsElsewhere tells whether paths may lead to other types than the only one
// that a parameter is for. STU3 says so by the target alone, without a
// condition in the expression.
func (c *pathCompiler) leadsElsewhere(target string, paths []path) bool {
	possible := map[string]bool{}
	for _, p := range paths {
		c.addTargets(possible, p)
	}
	return len(possible) > 1 || !possible[target]
}

// addTargets adds what the references of a path may lead to.
func (c *pathCompiler) addTargets(to map[string]bool, p path) {
	if _, target, ok := p.narrowed(); ok {
		to[target] = true
		return
	}
	if p.of == nil {
		to["Resource"] = true
		return
	}
	for _, ref := range p.of.Types {
		if ref.Type != p.typ {
			continue
		}
		if len(ref.Targets) == 0 {
			to["Resource"] = true
		}
		for _, target := range ref.Targets {
			name := target[strings.LastIndexByte(target, '/')+1:]
			if !c.definitions.IsResource(name) {
				name = "Resource" // a profile: its type is not known here
			}
			to[name] = true
		}
	}
}
