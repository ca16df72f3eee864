package profile

import (
	"testing"

	"fhirlog/domain/definitions"
)

func TestContent(t *testing.T) {
	p := func(elements ...string) []string { return some(constrain("p", "Patient", "Patient", elements...)) }
	o := func(elements ...string) []string {
		return some(constrain("p", "Observation", "Observation", elements...))
	}
	runCases(t, definitions.R4, []rulesCase{
		{"an element must be there", p("Patient.birthDate", `"min":1`), []instance{
			{patient(`"birthDate":"2000"`), nil},
			{patient(`"_birthDate":{"extension":[{"url":"http://a.example/x","valueCode":"unknown"}]}`), nil},
			{patient(`"active":true`), some("error required Patient.birthDate: The profile " + here + "p demands the element birthDate to be there.")},
		}},
		{"it must be there several times", p("Patient.name", `"min":2`), []instance{
			{patient(`"name":[{"text":"a"},{"text":"b"}]`), nil},
			{patient(`"name":[{"text":"a"}]`), some("error required Patient.name: *at least 2 times; it is there once")},
			{patient(``), some("error required Patient.name: *at least 2 times; it is there not at all")},
		}},
		{"it must not be there", p("Patient.photo", `"max":"0"`), []instance{
			{patient(``), nil},
			{patient(`"photo":[{"title":"x"}]`), some("error structure Patient.photo: *does not allow the element photo")},
		}},
		{"it may be there once only", p("Patient.name.given", `"max":"1"`), []instance{
			{patient(`"name":[{"given":["a"]},{"given":["b"]}]`), nil},
			{patient(`"name":[{"given":["a"]},{"given":["b","c"]}]`), some("error structure Patient.name[1].given: *at most once; it is there 2 times")},
			{patient(`"name":[{"given":["a",null],"_given":[null,{"id":"b"}]}]`), some("error structure Patient.name[0].given: *2 times")},
		}},
		{"below what is not there nothing is demanded", p("Patient.contact.name", `"min":1`, "Patient.contact.name.family", `"min":1`), []instance{
			{patient(``), nil},
			{patient(`"contact":[{"gender":"male"}]`), some("error required Patient.contact[0].name: ")},
			{patient(`"contact":[{"name":{"text":"a"}}]`), some("error required Patient.contact[0].name.family: ")},
			{patient(`"contact":[{"name":{"family":"a"}}]`), nil},
		}},
		{"cardinality as the base has it is no demand", p("Patient.name", `"min":0,"max":"*"`, "Patient.active", `"max":"1"`), []instance{{patient(``), nil}}},
		{"fixed value of a primitive", p("Patient.gender", `"fixedCode":"female"`), []instance{
			{patient(`"gender":"female"`), nil},
			{patient(``), nil},
			{patient(`"gender":"male"`), some(`error value Patient.gender: *demands gender to be exactly "female"`)},
		}},
		{"fixed value of a complex type", p("Patient.maritalStatus", `"fixedCodeableConcept":{"coding":[{"system":"urn:a","code":"M"}]}`), []instance{
			{patient(`"maritalStatus":{"coding":[{"code":"M","system":"urn:a"}]}`), nil},
			{patient(`"maritalStatus":{"coding":[{"code":"M","system":"urn:a"}],"text":"more"}`), some("error value Patient.maritalStatus: ")},
		}},
		{"fixed decimals count digits", o("Observation.valueQuantity.value", `"fixedDecimal":1.0`), []instance{
			{observation(`"valueQuantity":{"value":1.0}`), nil},
			{observation(`"valueQuantity":{"value":1.00}`), some("error value Observation.value.value: ")},
		}},
		{"a pattern leaves room", p("Patient.maritalStatus", `"patternCodeableConcept":{"coding":[{"system":"urn:a","code":"M"}]}`), []instance{
			{patient(`"maritalStatus":{"coding":[{"system":"urn:b","code":"x"},{"system":"urn:a","code":"M","display":"m"}],"text":"more"}`), nil},
			{patient(`"maritalStatus":{"coding":[{"system":"urn:b","code":"M"},{"system":"urn:a","code":"x"}]}`), some(`error value Patient.maritalStatus: *to have all of {"coding":[{"system":"urn:a","code":"M"}]}`)},
			{patient(`"maritalStatus":{"text":"M"}`), some("error value Patient.maritalStatus: ")},
		}},
		{"a pattern of a primitive", p("Patient.language", `"patternCode":"en"`), []instance{
			{patient(`"language":"en"`), nil},
			{patient(`"language":"de"`), some("error value Patient.language: ")},
		}},
		{"length", p("Patient.name.family", `"maxLength":3`), []instance{
			{patient(`"name":[{"family":"äöü"}]`), nil},
			{patient(`"name":[{"family":"äöüß"}]`), some("error value Patient.name[0].family: *at most 3 characters")},
		}},
		{"range of dates", p("Patient.birthDate", `"minValueDate":"1900-01-01","maxValueDate":"2000-12-31"`), []instance{
			{patient(`"birthDate":"1900-01-01"`), nil},
			{patient(`"birthDate":"1999"`), nil},
			{patient(`"birthDate":"1899-12-31"`), some("error value Patient.birthDate: *not less than \"1900-01-01\"")},
			{patient(`"birthDate":"2001-01-01"`), some("error value Patient.birthDate: *not more than \"2000-12-31\"")},
		}},
		{"range of numbers", p("Patient.telecom.rank", `"minValuePositiveInt":2,"maxValuePositiveInt":3`), []instance{
			{patient(`"telecom":[{"rank":2},{"rank":3}]`), nil},
			{patient(`"telecom":[{"rank":1},{"rank":4}]`), some("error value Patient.telecom[0].rank: *not less than 2", "error value Patient.telecom[1].rank: *not more than 3")},
		}},
		{"range of quantities across units", o("Observation.valueQuantity", `"maxValueQuantity":{"value":1,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}`), []instance{
			{observation(`"valueQuantity":{"value":999,"system":"http://unitsofmeasure.org","code":"g"}`), nil},
			{observation(`"valueQuantity":{"value":1001,"system":"http://unitsofmeasure.org","code":"g"}`), some("error value Observation.value: *not more than")},
		}},
		{"the element of a primitive", p("Patient.birthDate.extension", `"min":1`), []instance{
			{patient(`"birthDate":"2000","_birthDate":{"extension":[{"url":"http://a.example/x","valueCode":"y"}]}`), nil},
			{patient(`"birthDate":"2000"`), some("error required Patient.birthDate.extension: ")},
		}},
	})
}

func TestTypes(t *testing.T) {
	o := func(elements ...string) []string {
		return some(constrain("p", "Observation", "Observation", elements...))
	}
	quantity := constrain("q", "Quantity", "Quantity", "Quantity.code", `"min":1`)
	ratio := constrain("r", "Quantity", "Quantity", "Quantity.comparator", `"min":1`)
	tall := constrain("tall", "Patient", "Patient", "Patient.active", `"min":1`)
	runCases(t, definitions.R4, []rulesCase{
		{"a choice is narrowed", o("Observation.value[x]", `"type":[{"code":"Quantity"},{"code":"string"}]`), []instance{
			{observation(`"valueQuantity":{"value":1}`), nil},
			{observation(`"valueString":"x"`), nil},
			{observation(`"valueInteger":1`), some("error structure Observation.value: *demands value to be of type Quantity or string, not integer.")},
		}},
		{"elements below the only type", o("Observation.value[x]", `"type":[{"code":"Quantity"}]`, "Observation.value[x].unit", `"min":1`), []instance{
			{observation(`"valueQuantity":{"unit":"g"}`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error required Observation.value.unit: ")},
		}},
		{"the names of types", o("Observation.valueQuantity", `"max":"0"`, "Observation.valueCodeableConcept.text", `"min":1`), []instance{
			{observation(`"valueString":"x"`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error structure Observation.value: *does not allow the slice valueQuantity of value")},
			{observation(`"valueCodeableConcept":{"coding":[{"code":"x"}]}`), some("error required Observation.value.text: ")},
		}},
		{"the name of one type stands for the only one", o("Observation.valueQuantity.code", `"min":1`), []instance{
			{observation(`"valueQuantity":{"code":"g"}`), nil},
			{observation(``), nil},
			{observation(`"valueString":"x"`), some("error structure Observation.value: *to be of type Quantity, not string", "error structure Observation.value: *allows only the slices valueQuantity")},
		}},
		{"a choice without its sign", o("Observation.value", `"min":1`), []instance{
			{observation(`"valueString":"x"`), nil},
			{observation(``), some("error required Observation.value: ")},
		}},
		{"the profile of a type", append(o("Observation.value[x]", `"type":[{"code":"Quantity","profile":["`+here+`q"]},{"code":"string"}]`), quantity), []instance{
			{observation(`"valueQuantity":{"code":"g"}`), nil},
			{observation(`"valueString":"x"`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error required Observation.value.code: The profile " + here + "q demands")},
		}},
		{"one of several profiles of a type", append(o("Observation.value[x]", `"type":[{"code":"Quantity","profile":["`+here+`q","`+here+`r"]}]`), quantity, ratio), []instance{
			{observation(`"valueQuantity":{"code":"g"}`), nil},
			{observation(`"valueQuantity":{"comparator":"<"}`), nil},
			{observation(`"valueQuantity":{"value":1}`), some("error structure Observation.value: *one of the profiles " + here + "q, " + here + "r, and none is met.")},
		}},
		{"a profile of a type that is not known", o("Observation.value[x]", `"type":[{"code":"Quantity","profile":["`+here+`unknown"]}]`), []instance{
			{observation(`"valueQuantity":{"value":1}`), some("warning not-found Observation.value: The profile " + here + "unknown, which " + here + "p refers to, is not known here")},
		}},
		{"targets of references by type", o("Observation.subject", `"type":[{"code":"Reference","targetProfile":["`+coreURL+`Patient","`+coreURL+`Group"]}]`), []instance{
			{observation(`"subject":{"reference":"Patient/1"}`), nil},
			{observation(`"subject":{"reference":"http://b.example/fhir/Group/1/_history/2"}`), nil},
			{observation(`"subject":{"reference":"urn:uuid:1"}`), nil},
			{observation(`"subject":{"display":"x"}`), nil},
			{observation(`"subject":{"reference":"Device/1"}`), some("error structure Observation.subject: *a reference to " + coreURL + "Patient, " + coreURL + "Group, not to Device.")},
			{observation(`"subject":{"reference":"#d"},"contained":[{"resourceType":"Device","id":"d"}]`), some("error structure Observation.subject: *not to Device")},
			{observation(`"subject":{"type":"Device","identifier":{"value":"1"}}`), some("error structure Observation.subject: *not to Device")},
		}},
		{"targets of references by profile", append(o("Observation.subject", `"type":[{"code":"Reference","targetProfile":["`+here+`tall"]}]`), tall), []instance{
			{observation(`"subject":{"reference":"Patient/1"}`), nil},
			{observation(`"subject":{"reference":"#a"},"contained":[{"resourceType":"Patient","id":"a","active":true}]`), nil},
			{observation(`"subject":{"reference":"#a"},"contained":[{"resourceType":"Patient","id":"a"}]`), some("error structure Observation.subject: *what it refers to does not conform")},
			{observation(`"subject":{"reference":"Group/1"}`), some("error structure Observation.subject: *not to Group")},
		}},
		{"types as the base has them", o("Observation.subject", `"type":[{"code":"Reference","targetProfile":["`+coreURL+`Patient","`+coreURL+`Group","`+coreURL+`Device","`+coreURL+`Location"]}]`), []instance{
			{observation(`"subject":{"reference":"Encounter/1"}`), nil}, // for package validate to find
		}},
	})
}

func TestRules(t *testing.T) {
	p := func(elements ...string) []string { return some(constrain("p", "Patient", "Patient", elements...)) }
	rule := func(expression string) string {
		return `"constraint":[{"key":"k-1","severity":"error","human":"It is so.","expression":"` + expression + `"}]`
	}
	fails := func(at string) string {
		return "error invariant " + at + ": The rule k-1 of the profile " + here + "p does not hold: It is so. ("
	}
	runCases(t, definitions.R4, []rulesCase{
		{"on the resource", p("Patient", rule("name.exists() or identifier.exists()")), []instance{
			{patient(`"name":[{"text":"a"}]`), nil},
			{patient(``), some(fails("Patient"))},
		}},
		{"on an element", p("Patient.name", rule("family.exists() and %resource.active")), []instance{
			{patient(`"active":true,"name":[{"family":"a"}]`), nil},
			{patient(`"active":true,"name":[{"family":"a"},{"text":"b"}]`), some(fails("Patient.name[1]"))},
			{patient(`"active":false,"name":[{"family":"a"}]`), some(fails("Patient.name[0]"))},
		}},
		{"a warning", p("Patient", `"constraint":[{"key":"k-2","severity":"warning","human":"Better.","expression":"active.exists()"}]`), []instance{
			{patient(``), some("warning invariant Patient: The rule k-2 ")},
		}},
		{"references are resolved", p("Patient.generalPractitioner", rule("resolve().active")), []instance{
			{patient(`"generalPractitioner":[{"reference":"#a"}],"contained":[{"resourceType":"Practitioner","id":"a","active":true}]`), nil},
			{patient(`"generalPractitioner":[{"reference":"#a"}],"contained":[{"resourceType":"Practitioner","id":"a","active":false}]`), some(fails("Patient.generalPractitioner[0]"))},
		}},
		{"other profiles", append(p("Patient", rule("conformsTo('"+here+"q')")), constrain("q", "Patient", "Patient", "Patient.active", `"min":1`)), []instance{
			{patient(`"active":true`), nil},
			{patient(``), some(fails("Patient"))},
		}},
		{"value sets", append(p("Patient.gender", rule("memberOf('http://example.org/ValueSet/v')")), `{"resourceType":"ValueSet","url":"http://example.org/ValueSet/v","compose":{"include":[{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"}]}]}}`), []instance{
			{patient(`"gender":"male"`), nil},
			{patient(`"gender":"female"`), some(fails("Patient.gender"))},
		}},
		{"value sets that are not known", p("Patient.gender", rule("memberOf('http://example.org/ValueSet/v')")), []instance{
			{patient(`"gender":"male"`), some("warning not-supported Patient.gender: The rule k-1 *could not be checked: the value set http://example.org/ValueSet/v could not be consulted: it is not known here.")},
		}},
		{"an expression that is none", p("Patient", rule("name.exists(")), []instance{
			{patient(``), some("warning not-supported Patient: The rule k-1 of the profile " + here + "p could not be checked: ")},
		}},
		{"an expression without end", p("Patient", rule("repeat(%resource | %context | name).count() > 0")), []instance{{patient(``), nil}}},
		{"a rule in words", p("Patient", `"constraint":[{"key":"k","severity":"error","human":"Be good."}]`), []instance{{patient(``), nil}}},
		{"rules of the specification are left to it", p("Patient", `"constraint":[{"key":"dom-2","severity":"error","human":"x","expression":"contained.contained.empty()"},{"key":"o","severity":"error","human":"x","expression":"false","source":"`+coreURL+`Patient"}]`), []instance{{patient(``), nil}}},
		{"a key of the specification with another expression counts", p("Patient", `"constraint":[{"key":"dom-2","severity":"error","human":"x","expression":"false"}]`), []instance{
			{patient(``), some("error invariant Patient: The rule dom-2 ")},
		}},
	})
}
