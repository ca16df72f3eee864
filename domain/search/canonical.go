package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// Canonical is where the resources of a type are found by their canonical URL
// (https://hl7.org/fhir/R4/references.html#canonical): the Slot of the parameter
// url.
type Canonical struct {
	Type domain.ResourceType
	Slot Slot
}

// Key is the key of the posting of resources that have the URL of a target, as
// CutCanonical gives it.
func (c Canonical) Key(url []byte) []byte {
	return AppendComponent(AppendComponent(Key(c.Slot, AspectValue), url), "")
}

// CutCanonical takes the target of a forward apart, if it is a URL: the components
// of URL and version, which may be digests. A version that is not given is empty.
func CutCanonical(target []byte) (url, version []byte, ok bool) {
	first, rest, ok := CutComponent(target)
	if !ok || len(first) == 0 || first[0] != urlMark {
		return nil, nil, false
	}
	version, _, ok = CutComponent(rest)
	return first[1:], version, ok
}

// StandsFor tells whether a component of a value stands for a text: as it is, or
// by its digest.
func StandsFor(component []byte, text string) bool {
	if string(component) == text {
		return !isDigest(component)
	}
	whole, _, _ := CutComponent(appendExact(nil, text))
	return isDigest(component) && string(whole) == string(component)
}

// ByURL finds the references by canonical URL to a resource with a URL and a
// version: those that name no version lead to every one.
func (r Reference) ByURL(url, version string) Match {
	return Match{
		Key: appendExact(append(Key(r.Slot, AspectValue), urlMark), url),
		Keep: func(value []byte) bool {
			_, asked, ok := CutCanonical(value)
			return ok && (len(asked) == 0 || StandsFor(asked, version))
		},
	}
}

// publicationStatus is the value set of the status of all resources that have a
// canonical URL, and of no others: the url of a Device is an address.
const publicationStatus = "http://hl7.org/fhir/ValueSet/publication-status"

func isCanonical(t *definitions.Type) bool {
	url, ok := t.Member([]byte("url"))
	status, published := t.Member([]byte("status"))
	return ok && published && url.Type.Name == "uri" && status.Element.Binding != nil &&
		strings.HasPrefix(status.Element.Binding.ValueSet, publicationStatus)
}

// canonicals lists the types that canonicals may lead to.
func (b *setBuilder) canonicals() (all []Canonical) {
	for _, resource := range b.set.definitions.Resources() {
		if !isCanonical(b.set.definitions.Type(resource)) {
			continue
		}
		for _, p := range b.set.plans[resource].parameters {
			if p.Code == "url" && p.Type == URI && p.Slot != 0 {
				all = append(all, Canonical{domain.ResourceType(resource), p.Slot})
			}
		}
	}
	return all
}

// leadTo tells a parameter which types its canonicals lead to.
func (p *Parameter) leadTo(all []Canonical) {
	if p.Type != ReferTo || !p.holdsURLs() {
		return
	}
	targets := targetsOf(p)
	for _, c := range all {
		if len(targets) == 0 || slices.Contains(targets, c.Type) {
			p.canonicals = append(p.canonicals, c)
		}
	}
}

// holdsURLs tells whether an absolute URL in the parameter is a canonical one.
func (p *Parameter) holdsURLs() bool {
	return slices.Contains(p.Yields, "canonical") || slices.Contains(p.Yields, "uri")
}

// Leads are the types that the parameter, a reference, can be followed to; none
// means any.
func (p *Parameter) Leads() []domain.ResourceType {
	if slices.Contains(p.Yields, "Reference") || len(p.canonicals) == 0 {
		return targetsOf(p)
	}
	types := make([]domain.ResourceType, len(p.canonicals))
	for i, c := range p.canonicals {
		types[i] = c.Type
	}
	return types
}

// reached are the types that a reference can be followed to, written out.
func (p *queryParser) reached(of *Parameter) []domain.ResourceType {
	if types := of.Leads(); len(types) > 0 {
		return types
	}
	return p.everyType()
}

// byURL lists all references that hold canonicals, one for each slot.
func (p *queryParser) byURL() (all []*Parameter) {
	seen := map[Slot]bool{}
	for _, t := range p.everyType() {
		for _, of := range p.referencesOf(t) {
			if len(of.canonicals) > 0 && !seen[of.Slot] {
				seen[of.Slot] = true
				all = append(all, of)
			}
		}
	}
	return all
}
