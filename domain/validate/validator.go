package validate

import (
	"sync"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// MaxIssues is the greatest number of faults that are reported; the walk ends
// there.
const MaxIssues = 100

// MaxDepth is the greatest nesting of elements that a resource may have.
const MaxDepth = 200

// LinkKind says where a link stands.
type LinkKind uint8

// The places of links.
const (
	LinkReference LinkKind = iota // Reference.reference
	LinkURI                       // an element of type uri, url, oid or uuid
	LinkCanonical                 // an element of type canonical: a name, which no transaction rewrites
	LinkXHTML                     // a narrative: its a and img elements may hold links
)

// Validator checks resources of one FHIR version.
type Validator struct {
	definitions *definitions.Definitions
	element     *definitions.Type    // Element: what a _name sibling is
	extension   *definitions.Type    // Extension
	reference   *definitions.Element // Reference.reference
	coding      *definitions.Type
	concept     *definitions.Type // CodeableConcept
	walkers     sync.Pool
}

// New returns a validator for the FHIR version of the definitions.
func New(d *definitions.Definitions) *Validator {
	va := &Validator{
		definitions: d,
		element:     d.Type("Element"),
		extension:   d.Type("Extension"),
		coding:      d.Type("Coding"),
		concept:     d.Type("CodeableConcept"),
	}
	if t := d.Type("Reference"); t != nil {
		m, _ := t.Member([]byte("reference"))
		va.reference = m.Element
	}
	va.walkers.New = func() any { return &walker{Validator: va} }
	return va
}

// Resource checks one resource and returns all faults, at most MaxIssues of
// them, nil if there are none. The resource must be of the type expected, or
// of any type if expected is "".
//
// If links is not nil, it is called in document order for every value that is
// a link which a transaction may have to rewrite. If there are faults, it may
// have been called for some of the links only.
func (va *Validator) Resource(v fhirjson.Value, expected string, links func(kind LinkKind, v fhirjson.Value)) []domain.Issue {
	w := va.walkers.Get().(*walker)
	w.links = links
	w.path = append(w.path[:0], step{"Resource", noIndex})
	w.resource(v, expected, false)
	issues := w.issues
	w.issues, w.links = nil, nil
	va.walkers.Put(w)
	return issues
}
