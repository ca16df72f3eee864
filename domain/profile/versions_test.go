package profile

import (
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// TestVersions checks the same rules in every version.
func TestVersions(t *testing.T) {
	for _, version := range definitions.Versions() {
		t.Run(version.String(), func(t *testing.T) {
			va, _ := newValidator(t, version,
				constrain("p", "Patient", "Patient", "Patient.name", `"min":1`, "Patient.identifier", sliced("value", "system"), "Patient.identifier:mrn", `"min":1`, "Patient.identifier:mrn.system", `"fixedUri":"urn:mrn"`,
					"Patient.gender", `"constraint":[{"key":"k","severity":"error","human":"h","expression":"$this = 'male'"}]`),
				constrain("o", "Observation", "Observation", "Observation.valueQuantity.code", `"min":1`))
			expect(t, va, patient(`"gender":"female"`), []string{here + "p"}, "error required Patient.name: ", "error required Patient.identifier: *mrn", "error invariant Patient.gender: ")
			expect(t, va, patient(`"name":[{"text":"a"}],"identifier":[{"system":"urn:mrn"}]`), []string{here + "p"})
			expect(t, va, observation(`"valueQuantity":{"value":1}`), []string{here + "o"}, "error required Observation.value.code: ")
		})
	}
}

// TestSTU3 checks what STU3 writes in another way.
func TestSTU3(t *testing.T) {
	d := func(name, typ, element string) string {
		return strings.Replace(constrain(name, typ, typ), `"element":[]`, `"element":[`+element+`]`, 1)
	}
	age := strings.Replace(d("age", "Extension", `{"id":"Extension.value[x]:valueInteger","path":"Extension.valueInteger","sliceName":"valueInteger","min":1}`), `"kind":"resource"`,
		`"kind":"complex-type","contextType":"resource","context":["Patient"]`, 1)
	runCases(t, definitions.STU3, []rulesCase{
		{"one profile of a type", some(d("p", "Patient", `{"path":"Patient.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}},{"path":"Patient.extension","sliceName":"age","min":1,"type":[{"code":"Extension","profile":"`+here+`age"}]}`), age), []instance{
			{patient(`"extension":[{"url":"` + here + `age","valueInteger":1}]`), nil},
			{patient(``), some("error required Patient.extension: *the slice age")},
			{patient(`"extension":[{"url":"` + here + `age","valueString":"x"}]`), some("error required Patient.extension[0].value: *valueInteger")},
			{patient(`"contact":[{"extension":[{"url":"` + here + `age","valueInteger":1}]}]`), some("error required Patient.extension: ", "error extension Patient.contact[0].extension[0]: ")},
		}},
		{"one target of a type", some(d("p", "Patient", `{"path":"Patient.generalPractitioner","type":[{"code":"Reference","targetProfile":"`+coreURL+`Practitioner"}]}`)), []instance{
			{patient(`"generalPractitioner":[{"reference":"Practitioner/1"}]`), nil},
			{patient(`"generalPractitioner":[{"reference":"Organization/1"}]`), some("error structure Patient.generalPractitioner[0]: ")},
		}},
		{"the same type with several targets", some(d("p", "Observation", `{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":"`+coreURL+`Patient"},{"code":"Reference","targetProfile":"`+coreURL+`Group"}]}`)), []instance{
			{observation(`"subject":{"reference":"Group/1"}`), nil},
			{observation(`"subject":{"reference":"Device/1"}`), some("error structure Observation.subject: ")},
		}},
		{"a value set by reference", some(d("p", "Patient", `{"path":"Patient.language","binding":{"strength":"required","valueSetReference":{"reference":"http://example.org/ValueSet/v"}}}`),
			`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/v","compose":{"include":[{"system":"urn:ietf:bcp:47","concept":[{"code":"en"}]}]}}`), []instance{
			{patient(`"language":"en"`), nil},
			{patient(`"language":"de"`), some("error code-invalid Patient.language: ")},
		}},
		{"ids that spell slices in another way", some(d("p", "Patient", `{"id":"Patient.identifier","path":"Patient.identifier",`+sliced("value", "system")+`},{"id":"Patient.identifier:mrn","path":"Patient.identifier","sliceName":"MRN","max":"1"},{"id":"Patient.identifier:mrn.system","path":"Patient.identifier.system","fixedUri":"urn:mrn"}`)), []instance{
			{patient(`"identifier":[{"system":"urn:mrn"},{"system":"urn:mrn"}]`), some("error structure Patient.identifier: *the slice MRN")},
		}},
	})
}

// TestR5 checks what came with R5.
func TestR5(t *testing.T) {
	runCases(t, definitions.R5, []rulesCase{
		{"slices by position", some(constrain("p", "Patient", "Patient", "Patient.name", sliced("position", "$this"), "Patient.name:first", "", "Patient.name:first.family", `"min":1`, "Patient.name:second", `"max":"1"`)), []instance{
			{patient(`"name":[{"family":"a"},{"text":"b"}]`), nil},
			{patient(`"name":[{"text":"b"},{"family":"a"}]`), some("error required Patient.name[0].family: ")},
		}},
		{"targets of a reference that may be a code", some(constrain("p", "MedicationRequest", "MedicationRequest", "MedicationRequest.medication", `"type":[{"code":"CodeableReference","targetProfile":["`+coreURL+`Substance"]}]`)), []instance{
			{resourceOf("MedicationRequest", `"medication":{"concept":{"text":"x"}}`), nil},
			{resourceOf("MedicationRequest", `"medication":{"reference":{"reference":"Substance/1"}}`), nil},
			{resourceOf("MedicationRequest", `"medication":{"reference":{"reference":"Medication/1"}}`), some("error structure MedicationRequest.medication: *not to Medication")},
		}},
		{"other types give way to one that must be there", some(constrain("p", "Observation", "Observation", "Observation.valueQuantity", `"min":1`)), []instance{
			{observation(`"valueString":"x"`), some("error structure Observation.value: *Quantity, not string", "error structure Observation.value: *allows only", "error required Observation.value: *valueQuantity")},
		}},
		{"other types stay where one may be missing", some(constrain("p", "Observation", "Observation", "Observation.valueQuantity.code", `"min":1`)), []instance{
			{observation(`"valueString":"x"`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error required Observation.value.code: ")},
		}},
		{"an additional binding that is the greatest set", some(constrain("p", "Patient", "Patient", "Patient.language", `"binding":{"strength":"preferred","valueSet":"http://example.org/ValueSet/w","additional":[{"purpose":"maximum","valueSet":"http://example.org/ValueSet/v"}]}`),
			`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/v","compose":{"include":[{"system":"urn:ietf:bcp:47","concept":[{"code":"en"}]}]}}`), []instance{
			{patient(`"language":"en"`), nil},
			{patient(`"language":"de"`), some("error code-invalid Patient.language: ")},
		}},
	})
}
