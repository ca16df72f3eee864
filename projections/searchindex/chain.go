package searchindex

import (
	"fhirlog/domain"
	"fhirlog/domain/search"
)

// A chain can be followed from the targets, by looking up who refers to each, or
// from the references, by reading where all of them lead. These are about what
// they cost: a lookup for a target, and a block of references.
const (
	lookupCost = 1
	blockCost  = 16
)

// chained finds the versions whose reference leads to a match of the targets.
func (e *evaluation) chained(c search.Chained) (result, error) {
	inner := make([]result, len(c.Targets))
	n := 0
	for i, target := range c.Targets {
		var err error
		if inner[i], err = e.scope(target); err != nil {
			return nil, err
		}
		n += inner[i].size()
	}
	if n == 0 {
		return nil, nil
	}
	if n*lookupCost > int(e.blocks)*blockCost {
		return e.leadingTo(c.Reference, c.Targets, inner)
	}
	g := newGatherer()
	for i := range inner {
		var failed error
		inner[i].each(func(position uint64) bool {
			failed = e.gatherReferrers(g, c.Reference, position)
			return failed == nil
		})
		if failed != nil {
			return nil, failed
		}
	}
	return g.result(), nil
}

// gatherReferrers adds those that refer to the resource of a version.
func (e *evaluation) gatherReferrers(g *gatherer, r search.Reference, position uint64) error {
	t, id, err := e.source.Identify(position)
	if err != nil {
		return err
	}
	if r.Target != "" && r.Target != t {
		return nil
	}
	return e.eachReferenceTo(r, t, id, position, func(found result) {
		for i := range found {
			g.addPart(&found[i])
		}
	})
}

// eachReferenceTo looks up the references of a parameter to a resource, whose
// current version is at a position, in every spelling and by canonical URL.
func (e *evaluation) eachReferenceTo(r search.Reference, t domain.ResourceType, id domain.LogicalID, position uint64, use func(found result)) error {
	local := search.Key(r.Slot, search.AspectValue)
	local = search.AppendComponent(search.AppendComponent(local, id), t)
	spellings := [][]byte{local}
	for _, base := range r.Bases {
		absolute := search.Key(r.Slot, search.AspectValue)
		spellings = append(spellings, search.AppendComponent(absolute, "\x02"+base+string(t)+"/"+string(id)))
	}
	for _, key := range spellings {
		found, err := e.match(search.Match{Key: key}) // with any version
		if err != nil {
			return err
		}
		use(found)
	}
	return e.eachReferenceByURL(r, t, position, use)
}

// mostRemembered bounds the memory for targets that were met already.
const mostRemembered = 1 << 17

// leadingTo reads where all references of a parameter lead.
func (e *evaluation) leadingTo(r search.Reference, targets []search.Scope, inner []result) (result, error) {
	matches := map[string]bool{} // by target as stored
	var all result
	err := e.eachForward(r.Slot, nil, func(block uint32, f *forward) error {
		leads := make([]bool, len(f.targets))
		for i, name := range f.targets {
			is, seen := matches[string(name)]
			if !seen {
				var err error
				if is, err = e.isAmong(r, name, targets, inner); err != nil {
					return err
				}
				if len(matches) < mostRemembered {
					matches[string(name)] = is
				}
			}
			leads[i] = is
		}
		var s set
		for i, low := range f.lows {
			if leads[f.leads[i]] {
				s.add(low)
			}
		}
		if !s.isEmpty() {
			all = append(all, partOf(block, &s))
		}
		return nil
	})
	return all, err
}

// isAmong says whether a target is the resource of one of the matches.
func (e *evaluation) isAmong(r search.Reference, target []byte, targets []search.Scope, inner []result) (is bool, err error) {
	for i := 0; i < len(targets) && !is && err == nil; i++ {
		err = e.eachCanonical(r, target, targets[i].Type, func(position uint64) bool {
			is = inner[i].has(position)
			return !is
		})
	}
	t, id, _, ok := LocalTarget(r, target)
	if !ok || is || err != nil {
		return is, err
	}
	for i := range targets {
		if targets[i].Type != "" && targets[i].Type != t {
			continue
		}
		position, ok, err := e.source.Resolve(t, id, e.snapshot)
		if err != nil {
			return false, err
		}
		if ok && inner[i].has(position) {
			return true, nil
		}
	}
	return false, nil
}
