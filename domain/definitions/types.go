package definitions

import (
	"iter"

	"fhirlog/domain/definitions/tables"
)

// TypeKind says what sort of thing a Type is.
type TypeKind = tables.Kind

// The kinds of type.
const (
	Primitive = tables.Primitive
	Complex   = tables.Complex
	Backbone  = tables.Backbone // the elements below an element such as Patient.contact
	Resource  = tables.Resource
)

// JSONKind is the JSON form of a primitive's value.
type JSONKind = tables.JSONKind

// The JSON forms.
const (
	NotPrimitive = tables.NotPrimitive
	JSONString   = tables.JSONString
	JSONNumber   = tables.JSONNumber
	JSONBoolean  = tables.JSONBoolean
)

// Unbounded is the Max of an element that may repeat without limit.
const Unbounded = tables.Unbounded

// MaxElements is the greatest number of elements that a type has, so that a
// set of them fits an ElementSet.
const MaxElements = 128

// Type is a FHIR type: primitive, complex, resource, or the backbone below an
// element.
type Type struct {
	Name     string // of a backbone the path of its element
	Number   int    // from 0, different for each type of a version
	Kind     TypeKind
	Abstract bool
	Profile  bool   // a constraint that serves as a type, such as SimpleQuantity
	Base     string // "" for the root types
	JSON     JSONKind
	Format   Format // of a primitive
	Regex    string // of a primitive, as published
	Elements []Element

	// Required lists the indexes of the elements with a Min above zero.
	Required []uint8

	members memberTable
}

// Element is one element of a type.
type Element struct {
	Name           string // as in FHIRPath: "value" for value[x]
	Index          int    // place in Type.Elements
	Min, Max       int    // Max is Unbounded for *
	Choice         bool   // its JSON name ends in the type
	Summary        bool
	Modifier       bool
	Representation string // its form in XML other than an element: xmlAttr, xhtml
	Types          []TypeRef
	Binding        *Binding // nil if no value set is bound

	// ContentReference is the path of the element whose definition serves
	// for this one; Types is empty and Type is the backbone of that element.
	ContentReference string
	// Type is the type of the value: a backbone where the element has one.
	// It is nil for a choice, where Member tells.
	Type *Type
}

// Repeats tells whether the element is an array in JSON.
func (e *Element) Repeats() bool { return e.Max != 1 && e.Max != 0 }

// TypeRef is one type that an element may have.
type TypeRef struct {
	Type     *Type
	Targets  []string // of references: names of types, or URLs of profiles
	Profiles []string
}

// Strength says how binding a value set is.
type Strength = tables.Strength

// The strengths.
const (
	Example    = tables.Example
	Preferred  = tables.Preferred
	Extensible = tables.Extensible
	Required   = tables.Required
)

// Binding ties an element to a value set.
type Binding struct {
	Strength    Strength
	ValueSet    string // canonical URL without version
	MaxValueSet string
	Codes       *Codes // what a required binding permits; nil where that cannot be listed
}

// Member is what a JSON member name of a type stands for.
type Member struct {
	Element *Element
	Type    *Type
}

// Member finds the element for a JSON member name; the name of a choice ends
// in its type, such as valueQuantity. Names with a leading '_' are not looked
// up here, and neither is resourceType, which is no element.
func (t *Type) Member(jsonName []byte) (Member, bool) { return t.members.find(jsonName) }

// Members lists what Member finds: every JSON name, in the order of the
// elements and, for a choice, of its types.
func (t *Type) Members() iter.Seq2[string, Member] {
	return func(yield func(string, Member) bool) {
		for i := range t.members.members {
			if m := &t.members.members[i]; !yield(m.name, m.Member) {
				return
			}
		}
	}
}

// ElementSet is a set of elements of one type by Index.
type ElementSet [MaxElements / 64]uint64

// Add puts an index into the set and tells whether it was there already.
func (s *ElementSet) Add(index int) (already bool) {
	word, bit := &s[index/64%len(s)], uint64(1)<<(index%64)
	already = *word&bit != 0
	*word |= bit
	return already
}

// Has tells whether an index is in the set.
func (s *ElementSet) Has(index int) bool { return s[index/64%len(s)]&(1<<(index%64)) != 0 }
