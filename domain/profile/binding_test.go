package profile

import (
	"testing"

	"fhirlog/domain/definitions"
)

func TestBindings(t *testing.T) {
	const marital = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
	bound := func(path, strength, set string) string {
		return constrain("p", "Patient", "Patient", path, `"binding":{"strength":"`+strength+`","valueSet":"`+set+`"}`)
	}
	two := `{"resourceType":"ValueSet","url":"http://example.org/ValueSet/two","compose":{"include":[{"system":"` + marital + `","concept":[{"code":"M"},{"code":"S"}]}]}}`
	open := `{"resourceType":"ValueSet","url":"http://example.org/ValueSet/open","compose":{"include":[{"system":"` + marital + `","concept":[{"code":"M"}]},{"system":"urn:large"}]}}`
	broken := `{"resourceType":"ValueSet","url":"http://example.org/ValueSet/broken","compose":{"include":[{}]}}`
	status := func(codings string) string { return patient(`"maritalStatus":{"text":"x"` + codings + `}`) }
	m := status(`,"coding":[{"system":"` + marital + `","code":"M"}]`)
	w := status(`,"coding":[{"system":"` + marital + `","code":"W"}]`)
	runCases(t, definitions.R4, []rulesCase{
		{"required", some(bound("Patient.maritalStatus", "required", "http://example.org/ValueSet/two|1"), two[:len(two)-1]+`,"version":"1"}`), []instance{
			{m, nil},
			{status(`,"coding":[{"system":"urn:x","code":"M"},{"system":"` + marital + `","code":"S"}]`), nil},
			{w, some("error code-invalid Patient.maritalStatus: The profile " + here + "p demands maritalStatus to have a code of the value set http://example.org/ValueSet/two|1: M, S of " + marital + ".")},
			{status(""), some("error code-invalid Patient.maritalStatus: ")},
			{status(`,"coding":[{"code":"M"}]`), some("error code-invalid Patient.maritalStatus: ")},
		}},
		{"extensible", some(bound("Patient.maritalStatus", "extensible", "http://example.org/ValueSet/two"), two), []instance{
			{m, nil},
			{status(""), nil},
			{w, some("warning code-invalid Patient.maritalStatus: *to have a code, if one fits, of the value set http://example.org/ValueSet/two: M, S of " + marital + ".")},
		}},
		{"preferred", some(bound("Patient.maritalStatus", "preferred", "http://example.org/ValueSet/two"), two), []instance{{w, nil}}},
		{"the greatest set", some(constrain("p", "Patient", "Patient", "Patient.maritalStatus", `"binding":{"strength":"preferred","valueSet":"http://example.org/ValueSet/x","extension":[{"url":"`+coreURL+`elementdefinition-maxValueSet","valueCanonical":"http://example.org/ValueSet/two"}]}`), two), []instance{
			{m, nil},
			{w, some("error code-invalid Patient.maritalStatus: ")},
		}},
		{"a set that is not known", some(bound("Patient.maritalStatus", "required", "http://example.org/ValueSet/none")), []instance{
			{m, some("warning not-supported Patient.maritalStatus: The codes of Patient.maritalStatus could not be checked against the value set http://example.org/ValueSet/none: it is not known here.")},
		}},
		{"an extensible set that is not known", some(bound("Patient.maritalStatus", "extensible", "http://example.org/ValueSet/none")), []instance{
			{m, some("information not-supported Patient.maritalStatus: ")},
		}},
		{"a set that is known in part", some(bound("Patient.maritalStatus", "required", "http://example.org/ValueSet/open"), open), []instance{
			{m, nil},
			{w, some("error code-invalid Patient.maritalStatus: ")},
			{status(`,"coding":[{"system":"urn:large","code":"M"}]`), some("warning not-supported Patient.maritalStatus: *the code system urn:large is not known here.")},
		}},
		{"a set that is none", some(bound("Patient.maritalStatus", "required", "http://example.org/ValueSet/broken"), broken), []instance{
			{m, some("warning not-supported Patient.maritalStatus: *the value set http://example.org/ValueSet/broken cannot be used: a part of it names neither a system nor value sets.")},
		}},
		{"a set of the specification", some(bound("Patient.contact.gender", "required", "http://hl7.org/fhir/ValueSet/name-use")), []instance{
			{patient(`"contact":[{"gender":"usual"}]`), nil},
			{patient(`"contact":[{"gender":"male"}]`), some("error code-invalid Patient.contact[0].gender: ")},
		}},
		{"the binding that the base has", some(bound("Patient.gender", "required", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")), []instance{
			{patient(`"gender":"x"`), nil}, // for package validate to find
		}},
		{"quantities", some(constrain("p", "Observation", "Observation", "Observation.valueQuantity", `"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/units"}`),
			`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/units","compose":{"include":[{"system":"http://unitsofmeasure.org","concept":[{"code":"g"}]}]}}`), []instance{
			{observation(`"valueQuantity":{"system":"http://unitsofmeasure.org","code":"g"}`), nil},
			{observation(`"valueQuantity":{"system":"http://unitsofmeasure.org","code":"kg"}`), some("error code-invalid Observation.value: ")},
		}},
		{"no code, and why", some(constrain("p", "Patient", "Patient", "Patient.language", `"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/two"}`), two), []instance{
			{patient(`"_language":{"extension":[{"url":"http://b.example/x","valueCode":"unknown"}]}`), nil},
			{patient(`"language":"en"`), some("error code-invalid Patient.language: ")},
		}},
		{"codings", some(constrain("p", "Encounter", "Encounter", "Encounter.class", `"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/two"}`), two), []instance{
			{resourceOf("Encounter", `"class":{"system":"`+marital+`","code":"M"}`), nil},
			{resourceOf("Encounter", `"class":{"system":"`+marital+`","code":"W"}`), some("error code-invalid Encounter.class: ")},
		}},
	})
}
