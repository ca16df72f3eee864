package searchindex

import (
	"fhirlog/domain"
	"fhirlog/domain/search"
)

// referenced finds the resources of type t that a match of the source refers to.
func (e *evaluation) referenced(t domain.ResourceType, r search.Referenced) (result, error) {
	sources, err := e.scope(r.Source)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	g := newGatherer()
	seen := map[string]bool{}
	err = e.eachForward(r.Reference.Slot, sources, func(block uint32, f *forward) error {
		p := sources.find(block)
		if p == nil {
			return nil
		}
		var s set
		p.into(&s)
		wanted := make([]bool, len(f.targets))
		for i, low := range f.lows {
			if s.has(low) {
				wanted[f.leads[i]] = true
			}
		}
		for i, name := range f.targets {
			if !wanted[i] || seen[string(name)] {
				continue
			}
			seen[string(name)] = true
			if err := e.gatherTarget(g, t, r.Reference, name); err != nil {
				return err
			}
		}
		return nil
	})
	return g.result(), err
}

// gatherTarget adds the current version of what a reference leads to.
func (e *evaluation) gatherTarget(g *gatherer, t domain.ResourceType, r search.Reference, name []byte) error {
	err := e.eachCanonical(r, name, t, func(position uint64) bool {
		g.addPosition(position)
		return true
	})
	if err != nil {
		return err
	}
	target, id, _, ok := LocalTarget(r, name)
	if !ok || t != "" && target != t {
		return nil
	}
	position, ok, err := e.source.Resolve(target, id, e.snapshot)
	if err == nil && ok {
		g.addPosition(position)
	}
	return err
}
