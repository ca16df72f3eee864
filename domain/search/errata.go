package search

import (
	"slices"

	"fhirlog/domain/definitions"
)

// erratum corrects a definition of the specification that cannot be meant as
// it is published.
type erratum struct {
	expression string
	components []string // expressions, in the order of the components
	targets    []string
}

const specification = "http://hl7.org/fhir/SearchParameter/"

// errata are the corrections, by URL and then by the expression that is wrong:
// versions that have it right are left alone.
var errata = map[string]map[string]erratum{
	// The components refer to relatesto and relation, and have each other's
	// expression (all versions).
	specification + "DocumentReference-relationship": {
		"DocumentReference.relatesTo": {components: []string{"target", "code"}},
	},
	// The reference is one element further down (R4B).
	specification + "Ingredient-manufacturer": {
		"Ingredient.manufacturer": {expression: "Ingredient.manufacturer.manufacturer"},
	},
	// R4B does not say which of the resources in a Bundle are meant; R4 does.
	specification + "Bundle-composition": {
		"Bundle.entry[0].resource": {targets: []string{"Composition"}},
	},
	specification + "Bundle-message": {
		"Bundle.entry[0].resource": {targets: []string{"MessageHeader"}},
	},
	// A component of type reference takes the Reference, not its string (R5).
	specification + "Encounter-location-period": {
		"Encounter.location": {components: []string{"location", "period"}},
	},
}

// corrected returns the definition as it is meant: a copy where it is changed.
func corrected(def *definitions.SearchParameter) *definitions.SearchParameter {
	e, wrong := errata[def.URL][def.Expression]
	if !wrong {
		return def
	}
	right := *def
	if e.expression != "" {
		right.Expression = e.expression
	}
	if len(right.Targets) == 0 {
		right.Targets = e.targets
	}
	if len(e.components) == len(right.Components) {
		right.Components = slices.Clone(right.Components)
		for i := range right.Components {
			right.Components[i].Expression = e.components[i]
		}
	}
	return &right
}
