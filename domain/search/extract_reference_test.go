package search

import (
	"slices"
	"testing"

	"fhirlog/domain/definitions"
)

// The forms of https://hl7.org/fhir/R4/references.html.
func TestReference(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{
			"local", `{"resourceType":"Observation","subject":{"reference":"Patient/1","display":"Eva Li"}}`, "subject",
			[]string{"value[1][Patient][]", "forward [1][Patient][]", "present[Patient]", "text[eva li]", "text[li]"},
		},
		{
			"versioned", `{"resourceType":"Observation","subject":{"reference":"Patient/1/_history/3"}}`, "subject",
			[]string{"value[1][Patient][3]", "forward [1][Patient][3]", "present[Patient]"},
		},
		{
			"untyped", `{"resourceType":"Observation","subject":{"reference":"1"}}`, "subject",
			[]string{"value[1][][]", "present[]"},
		},
		{
			"typed_beside", `{"resourceType":"Observation","subject":{"reference":"1","type":"Device"}}`, "subject",
			[]string{"value[1][Device][]", "forward [1][Device][]", "present[Device]"},
		},
		{
			"absolute", `{"resourceType":"Observation","subject":{"reference":"https://example.org/fhir/Patient/1"}}`, "subject",
			[]string{"value[2 https://example.org/fhir/Patient/1][][]", "forward [2 https://example.org/fhir/Patient/1][][]", "present[Patient]"},
		},
		{
			"absolute_versioned", `{"resourceType":"Observation","subject":{"reference":"https://example.org/fhir/Patient/1/_history/3"}}`, "subject",
			[]string{"value[2 https://example.org/fhir/Patient/1][3][]", "forward [2 https://example.org/fhir/Patient/1][3][]", "present[Patient]"},
		},
		{
			"URN", `{"resourceType":"Observation","subject":{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}`, "subject",
			[]string{"value[2 urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0][][]", "present[]"},
		},
		{
			"contained", `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"subject":{"reference":"#p"}}`, "subject",
			[]string{"present[Patient]"},
		},
		{
			"contained_and_lost", `{"resourceType":"Observation","subject":{"reference":"#p"}}`, "subject",
			[]string{"present[]"},
		},
		{
			"logical", `{"resourceType":"Observation","subject":{"type":"Patient","identifier":{"system":"urn:oid:1.2","value":"77"}}}`, "subject",
			[]string{"identifier[77][3 urn:oid:1.2]", "present[Patient]"},
		},
		{
			"no_reference_at_all", `{"resourceType":"Observation","subject":{"reference":"what is this?"}}`, "subject",
			[]string{"present[]"},
		},
		{
			"several_of_one_type", `{"resourceType":"Observation","performer":[{"reference":"Practitioner/1"},{"reference":"Practitioner/2"},{"reference":"Organization/1"}]}`, "performer",
			[]string{
				"value[1][Practitioner][]", "forward [1][Practitioner][]", "present[Practitioner]", "value[2][Practitioner][]", "forward [2][Practitioner][]",
				"value[1][Organization][]", "forward [1][Organization][]", "present[Organization]",
			},
		},
		{
			"canonical", `{"resourceType":"CarePlan","instantiatesCanonical":["http://example.org/PlanDefinition/p|2.0"]}`, "instantiates-canonical",
			[]string{"value[2 http://example.org/PlanDefinition/p][2.0][]", "forward [2 http://example.org/PlanDefinition/p][2.0][]", "present[]"},
		},
		{
			"canonical_by_URN", `{"resourceType":"QuestionnaireResponse","questionnaire":"urn:oid:1.2|3#part"}`, "questionnaire",
			[]string{"value[2 urn:oid:1.2][3][]", "forward [2 urn:oid:1.2][3][]", "present[]"},
		},
		{
			"filter_by_type", `{"resourceType":"Appointment","participant":[{"actor":{"reference":"Location/1"}},{"actor":{"reference":"Patient/1"}},{"actor":{"reference":"https://example.org/Location/2"}},{"actor":{"type":"Location","identifier":{"value":"x"}}}]}`, "location",
			[]string{
				"value[1][Location][]", "forward [1][Location][]", "present[Location]", "value[1][Patient][]", "forward [1][Patient][]", "present[Patient]",
				"value[2 https://example.org/Location/2][][]", "forward [2 https://example.org/Location/2][][]", "identifier[x][2]",
			},
		},
		{
			"first_resource_of_a_bundle", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Composition","id":"d"}}]}`, "composition",
			[]string{"value[c][Composition][]", "present[Composition]"},
		},
		{
			"first_resource_of_another_type", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"c"}}]}`, "composition",
			nil,
		},
		{
			"condition_on_an_extension", `{"resourceType":"QuestionnaireResponse","item":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject","valueBoolean":true}],"answer":[{"valueReference":{"reference":"Patient/1"}}]},{"answer":[{"valueReference":{"reference":"Patient/2"}}]}]}`, "item-subject",
			[]string{"value[1][Patient][]", "forward [1][Patient][]", "present[Patient]"},
		},
		{
			"condition_on_a_code", `{"resourceType":"PlanDefinition","relatedArtifact":[{"type":"derived-from","resource":"http://example.org/a"},{"type":"successor","resource":"http://example.org/b"}]}`, "derived-from",
			[]string{"value[2 http://example.org/a][][]", "forward [2 http://example.org/a][][]", "present[]"},
		},
	})
}

// TestReferences checks what _include follows.
func TestReferences(t *testing.T) {
	set := loadSet(t, definitions.R4)
	resource := parseResource(t, `{"resourceType":"Observation","code":{"text":"x"},"subject":{"reference":"Patient/1"},"encounter":{"reference":"https://example.org/fhir/Encounter/2"},
		"contained":[{"resourceType":"Device","id":"d"}],"device":{"reference":"#d"},"performer":[{"reference":"Organization/3/_history/4"}]}`)
	var got []string
	set.References(resource, func(p *Parameter, value []byte) { got = append(got, p.Code+describeValue(value)) })
	slices.Sort(got)
	want := []string{"encounter[2 https://example.org/fhir/Encounter/2][][]", "patient[1][Patient][]", "performer[3][Organization][4]", "subject[1][Patient][]"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	group := parseResource(t, `{"resourceType":"Observation","subject":{"reference":"Group/1"}}`)
	set.References(group, func(p *Parameter, _ []byte) {
		if p.Code != "subject" {
			t.Errorf("%s leads to a Group", p.Code)
		}
	})
	set.References(parseResource(t, `{"resourceType":"Nothing"}`), func(*Parameter, []byte) { t.Error("a type that is not there has references") })
}
