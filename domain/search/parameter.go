package search

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// ParameterType is the type of a search parameter
// (https://hl7.org/fhir/R4/search.html#ptypes).
type ParameterType string

// The types of search parameters.
const (
	Number    ParameterType = "number"
	Date      ParameterType = "date"
	String    ParameterType = "string"
	Token     ParameterType = "token"
	ReferTo   ParameterType = "reference"
	Composite ParameterType = "composite"
	Quantity  ParameterType = "quantity"
	URI       ParameterType = "uri"
	Special   ParameterType = "special"
)

// Parameter is one search parameter as it applies to one resource type. It is
// immutable.
type Parameter struct {
	URL      string
	Code     string
	Type     ParameterType
	Resource domain.ResourceType // the type it is looked at for
	Slot     Slot
	// Shared says that the Slot is that of all types (declared on Resource or
	// DomainResource), so that matches must be narrowed to the type.
	Shared bool
	// Narrow, of a reference, is the only type that it leads to, where the values
	// in the Slot may lead to others as well: those of a parameter that it is
	// shared with.
	Narrow domain.ResourceType
	// Targets are the types that a reference may lead to, sorted; none means any.
	Targets []domain.ResourceType
	// Yields are the FHIR types that the expression can give, such as HumanName or
	// canonical, sorted.
	Yields []string
	// Components of a composite, in order.
	Components []Parameter
	Definition *definitions.SearchParameter
	// Pending says that the index does not hold all values yet: a custom parameter
	// that has not been reindexed.
	Pending bool

	canonicals []Canonical // where the canonicals of a reference lead

	program *program // how values are found in a resource; nil where there are none
	follows bool     // the values are those of a wider parameter, whose slot it shares
}

// Followed tells whether a reference parameter leads to resources by their place
// or canonical URL, so that chains, _has and includes can follow it.
func (p *Parameter) Followed() bool {
	return len(p.Yields) == 0 || slices.Contains(p.Yields, "Reference") || len(p.canonicals) > 0
}

// leads says how a reference parameter leads to resources, if it is not followed.
func (p *Parameter) leads() string {
	if p.Resource == "Bundle" {
		return "leads to a resource within a Bundle"
	}
	return "refers by canonical URL to types that have none"
}
