package search

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// number is a number in the middle of a key, as describe writes it.
func number(n float64) string {
	component, _, _ := CutComponent(AppendInt64Component(nil, NumberKey(n)))
	return "[" + strings.TrimSpace(string(component)) + "]"
}

// The combinations of types that R4 has.
func TestComposite(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{
			"token_quantity", `{"resourceType":"Observation","code":{"coding":[{"code":"a"},{"system":"urn:s","code":"b"}]},"valueQuantity":{"value":5,"unit":"mg"}}`, "code-value-quantity",
			[]string{"value[a][2][][][mg] 5..5", "value[b][3 urn:s][][][mg] 5..5"},
		},
		{
			"token_token", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueCodeableConcept":{"coding":[{"code":"x"},{"code":"y"}]}}`, "code-value-concept",
			[]string{"value[a][2][x][2]", "value[a][2][y][2]"},
		},
		{
			"token_string", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueString":"Yes"}`, "code-value-string",
			[]string{"value[a][2][yes][Yes]"},
		},
		{
			"token_date", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueDateTime":"2020"}`, "code-value-date",
			[]string{"value[a][2] 2020-01-01T00:00:00Z..2021-01-01T00:00:00Z"},
		},
		{
			"reference_token", `{"resourceType":"DocumentReference","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}}]}`, "relationship",
			[]string{"value[1][DocumentReference][][replaces][4 http://hl7.org/fhir/document-relationship-type]"},
		},
		{
			"token_number_number", `{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"1"}]},"windowStart":10,"windowEnd":20}}`, "chromosome-window-coordinate",
			[]string{"value[1][2]" + number(10) + " 20..20"},
		},
		{
			"component_from_the_resource", `{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"1"}]}},"variant":[{"start":10,"end":20},{"start":30}]}`, "chromosome-variant-coordinate",
			[]string{"value[1][2]" + number(10) + " 20..20"},
		},
		{
			"components_of_the_same_element_only", `{"resourceType":"Observation","component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}},{"code":{"coding":[{"code":"b"}]},"valueQuantity":{"value":2}}]}`, "component-code-value-quantity",
			[]string{"value[a][2][][][] 1..1", "value[b][2][][][] 2..2"},
		},
		{
			"resource_and_its_components", `{"resourceType":"Observation","code":{"coding":[{"code":"r"}]},"valueQuantity":{"value":0},"component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}}]}`, "combo-code-value-quantity",
			[]string{"value[r][2][][][] 0..0", "value[a][2][][][] 1..1"},
		},
		{
			"without_second_component", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueString":"x"}`, "code-value-quantity",
			nil,
		},
		{
			"either_of_two_types", `{"resourceType":"Measure","useContext":[{"code":{"code":"age"},"valueRange":{"low":{"value":1}}}]}`, "context-type-quantity",
			[]string{"value[age][2][][][] 1..open"},
		},
	})
}

func TestCompositeOfR5(t *testing.T) {
	low, high := AppendInt64Component(nil, NumberKey(1)), AppendInt64Component(nil, NumberKey(1))
	runExtract(t, definitions.R5, []extractTest{
		{
			"undefined_component", `{"resourceType":"Encounter","location":[{"location":{"reference":"Location/1"},"period":{"start":"2020","end":"2020"}}]}`, "location-period",
			[]string{"value[1][Location][] 2020-01-01T00:00:00Z..2021-01-01T00:00:00Z"},
		},
		{
			"quantity_before_quantity", `{"resourceType":"Ingredient","substance":{"strength":[{"concentrationRatio":{"numerator":{"value":1,"unit":"mg"},"denominator":{"value":2,"unit":"mL"}}}]}}`, "strength-concentration-ratio",
			[]string{"value[][][mg]" + describeValue(low) + describeValue(high) + "[][][mL] 2..2"},
		},
	})
}

// TestCombinations checks that a hostile resource does not make the product of
// its values grow without bound.
func TestCombinations(t *testing.T) {
	set := loadSet(t, definitions.R4)
	codes := func(prefix string) string {
		var all []string
		for i := range 1000 {
			all = append(all, fmt.Sprintf(`{"code":"%s%d"}`, prefix, i))
		}
		return strings.Join(all, ",")
	}
	values := valuesOf(set, parseResource(t, `{"resourceType":"Observation","code":{"coding":[`+codes("a")+`]},"valueCodeableConcept":{"coding":[`+codes("b")+`]}}`), "code-value-concept")
	if len(values) > mostCombinations+1 || len(values) < mostCombinations {
		t.Errorf("%d combinations, at most %d are meant", len(values), mostCombinations)
	}
}
