package profile

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// clinicDefinitions is a profile of the kind that national guides have, with what
// it refers to: demographics, identifiers, communication, and three extensions.
func clinicDefinitions() []string {
	anywhere := `"context":[{"type":"element","expression":"Patient"}]`
	category := func(name string) string {
		return extensionOf(name, anywhere,
			"Extension.extension:group", `"min":0,"max":"5"`, "Extension.extension:group.url", `"fixedUri":"group"`, "Extension.extension:group.value[x]", `"min":1,"type":[{"code":"Coding"}],"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/groups"}`,
			"Extension.extension:text", `"min":1,"max":"1"`, "Extension.extension:text.url", `"fixedUri":"text"`, "Extension.extension:text.value[x]", `"min":1,"type":[{"code":"string"}]`,
			"Extension.url", `"fixedUri":"`+here+name+`"`, "Extension.value[x]", `"max":"0"`)
	}
	return []string{
		constrain("p", "Patient", "Patient",
			"Patient", `"constraint":[{"key":"c-1","severity":"error","human":"A name is there.","expression":"name.family.exists() or name.given.exists()"}]`,
			"Patient.extension:origin", `"max":"1","type":[{"code":"Extension","profile":["`+here+`origin"]}]`,
			"Patient.extension:heritage", `"max":"1","type":[{"code":"Extension","profile":["`+here+`heritage"]}]`,
			"Patient.extension:sex", `"max":"1","type":[{"code":"Extension","profile":["`+here+`sex"]}]`,
			"Patient.identifier", `"min":1,`+sliced("value", "system"), "Patient.identifier.system", `"min":1`, "Patient.identifier.value", `"min":1`,
			"Patient.identifier:mrn", `"max":"1"`, "Patient.identifier:mrn.system", `"fixedUri":"http://hospital.example/mrn"`,
			"Patient.name", `"min":1,"constraint":[{"key":"c-2","severity":"error","human":"Family or given.","expression":"family.exists() or given.exists()"}]`,
			"Patient.telecom.system", `"min":1`, "Patient.telecom.value", `"min":1`, "Patient.gender", `"min":1`,
			"Patient.maritalStatus", `"binding":{"strength":"extensible","valueSet":"http://example.org/ValueSet/marital"}`,
			"Patient.address.state", `"maxLength":2`, "Patient.communication.language", `"min":1`,
			"Patient.generalPractitioner", `"type":[{"code":"Reference","targetProfile":["`+coreURL+`Practitioner"]}]`),
		category("origin"), category("heritage"),
		extensionOf("sex", anywhere, "Extension.url", `"fixedUri":"`+here+`sex"`, "Extension.value[x]", `"min":1,"type":[{"code":"code"}]`),
		`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/groups","compose":{"include":[{"system":"urn:groups","concept":[{"code":"1"},{"code":"2"},{"code":"3"}]}]}}`,
		`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/marital","compose":{"include":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","concept":[{"code":"M"},{"code":"S"}]}]}}`,
	}
}

// clinicPatient is a resource of about a kilobyte that conforms.
func clinicPatient() string {
	group := func(name string) string {
		return `{"url":"` + here + name + `","extension":[{"url":"group","valueCoding":{"system":"urn:groups","code":"2"}},{"url":"text","valueString":"x"}]}`
	}
	return patient(`"meta":{"profile":["` + here + `p"]},"extension":[` + group("origin") + `,` + group("heritage") + `,{"url":"` + here + `sex","valueCode":"F"}],` +
		`"identifier":[{"system":"http://hospital.example/mrn","value":"12345"},{"system":"urn:oid:1.2.3","value":"67890"}],"active":true,` +
		`"name":[{"use":"official","family":"Example","given":["A","B"]}],"telecom":[{"system":"phone","value":"555-1234","use":"home"},{"system":"email","value":"a@b.example"}],` +
		`"gender":"female","birthDate":"1970-01-01","address":[{"line":["1 Main St"],"city":"Town","state":"MA","postalCode":"01000"}],` +
		`"maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"}]},` +
		`"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]}}],"generalPractitioner":[{"reference":"Practitioner/1"}]`)
}

func TestClinic(t *testing.T) {
	va, _ := newValidator(t, definitions.R4, clinicDefinitions()...)
	expect(t, va, clinicPatient(), nil)
	expect(t, va, strings.Replace(clinicPatient(), `"code":"2"`, `"code":"9"`, 1), nil, "error code-invalid Patient.extension[0].extension[0].value: ")
}

// BenchmarkValidate is the check of a resource of a kilobyte against a profile
// with 30 constraints, three extensions and two value sets, all known already.
func BenchmarkValidate(b *testing.B) {
	va, _ := newValidator(b, definitions.R4, clinicDefinitions()...)
	text := clinicPatient()
	resource := parse(b, text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		issues, err := va.Validate(b.Context(), resource, nil)
		if err != nil || len(issues) > 0 {
			b.Fatal(told(issues), err)
		}
	}
}

// BenchmarkUnprofiled is what the check costs a resource that declares nothing.
func BenchmarkUnprofiled(b *testing.B) {
	va, _ := newValidator(b, definitions.R4)
	resource := parse(b, strings.Replace(clinicPatient(), `"meta":{"profile":["`+here+`p"]},`, "", 1))
	b.ReportAllocs()
	for b.Loop() {
		if issues, err := va.Validate(b.Context(), resource, nil); err != nil || len(issues) > 0 {
			b.Fatal(told(issues), err)
		}
	}
}

// BenchmarkCompile is the first use of a profile.
func BenchmarkCompile(b *testing.B) {
	va, s := newValidator(b, definitions.R4, clinicDefinitions()...)
	resource := parse(b, patient(``))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		s.state++
		if _, err := va.Validate(b.Context(), resource, []string{here + "p"}); err != nil {
			b.Fatal(fmt.Sprint(n), err)
		}
	}
}
