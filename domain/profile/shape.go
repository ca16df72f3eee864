package profile

import (
	"sync/atomic"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// shape is an element of a compiled profile: what it demands beyond the base
// definition. Shapes are immutable but for slicing.matchers.
type shape struct {
	name   string
	id     string // as in a definition, such as Patient.identifier:mrn, for messages
	slice  string
	choice bool
	min    int
	max    int // Unbounded if nothing is demanded

	types            []typeRule // nil if nothing is demanded
	fixed, pattern   fhirjson.Value
	minimum, maximum fhirjson.Value
	maxLength        int // 0 if nothing is demanded
	binding          *binding
	rules            []*rule

	slicing  *shapeSlicing // nil if there are no slices
	slices   []*shape
	children []*shape
	reuse    *shape // what else the values are held to, where an element refers to another

	// discriminates says that values are told by this shape from others: it or
	// something below has a fixed value, a pattern or a required binding.
	discriminates bool
}

// shapeSlicing is the slicing of a shape. What tells the slices apart is found
// out at the first use, since it may stand in other profiles.
type shapeSlicing struct {
	slicing
	matchers atomic.Pointer[matchers]
}

// profile is a compiled profile.
type profile struct {
	url      string
	typ      *definitions.Type
	root     *shape
	abstract bool // resources conform to profiles derived from it
	contexts []extensionContext
	demands  []*rule // contextInvariant of an extension
}

// empty says that a shape demands nothing.
func (s *shape) empty() bool {
	return s.min == 0 && s.max == definitions.Unbounded && s.types == nil && !s.fixed.Exists() && !s.pattern.Exists() &&
		!s.minimum.Exists() && !s.maximum.Exists() && s.maxLength == 0 && s.binding == nil && len(s.rules) == 0 &&
		s.slicing == nil && len(s.children) == 0 && s.reuse == nil
}
