package search

import (
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// The types of https://hl7.org/fhir/R4/search.html#token.
func TestToken(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{
			"concept", `{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003","display":"Hypertension"},{"code":"local"}],"text":"High blood pressure"}}`, "code",
			[]string{
				"present", "value[38341003][3 http://snomed.info/sct]", "system[3 http://snomed.info/sct]", "text[hypertension]",
				"value[local][2]", "text[high blood pressure]", "text[blood pressure]", "text[pressure]",
			},
		},
		{
			"concept_with_text_only", `{"resourceType":"Condition","code":{"text":"Ache"}}`, "code",
			[]string{"present", "text[ache]"},
		},
		{
			"coding", `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:a","code":"b"}]}}`, "_tag",
			[]string{"present", "value[b][3 urn:a]", "system[3 urn:a]"},
		},
		{
			"system_without_code", `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:a"}]}}`, "_tag",
			[]string{"present", "system[3 urn:a]"},
		},
		{
			"LOINC_without_case", `{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"LA6576-8"}]}}`, "code",
			[]string{"present", "value[la6576-8][3 http://loinc.org]", "system[3 http://loinc.org]"},
		},
		{
			"other_systems_with_case", `{"resourceType":"Observation","code":{"coding":[{"system":"http://unitsofmeasure.org","code":"Mm"}]}}`, "code",
			[]string{"present", "value[Mm][3 http://unitsofmeasure.org]", "system[3 http://unitsofmeasure.org]"},
		},
		{
			"identifier", `{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}],"text":"Record number"},"system":"urn:oid:1.2","value":"12345"}]}`, "identifier",
			[]string{
				"present", "value[12345][3 urn:oid:1.2]", "system[3 urn:oid:1.2]",
				"of-type[12345][MR][http://terminology.hl7.org/CodeSystem/v2-0203]", "text[record number]", "text[number]",
			},
		},
		{
			"identifier_without_system", `{"resourceType":"Patient","identifier":[{"value":"12345"}]}`, "identifier",
			[]string{"present", "value[12345][2]"},
		},
		{
			"contact_point_by_condition", `{"resourceType":"Patient","telecom":[{"system":"email","value":"a@example.org"},{"system":"phone","value":"555"},{"value":"none"}]}`, "phone",
			[]string{"present", "value[555][2]"},
		},
		{
			"contact_points", `{"resourceType":"Patient","telecom":[{"system":"email","value":"a@example.org"},{"system":"phone","value":"555"}]}`, "telecom",
			[]string{"present", "value[555][2]", "value[a@example.org][2]"},
		},
		{
			"code_with_implied_system", `{"resourceType":"Patient","gender":"female"}`, "gender",
			[]string{"present", "value[female][4 http://hl7.org/fhir/administrative-gender]", "system[4 http://hl7.org/fhir/administrative-gender]"},
		},
		{
			"language_has_no_case", `{"resourceType":"Patient","communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"de-CH"}]}}]}`, "language",
			[]string{"present", "value[de-ch][3 urn:ietf:bcp:47]", "system[3 urn:ietf:bcp:47]"},
		},
		{
			"boolean", `{"resourceType":"Patient","active":false}`, "active",
			[]string{"present", "value[false][2]"},
		},
		{
			"string", `{"resourceType":"ValueSet","version":"4.0.1"}`, "version",
			[]string{"present", "value[4.0.1][2]"},
		},
		{
			"uri", `{"resourceType":"NamingSystem","uniqueId":[{"value":"urn:oid:1.2"}]}`, "value",
			[]string{"present", "value[urn:oid:1.2][]", "text[urn:oid:1.2]", "text[oid:1.2]", "text[1.2]", "text[2]"},
		},
		{
			"deceased_by_date", `{"resourceType":"Patient","deceasedDateTime":"2015"}`, "deceased",
			[]string{"present", "value[true][2]"},
		},
		{
			"deceased_is_false", `{"resourceType":"Patient","deceasedBoolean":false}`, "deceased",
			[]string{"present", "value[false][2]"},
		},
		{
			"deceased_is_missing", `{"resourceType":"Patient"}`, "deceased",
			[]string{"present", "value[false][2]"},
		},
		{
			"equal_values_once", `{"resourceType":"Condition","code":{"coding":[{"code":"a","display":"A"},{"code":"a","display":"A"}],"text":"A"}}`, "code",
			[]string{"present", "value[a][2]", "text[a]"},
		},
		{
			"nulls_and_wrong_kinds", `{"resourceType":"Condition","code":{"coding":[null,{"code":5,"display":null},"x"],"text":{}}}`, "code",
			[]string{"present"},
		},
		{
			"choice_of_types", `{"resourceType":"Group","characteristic":[{"code":{"coding":[{"code":"smoker"}]},"valueBoolean":true}]}`, "value",
			[]string{"present", "value[true][2]"},
		},
	})
}

func TestTokenOfSTU3(t *testing.T) {
	runExtract(t, definitions.STU3, []extractTest{
		{
			"type_as_question", `{"resourceType":"Condition","abatementDateTime":"2015"}`, "abatement-boolean",
			[]string{"present", "value[true][2]"},
		},
		{
			"type_itself", `{"resourceType":"Condition","abatementBoolean":false}`, "abatement-boolean",
			[]string{"present", "value[false][2]"},
		},
	})
}

func TestTokenOfR5(t *testing.T) {
	runExtract(t, definitions.R5, []extractTest{
		{
			"concept_compared_with_a_code", `{"resourceType":"Device","identifier":[{"type":{"coding":[{"code":"SNO"}]},"value":"s-1"},{"value":"other"}],"serialNumber":"s-2"}`, "serial-number",
			[]string{"present", "value[s-1][]", "value[s-2][]", "text[s-1]", "text[s-2]", "text[1]", "text[2]"},
		},
		{
			"codeable_reference", `{"resourceType":"Encounter","reason":[{"value":[{"concept":{"coding":[{"code":"fever"}]}},{"reference":{"reference":"Condition/1"}}]}]}`, "reason-code",
			[]string{"present", "value[fever][2]"},
		},
	})
}

func TestLongCode(t *testing.T) {
	set := loadSet(t, definitions.R4)
	long := strings.Repeat("x", MaxKeyText+1)
	resource := parseResource(t, `{"resourceType":"Condition","code":{"coding":[{"code":"`+long+`"}]}}`)
	want := AppendTokenValue(Key(set.Find("Condition", "code").Slot, AspectValue), "", long, NoSystem)
	if len(want) > 60 {
		t.Errorf("the key of a long code has %d bytes", len(want))
	}
	for _, e := range extractAll(set, resource) {
		if string(e.Key) == string(want) {
			return
		}
	}
	t.Errorf("a code of %d bytes is not found by its own key", len(long))
}
