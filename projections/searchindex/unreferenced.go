package searchindex

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// unreferenced holds for resources that no current version refers to.
type unreferenced struct {
	operator
	e          *evaluation
	references []search.Reference
	referenced result // what is referred to
	isComplete bool   // referenced is computed; else each candidate is looked up
}

// mostLookups is up to how many lookups candidates are looked up one by one,
// rather than reading where all references lead.
const mostLookups = 10_000

func (e *evaluation) unreferenced(t domain.ResourceType, u search.Unreferenced) (operator, error) {
	all, err := e.allOf(t)
	o := unreferenced{operator: all, e: e, references: u.References}
	if err == nil && (len(u.References) == 0 || all.size()*len(u.References) > mostLookups) {
		o.isComplete = true
		o.referenced, err = e.allReferenced(t, u)
	}
	return o, err
}

// allReferenced finds the resources of type t that current versions refer to.
func (e *evaluation) allReferenced(t domain.ResourceType, u search.Unreferenced) (result, error) {
	g := newGatherer()
	if len(u.References) == 0 {
		if err := e.everyForward(e.targetsInto(g, t, search.Reference{Bases: u.Bases})); err != nil {
			return nil, err
		}
	}
	for _, r := range slices.Concat(u.References, u.Canonicals) {
		if t != "" && r.Target != "" && r.Target != t {
			continue
		}
		if err := e.eachForward(r.Slot, nil, e.targetsInto(g, t, r)); err != nil {
			return nil, err
		}
	}
	return g.result(), nil
}

// targetsInto gathers the resources of type t that the references of current
// versions lead to.
func (e *evaluation) targetsInto(g *gatherer, t domain.ResourceType, r search.Reference) func(block uint32, f *forward) error {
	seen := map[string]bool{}
	return func(block uint32, f *forward) error {
		var live set
		if err := e.liveIn(block, &live); err != nil {
			return err
		}
		for i, low := range f.lows {
			name := f.targets[f.leads[i]]
			if !live.has(low) || seen[string(name)] {
				continue
			}
			seen[string(name)] = true
			if err := e.gatherTarget(g, t, r, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func (o unreferenced) fill(block uint32, mask, dst *set) error {
	var candidates set
	if err := o.operator.fill(block, mask, &candidates); err != nil {
		return err
	}
	candidates.and(mask)
	if o.isComplete {
		var referenced set
		if p := o.referenced.find(block); p != nil {
			p.into(&referenced)
		}
		candidates.andNot(&referenced)
		dst.or(&candidates)
		return nil
	}
	start := uint64(block) * BlockSize
	var failed error
	candidates.each(func(low uint16) bool {
		var is bool
		if is, failed = o.isReferenced(start + uint64(low)); failed == nil && !is {
			dst.add(low)
		}
		return failed == nil
	})
	return failed
}

func (o unreferenced) isReferenced(position uint64) (is bool, err error) {
	t, id, err := o.e.source.Identify(position)
	if err != nil {
		return false, err
	}
	for _, r := range o.references {
		if r.Target != "" && r.Target != t {
			continue
		}
		var found result
		if err := o.e.eachReferenceTo(r, t, id, position, func(more result) { found = append(found, more...) }); err != nil {
			return false, err
		}
		if is, err := o.e.anyLive(found); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// anyLive says whether one of the positions is a current version.
func (e *evaluation) anyLive(found result) (bool, error) {
	for i := range found {
		var live, s set
		if err := e.liveIn(found[i].block, &live); err != nil {
			return false, err
		}
		found[i].into(&s)
		s.and(&live)
		if !s.isEmpty() {
			return true, nil
		}
	}
	return false, nil
}
