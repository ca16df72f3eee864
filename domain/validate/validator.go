package validate

import (
	"runtime"
	"sync"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// MaxIssues is the greatest number of faults that are reported; the walk ends
// there. As many warnings are reported besides.
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

// Policy says what becomes of the findings beyond structure: broken invariants,
// codes outside of a value set, references to wrong types.
type Policy uint8

// The policies.
const (
	Off  Policy = iota // only structure is looked at
	Warn               // findings are warnings at most
	Fail               // findings are as severe as the specification has them
)

// Options say what Check looks at.
type Options struct {
	// Expected is the type that the resource must be of; "" stands for any.
	Expected string
	// Links, if set, is called in document order for every value that is a link
	// which a transaction may have to rewrite. If there are faults, it may have been
	// called for some of the links only.
	Links func(kind LinkKind, v fhirjson.Value)
	// Rules says what becomes of findings beyond structure.
	Rules Policy
	// Recommendations asks as well for what the specification only recommends: rules
	// that it calls best practice, as that a resource has a narrative, and codings of
	// extensible bindings.
	Recommendations bool
	// Bases are the URLs of this service, each ending in a slash: what an absolute
	// reference below one of them refers to has a known type.
	Bases []string
	// TypeOf, if set, tells the type of the resource that a link leads to, where that
	// is not plain from the link; "" if it is not known.
	TypeOf func(link []byte) string
	// Stopped, if set, is asked now and then; when it returns an error, the evaluation
	// of invariants ends, and nobody wants to know what was found.
	Stopped func() error
	// Now is the time that invariants may ask for; the time of the call if zero.
	Now time.Time
}

// Validator checks resources of one FHIR version. It is safe for concurrent use.
type Validator struct {
	definitions *definitions.Definitions
	element     *definitions.Type    // Element: what a _name sibling is
	extension   *definitions.Type    // Extension
	reference   *definitions.Element // Reference.reference
	coding      *definitions.Type
	concept     *definitions.Type // CodeableConcept
	types       linkTypes
	book        *book // invariants
	walkers     sync.Pool
	// turns are for evaluations on large resources, which may take much memory: as
	// many at once as there are processors.
	turns chan struct{}
}

// New returns a validator for the FHIR version of the definitions.
func New(d *definitions.Definitions) *Validator {
	va := &Validator{
		definitions: d,
		element:     d.Type("Element"),
		extension:   d.Type("Extension"),
		coding:      d.Type("Coding"),
		concept:     d.Type("CodeableConcept"),
		types:       newLinkTypes(d),
		book:        newBook(d),
		turns:       make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if t := d.Type("Reference"); t != nil {
		m, _ := t.Member([]byte("reference"))
		va.reference = m.Element
	}
	va.walkers.New = func() any {
		w := &walker{Validator: va}
		w.memberOfSet, w.resolve = w.memberOf, w.rules.links.resolve
		return w
	}
	return va
}

// Resource checks the structure of one resource and returns all faults, at most
// MaxIssues of them, nil if there are none: Check with all else off.
func (va *Validator) Resource(v fhirjson.Value, expected string, links func(kind LinkKind, v fhirjson.Value)) []domain.Issue {
	return va.Check(v, Options{Expected: expected, Links: links})
}

// Check checks one resource and returns what it found, in the order of the walk:
// at most MaxIssues faults and as many warnings, nil if there is nothing to say.
// Each has its place in the text.
func (va *Validator) Check(v fhirjson.Value, o Options) []domain.Issue {
	w := va.walkers.Get().(*walker)
	w.links, w.policy = o.Links, o.Rules
	w.document = v.Document()
	w.path = append(w.path[:0], step{"Resource", noIndex, placeOf(v)})
	if w.policy != Off {
		w.beginRules(v, o)
	}
	w.resource(v, o.Expected, false)
	issues := w.issues
	w.issues, w.links, w.faults = nil, nil, 0
	w.document = nil // a walker at rest keeps no document alive
	if w.policy != Off {
		w.endRules()
	}
	va.walkers.Put(w)
	return issues
}
