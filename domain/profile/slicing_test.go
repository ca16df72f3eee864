package profile

import (
	"testing"

	"fhirlog/domain/definitions"
)

// sliced is the slicing of an element by one discriminator.
func sliced(kind, path string, more ...string) string {
	text := `"slicing":{"discriminator":[{"type":"` + kind + `","path":"` + path + `"}],"rules":"open"}`
	for _, m := range more {
		text = `"slicing":{"discriminator":[{"type":"` + kind + `","path":"` + path + `"}],` + m + `}`
	}
	return text
}

func TestSlicing(t *testing.T) {
	p := func(elements ...string) []string { return some(constrain("p", "Patient", "Patient", elements...)) }
	o := func(elements ...string) []string {
		return some(constrain("p", "Observation", "Observation", elements...))
	}
	mrn := []string{
		"Patient.identifier:mrn", `"min":1,"max":"1"`, "Patient.identifier:mrn.system", `"fixedUri":"urn:mrn"`, "Patient.identifier:mrn.value", `"min":1`,
		"Patient.identifier:ssn", `"max":"1"`, "Patient.identifier:ssn.system", `"patternUri":"urn:ssn"`, "Patient.identifier:ssn.use", `"fixedCode":"official"`,
	}
	byTwo := func(slicing string) []string { return p(append([]string{"Patient.identifier", slicing}, mrn...)...) }
	female := constrain("female", "Patient", "Patient", "Patient.gender", `"min":1,"fixedCode":"female"`)
	withAge := extensionOf("age", `"context":[{"type":"element","expression":"Patient"}]`, "Extension.value[x]", `"type":[{"code":"integer"}]`)
	runCases(t, definitions.R4, []rulesCase{
		{"by value", byTwo(sliced("value", "system")), []instance{
			{patient(`"identifier":[{"system":"urn:x"},{"system":"urn:mrn","value":"1"},{"system":"urn:ssn","use":"official"}]`), nil},
			{patient(`"identifier":[{"system":"urn:x"}]`), some("error required Patient.identifier: *the slice mrn of identifier to be there.")},
			{patient(`"identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:mrn","value":"2"}]`), some("error structure Patient.identifier: *the slice mrn of identifier at most once; it is there 2 times")},
			{patient(`"identifier":[{"system":"urn:mrn"},{"system":"urn:ssn","use":"old"}]`), some("error required Patient.identifier[0].value: ", "error value Patient.identifier[1].use: ")},
		}},
		{"closed", byTwo(sliced("value", "system", `"rules":"closed"`)), []instance{
			{patient(`"identifier":[{"system":"urn:mrn","value":"1"}]`), nil},
			{patient(`"identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:x"}]`), some("error structure Patient.identifier[1]: *allows only the slices mrn, ssn of identifier here")},
		}},
		{"closed without slices", p("Patient.identifier", `"slicing":{"rules":"closed"}`), []instance{
			{patient(``), nil},
			{patient(`"identifier":[{"value":"1"}]`), some("error structure Patient.identifier[0]: ")},
		}},
		{"open at the end", byTwo(sliced("value", "system", `"rules":"openAtEnd"`)), []instance{
			{patient(`"identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:x"}]`), nil},
			{patient(`"identifier":[{"system":"urn:x"},{"system":"urn:mrn","value":"1"}]`), some("error structure Patient.identifier[0]: *only behind those of its slices")},
		}},
		{"ordered", byTwo(sliced("value", "system", `"rules":"open","ordered":true`)), []instance{
			{patient(`"identifier":[{"system":"urn:mrn","value":"1"},{"system":"urn:x"},{"system":"urn:ssn","use":"official"}]`), nil},
			{patient(`"identifier":[{"system":"urn:ssn","use":"official"},{"system":"urn:mrn","value":"1"}]`), some("error structure Patient.identifier[1]: *in the order mrn, ssn; mrn comes too late")},
		}},
		{"by the pattern of an element that holds it", o("Observation.component", sliced("pattern", "code"),
			"Observation.component:sys", `"min":1`, "Observation.component:sys.code", `"patternCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]}`,
			"Observation.component:sys.value[x]", `"min":1,"type":[{"code":"Quantity"}]`), []instance{
			{observation(`"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":1}}]`), nil},
			{observation(`"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueString":"x"}]`), some("error required Observation.component: *the slice sys")},
			{observation(`"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueString":"x"}]`), some("error structure Observation.component[0].value: *Quantity, not string")},
		}},
		{"by the pattern of the values themselves", o("Observation.category", sliced("pattern", "$this"),
			"Observation.category:vital", `"min":1,"patternCodeableConcept":{"coding":[{"system":"urn:c","code":"vital-signs"}]}`), []instance{
			{observation(`"category":[{"text":"x"},{"coding":[{"code":"y"},{"system":"urn:c","code":"vital-signs","display":"v"}]}]`), nil},
			{observation(`"category":[{"coding":[{"system":"urn:c","code":"laboratory"}]}]`), some("error required Observation.category: *the slice vital")},
		}},
		{"by the codes of the values themselves", append(o("Observation.category", sliced("value", "$this"),
			"Observation.category:known", `"min":1,"max":"1","binding":{"strength":"required","valueSet":"http://example.org/ValueSet/c"}`),
			`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/c","compose":{"include":[{"system":"urn:c","concept":[{"code":"1"},{"code":"2"}]}]}}`), []instance{
			{observation(`"category":[{"coding":[{"system":"urn:c","code":"3"}]},{"coding":[{"system":"urn:c","code":"2"}]}]`), nil},
			{observation(`"category":[{"coding":[{"system":"urn:c","code":"1"}]},{"coding":[{"system":"urn:c","code":"2"}]}]`), some("error structure Observation.category: *the slice known of category at most once")},
		}},
		{"by values within slices further down", o("Observation.component", sliced("value", "code.coding.code"),
			"Observation.component:sys", `"max":"1"`, "Observation.component:sys.code.coding", sliced("value", "code"),
			"Observation.component:sys.code.coding:c", `"min":1`, "Observation.component:sys.code.coding:c.code", `"fixedCode":"8480-6"`), []instance{
			{observation(`"component":[{"code":{"coding":[{"code":"x"},{"code":"8480-6"}]}},{"code":{"coding":[{"code":"8480-6"}]}}]`), some("error structure Observation.component: *the slice sys of component at most once; it is there 2 times")},
			{observation(`"component":[{"code":{"coding":[{"code":"x"}]}},{"code":{"coding":[{"code":"y"}]}}]`), nil},
		}},
		{"by the codes of a required binding", append(p("Patient.telecom", sliced("value", "system"), "Patient.telecom:voice", `"min":1`, "Patient.telecom:voice.system",
			`"binding":{"strength":"required","valueSet":"http://example.org/ValueSet/voice"}`),
			`{"resourceType":"ValueSet","url":"http://example.org/ValueSet/voice","compose":{"include":[{"system":"http://hl7.org/fhir/contact-point-system","concept":[{"code":"phone"},{"code":"pager"}]}]}}`), []instance{
			{patient(`"telecom":[{"system":"pager"}]`), nil},
			{patient(`"telecom":[{"system":"email"}]`), some("error required Patient.telecom: *the slice voice")},
		}},
		{"by what is there", p("Patient.name", sliced("exists", "period"), "Patient.name:past", `"max":"1"`, "Patient.name:past.period", `"min":1`,
			"Patient.name:now", `"min":1`, "Patient.name:now.period", `"max":"0"`), []instance{
			{patient(`"name":[{"text":"a"},{"period":{"end":"2000"}}]`), nil},
			{patient(`"name":[{"period":{"end":"2000"}},{"period":{"end":"2001"}}]`), some("error structure Patient.name: *the slice past", "error required Patient.name: *the slice now")},
		}},
		{"by type", o("Observation.value[x]", sliced("type", "$this"), "Observation.value[x]:valueQuantity", `"min":1`, "Observation.value[x]:valueQuantity.code", `"min":1`), []instance{
			{observation(`"valueQuantity":{"code":"g"}`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error required Observation.value.code: ")},
			{observation(`"valueString":"x"`), some("error required Observation.value: *the slice valueQuantity of value to be there")},
		}},
		{"by the type of what a reference leads to", o("Observation.performer", sliced("type", "resolve()"),
			"Observation.performer:who", `"min":1,"type":[{"code":"Reference","targetProfile":["`+coreURL+`Practitioner"]}]`,
			"Observation.performer:where", `"max":"1","type":[{"code":"Reference","targetProfile":["`+coreURL+`Organization"]}]`), []instance{
			{observation(`"performer":[{"reference":"Organization/1"},{"reference":"Practitioner/1"}]`), nil},
			{observation(`"performer":[{"reference":"Organization/1"},{"reference":"#o"}],"contained":[{"resourceType":"Organization","id":"o"}]`), some("error required Observation.performer: *who", "error structure Observation.performer: *where")},
		}},
		{"by the profile of what a reference leads to", append(o("Observation.subject", `"min":0`, "Observation.focus", sliced("profile", "resolve()"),
			"Observation.focus:she", `"max":"1","type":[{"code":"Reference","targetProfile":["`+here+`female"]}]`), female), []instance{
			{observation(`"focus":[{"reference":"#a"},{"reference":"#b"}],"contained":[{"resourceType":"Patient","id":"a","gender":"female"},{"resourceType":"Patient","id":"b","gender":"male"}]`), nil},
			{observation(`"focus":[{"reference":"#a"},{"reference":"#a"}],"contained":[{"resourceType":"Patient","id":"a","gender":"female"}]`), some("error structure Observation.focus: *she")},
		}},
		{"by profile", append(some(constrain("p", "Bundle", "Bundle", "Bundle.entry", sliced("profile", "resource"), "Bundle.entry:she", `"min":1`, "Bundle.entry:she.resource", `"type":[{"code":"Patient","profile":["`+here+`female"]}]`)), female), []instance{
			{resourceOf("Bundle", `"entry":[{"resource":{"resourceType":"Patient"}},{"resource":{"resourceType":"Patient","gender":"female"}}]`), nil},
			{resourceOf("Bundle", `"entry":[{"resource":{"resourceType":"Patient"}}]`), some("error required Bundle.entry: *she")},
		}},
		{"by the value of an extension", append(p("Patient.contact", sliced("value", "extension('"+here+"age').value"),
			"Patient.contact:old", `"max":"0"`, "Patient.contact:old.extension:age", `"min":1,"type":[{"code":"Extension","profile":["`+here+`age"]}]`, "Patient.contact:old.extension:age.value[x]", `"fixedInteger":100`),
			extensionOf("age", `"context":[{"type":"element","expression":"Element"}]`)), []instance{
			{patient(`"contact":[{"gender":"male","extension":[{"url":"` + here + `age","valueInteger":99}]}]`), nil},
			{patient(`"contact":[{"gender":"male","extension":[{"url":"` + here + `age","valueInteger":100}]}]`), some("error structure Patient.contact: *old")},
		}},
		{"by a type on the way", o("Observation.component", sliced("value", "value.ofType(Quantity).code"), "Observation.component:g", `"max":"1"`,
			"Observation.component:g.value[x]", `"type":[{"code":"Quantity"}]`, "Observation.component:g.value[x].code", `"fixedCode":"g"`), []instance{
			{observation(`"component":[{"valueQuantity":{"code":"g"}},{"valueQuantity":{"code":"kg"}},{"valueString":"g"}]`), nil},
			{observation(`"component":[{"valueQuantity":{"code":"g"}},{"valueQuantity":{"code":"g"}}]`), some("error structure Observation.component: *the slice g")},
		}},
		{"slices of slices", byTwoReslices(), []instance{
			{patient(`"identifier":[{"system":"urn:mrn","use":"official"},{"system":"urn:mrn","use":"old"}]`), nil},
			{patient(`"identifier":[{"system":"urn:mrn","use":"old"},{"system":"urn:x","use":"official"}]`), some("error required Patient.identifier: *the slice mrn/official")},
		}},
		{"what no other slice takes", p("Patient.identifier", sliced("value", "system", `"rules":"closed"`), "Patient.identifier:mrn", "", "Patient.identifier:mrn.system", `"fixedUri":"urn:mrn"`, "Patient.identifier:@default", `"max":"1"`), []instance{
			{patient(`"identifier":[{"system":"urn:x"},{"system":"urn:mrn"}]`), nil},
			{patient(`"identifier":[{"system":"urn:x"},{"system":"urn:y"}]`), some("error structure Patient.identifier: *@default")},
		}},
		{"without discriminator the slice itself decides", p("Patient.name", `"slicing":{"rules":"open"}`, "Patient.name:full", `"min":1`, "Patient.name:full.family", `"min":1`, "Patient.name:full.given", `"min":1`), []instance{
			{patient(`"name":[{"family":"a"},{"family":"a","given":["b"]}]`), nil},
			{patient(`"name":[{"family":"a"},{"given":["b"]}]`), some("error required Patient.name: *the slice full")},
		}},
		{"a slice that nothing tells apart", p("Patient.identifier", sliced("value", "system"), "Patient.identifier:a", `"min":1`, "Patient.identifier:b", `"max":"1"`, "Patient.identifier:b.system", `"fixedUri":"urn:b"`), []instance{
			{patient(`"identifier":[{"system":"urn:b"},{"system":"urn:b"}]`), some("warning not-supported Patient: The slice Patient.identifier:a *demands nothing at system that would tell it apart.", "error structure Patient.identifier: *the slice b")},
		}},
		{"a path that is not understood", p("Patient.identifier", sliced("value", "where(use='x').system"), "Patient.identifier:a", `"min":1`), []instance{
			{patient(``), some("warning not-supported Patient: The slices of Patient.identifier *the path of the discriminator")},
		}},
		{"a discriminator that is not known", p("Patient.identifier", sliced("magic", "system"), "Patient.identifier:a", `"min":1`, "Patient.identifier:b", `"min":1`), []instance{
			{patient(``), some("warning not-supported Patient: The slice Patient.identifier:a *a discriminator of type magic is not known", "warning not-supported Patient: The slice Patient.identifier:b ")},
		}},
		{"extensions by their definitions", append(p("Patient.extension:age", `"min":1,"type":[{"code":"Extension","profile":["`+here+`age"]}]`), withAge), []instance{
			{patient(`"extension":[{"url":"` + here + `age","valueInteger":1}]`), nil},
			{patient(``), some("error required Patient.extension: *the slice age of extension to be there")},
			{patient(`"extension":[{"url":"` + here + `age","valueString":"x"}]`), some("error structure Patient.extension[0].value: The profile " + here + "age demands value to be of type integer, not string.")},
		}},
		{"extensions whose definitions are not known", p("Patient.extension:age", `"min":1,"type":[{"code":"Extension","profile":["`+here+`age|2"]}]`), []instance{
			{patient(`"extension":[{"url":"` + here + `age","valueInteger":1}]`), some("warning not-found Patient.extension[0]: The profile " + here + "age|2, which ")},
			{patient(`"extension":[{"url":"` + here + `other","valueInteger":1}]`), some("error required Patient.extension: *the slice age")},
		}},
	})
}

func byTwoReslices() []string {
	return some(constrain("p", "Patient", "Patient", "Patient.identifier", sliced("value", "system"),
		"Patient.identifier:mrn", sliced("value", "use"), "Patient.identifier:mrn.system", `"fixedUri":"urn:mrn"`,
		"Patient.identifier:mrn/official", `"min":1`, "Patient.identifier:mrn/official.use", `"fixedCode":"official"`))
}
