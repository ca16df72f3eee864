package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Set is all search parameters of a FHIR version, with those that clients
// defined, ready to be found by name and to make index values of resources.
type Set struct {
	definitions *definitions.Definitions
	shapes      map[string]*shape // of resources, by name
	plans       map[string]*plan
	byURL       map[string][]*Parameter
	skipped     []Skipped
	digest      string
	customOnly  bool // nothing else is extracted: neither texts nor the type
}

// plan is what is done for one type of resource.
type plan struct {
	parameters []*Parameter // sorted by code, each code once
	hidden     []*Parameter // whose code another parameter has, with the same meaning
	root       *node
	late       []*late
	references map[Slot][]*Parameter // reference parameters by slot
}

// Skipped is a parameter of the specification that cannot be searched for.
type Skipped struct {
	URL      string
	Resource domain.ResourceType
	Reason   string
}

// Find returns a parameter of a type of resource by its code, or nil.
func (s *Set) Find(resource domain.ResourceType, code string) *Parameter {
	of := s.Of(resource)
	at, found := slices.BinarySearchFunc(of, code, compareCode)
	if !found {
		return nil
	}
	return of[at]
}

func compareCode(p *Parameter, code string) int { return strings.Compare(p.Code, code) }

// Of returns the parameters of a type of resource, sorted by code, each code
// once. The caller must not change the slice.
func (s *Set) Of(resource domain.ResourceType) []*Parameter {
	if p := s.plans[string(resource)]; p != nil {
		return p.parameters
	}
	return nil
}

// ByURL returns the parameters that one definition makes, one for each type
// that it applies to, sorted by type. The caller must not change the slice.
func (s *Set) ByURL(url string) []*Parameter { return s.byURL[url] }

// Skipped lists the parameters of the specification that are not offered,
// although they have an expression.
func (s *Set) Skipped() []Skipped { return s.skipped }

// Digest identifies the values that the parameters of the specification have:
// an index with another digest has to be computed anew. Custom parameters are
// not part of it; the log tells of them.
func (s *Set) Digest() string { return s.digest }

// Extract adds the index values of a resource, each once.
func (s *Set) Extract(v *Values, resource fhirjson.Value) {
	x := newExtractor(s, v, resource)
	x.extract()
	x.release()
}

// References calls visit for each reference of a resource that a parameter is
// about, with the value part of its posting. References to contained resources,
// canonicals and URNs are left out.
func (s *Set) References(resource fhirjson.Value, visit func(p *Parameter, value []byte)) {
	plan := s.plans[string(resource.Get("resourceType").Text())]
	if plan == nil {
		return
	}
	var found Values
	x := newExtractor(s, &found, resource)
	x.onlyReferences, x.textless = true, true
	x.extract()
	x.release()
	found.Each(func(e Entry) {
		if e.Kind != Forward {
			return
		}
		for _, p := range plan.references[SlotOf(e.Key)] {
			if p.holdsURLs() && !slices.Contains(p.Yields, "Reference") && e.Target[0] == urlMark {
				continue
			}
			if p.Narrow == "" || targetOf(e.Target) == string(p.Narrow) {
				visit(p, e.Target)
			}
		}
	})
}

// targetOf returns the type that the value of a reference tells.
func targetOf(value []byte) string {
	first, rest, ok := CutComponent(value)
	if !ok {
		return ""
	}
	if len(first) > 0 && first[0] == urlMark {
		r, _ := parseReference(first[1:])
		return string(r.typ)
	}
	typ, _, _ := CutComponent(rest)
	return string(typ)
}
