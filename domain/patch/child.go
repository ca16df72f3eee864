package patch

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
)

// child is an element of a type, in the form that a value gives it.
type child struct {
	element *definitions.Element
	typ     *definitions.Type
	name    string // in JSON, so that of a choice ends in its type
}

// childOf finds the element that a name stands for: as FHIRPath has it, deceased, or
// for a choice also as JSON has it, deceasedBoolean. Of a choice the value
// decides the type. wrong says why there is none.
func childOf(t *definitions.Type, name string, v *value) (c child, wrong string) {
	if m, ok := t.Member([]byte(name)); ok {
		c = child{m.Element, m.Type, name}
		if v.fits(m.Type) == unfit {
			return child{}, fmt.Sprintf("%s is of type %s, for which %s does not do.", name, m.Type.Name, v)
		}
		return c, ""
	}
	name = strings.TrimSuffix(name, "[x]")
	for i := range t.Elements {
		if e := &t.Elements[i]; e.Choice && e.Name == name {
			return choose(t, e, v)
		}
	}
	if t.Name == "Element" {
		return child{}, fmt.Sprintf("a primitive has only the elements id and extension, not %s; replace changes its value.", shown(name))
	}
	return child{}, fmt.Sprintf("%s has no element %s.", t.Name, shown(name))
}

// choose finds the type of a choice that fits a value best.
func choose(t *definitions.Type, e *definitions.Element, v *value) (c child, wrong string) {
	var names []string
	alike := 0
	for name, m := range t.Members() {
		if m.Element != e {
			continue
		}
		names = append(names, m.Type.Name)
		if v.typ == nil {
			continue
		}
		switch v.fits(m.Type) {
		case exact:
			return child{e, m.Type, name}, ""
		case similar:
			c = child{e, m.Type, name}
			alike++
		}
	}
	if alike == 1 {
		return c, ""
	}
	return child{}, fmt.Sprintf("%s may be of type %s; %s does not do.", e.Name, strings.Join(names, ", "), v)
}
