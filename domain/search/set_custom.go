package search

import (
	"slices"

	"fhirlog/domain/definitions"
)

// CustomSlot is the slot of a custom parameter.
func CustomSlot(number uint32) Slot { return firstCustomSlot + Slot(number) }

// NewCustomSet compiles custom parameters alone: the Set finds and extracts
// nothing else, not even the type. It is for bringing what was written before a
// parameter was defined into the index.
func NewCustomSet(d *definitions.Definitions, custom []Custom) (*Set, error) {
	b := newSetBuilder(d)
	b.set.customOnly = true
	for _, resource := range d.Resources() {
		shape := b.shapes.of(d.Type(resource))
		b.set.shapes[resource] = shape
		b.set.plans[resource] = &plan{root: &node{shape: shape}, references: map[Slot][]*Parameter{}}
	}
	for i := range custom {
		if err := b.custom(&custom[i]); err != nil {
			return nil, err
		}
	}
	b.finish()
	return b.set, nil
}

// Switch returns a Set in which the parameters with some URLs are not found, and
// those with others are pending. The index values are the same.
func (s *Set) Switch(off, pending func(url string) bool) *Set {
	switched := *s
	switched.plans = make(map[string]*plan, len(s.plans))
	for resource, p := range s.plans {
		of := *p
		of.parameters = slices.DeleteFunc(slices.Clone(p.parameters), func(p *Parameter) bool { return off(p.URL) })
		for i, parameter := range of.parameters {
			if pending(parameter.URL) {
				waiting := *parameter
				waiting.Pending = true
				of.parameters[i] = &waiting
			}
		}
		switched.plans[resource] = &of
	}
	return &switched
}
