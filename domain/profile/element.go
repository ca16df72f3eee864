package profile

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// element is one element of a profile as it was written: an ElementDefinition,
// or the place in the tree of some that are deeper. Elements are not changed once
// the definition that they belong to was read; overlay makes new ones.
type element struct {
	name  string            // as in FHIRPath: "value" for value[x]; of the root the type
	slice string            // the name of the slice, "" for an element as such
	typ   *definitions.Type // of the value, nil where that is open

	min, max         int // absent where nothing is said
	types            []typeRule
	fixed, pattern   fhirjson.Value
	minimum, maximum fhirjson.Value // minValue[x], maxValue[x]
	maxLength        int
	binding          *binding
	rules            []*rule
	reference        string // contentReference
	slicing          *slicing

	slices   []*element
	children []*element

	// short are the types that the reader has met in short paths: valueQuantity
	// instead of value[x]:valueQuantity.
	short []*definitions.Type
}

// absent is a cardinality of which nothing is said.
const absent = -2

// typeRule is one type that an element may have.
type typeRule struct {
	typ      *definitions.Type
	profiles []string // one of them is met
	targets  []string // of references: types or profiles, one of which the target meets
}

// binding is an ElementDefinition.binding.
type binding struct {
	strength definitions.Strength
	valueSet string // canonical URL, with its version
	greatest string // the maxValueSet
}

// slicing says how the values of an element are divided among its slices.
type slicing struct {
	discriminators []discriminator
	ordered        bool
	rules          string // open, closed, openAtEnd
}

// discriminator is one criterion of a slicing.
type discriminator struct {
	kind string // value, pattern, exists, type, profile, position
	path string
}

func newElement(name string) *element { return &element{name: name, min: absent, max: absent} }

// child returns the child of a name, made if need be.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	c := newElement(name)
	e.children = append(e.children, c)
	return c
}

// sliceOf returns the slice of a name, made if need be. A name such as a/b is a
// slice b of the slice a, if there is one
// (https://hl7.org/fhir/R4/profiling.html#reslicing).
func (e *element) sliceOf(name string) *element {
	for _, s := range e.slices {
		if s.slice == name {
			return s
		}
		if len(name) > len(s.slice) && name[len(s.slice)] == '/' && name[:len(s.slice)] == s.slice {
			return s.sliceOf(name)
		}
	}
	s := newElement(e.name)
	s.slice, s.typ = name, e.typ
	e.slices = append(e.slices, s)
	return s
}

// overlay returns base with what a profile of it says besides. A profile can only
// narrow; where one tries to widen, the base stays in force.
func overlay(base, over *element) *element {
	if base == nil {
		return over
	}
	if over == nil {
		return base
	}
	made := *base
	if over.typ != nil {
		made.typ = over.typ
	}
	made.min = max(base.min, over.min)
	made.max = narrower(base.max, over.max)
	if over.types != nil {
		made.types = over.types
	}
	replace(&made.fixed, over.fixed)
	replace(&made.pattern, over.pattern)
	replace(&made.minimum, over.minimum)
	replace(&made.maximum, over.maximum)
	if over.maxLength > 0 && (base.maxLength == 0 || over.maxLength < base.maxLength) {
		made.maxLength = over.maxLength
	}
	if over.binding != nil {
		made.binding = over.binding
	}
	if over.reference != "" {
		made.reference = over.reference
	}
	made.rules = joinRules(base.rules, over.rules)
	made.slicing = joinSlicing(base.slicing, over.slicing)
	made.slices = overlayAll(base.slices, over.slices, func(e *element) string { return e.slice })
	made.children = overlayAll(base.children, over.children, func(e *element) string { return e.name })
	return &made
}

func replace(v *fhirjson.Value, with fhirjson.Value) {
	if with.Exists() {
		*v = with
	}
}

// narrower is the smaller of two greatest cardinalities.
func narrower(a, b int) int {
	switch {
	case a == absent || a == definitions.Unbounded && b != absent:
		return b
	case b == absent || b == definitions.Unbounded:
		return a
	}
	return min(a, b)
}

// overlayAll merges lists by key, in the order of the base.
func overlayAll(base, over []*element, key func(*element) string) []*element {
	if len(over) == 0 {
		return base
	}
	at := make(map[string]int, len(base))
	made := make([]*element, len(base), len(base)+len(over))
	for i, e := range base {
		made[i], at[key(e)] = e, i
	}
	for _, e := range over {
		if i, there := at[key(e)]; there {
			made[i] = overlay(made[i], e)
			continue
		}
		at[key(e)] = len(made)
		made = append(made, e)
	}
	return made
}

// joinRules adds the rules of a profile to those of its base; a key stands for
// one rule.
func joinRules(base, over []*rule) []*rule {
	if len(over) == 0 {
		return base
	}
	made := append([]*rule(nil), base...)
	known := make(map[string]bool, len(base))
	for _, r := range base {
		known[r.key] = true
	}
	for _, r := range over {
		if r.key == "" || !known[r.key] {
			made = append(made, r)
		}
	}
	return made
}

// joinSlicing is the slicing of a profile over that of its base: the way to tell
// slices apart may be left to the base, and the rules can only become stricter.
func joinSlicing(base, over *slicing) *slicing {
	if base == nil || over == nil {
		if over == nil {
			return base
		}
		return over
	}
	made := *base
	if len(over.discriminators) > 0 {
		made.discriminators = over.discriminators
	}
	made.ordered = base.ordered || over.ordered
	if over.rules == rulesClosed || over.rules == rulesOpenAtEnd && base.rules != rulesClosed {
		made.rules = over.rules
	}
	return &made
}

const (
	rulesOpen      = "open"
	rulesClosed    = "closed"
	rulesOpenAtEnd = "openAtEnd"
)
