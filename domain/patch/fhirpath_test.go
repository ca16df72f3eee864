package patch

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// op writes one operation of a FHIRPath Patch from its type, its path, and its
// other parts in JSON.
func op(verb, path string, parts ...string) string {
	all := append([]string{fmt.Sprintf(`{"name":"type","valueCode":%q}`, verb), fmt.Sprintf(`{"name":"path","valueString":%q}`, path)}, parts...)
	return `{"name":"operation","part":[` + strings.Join(all, ",") + `]}`
}

// parameters writes a FHIRPath Patch.
func parameters(operations ...string) string {
	if len(operations) == 0 {
		return `{"resourceType":"Parameters"}`
	}
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(operations, ",") + `]}`
}

// named, with and at write parts.
func named(name string) string        { return fmt.Sprintf(`{"name":"name","valueString":%q}`, name) }
func with(value string) string        { return `{"name":"value",` + value + `}` }
func at(name string, i int) string    { return fmt.Sprintf(`{"name":%q,"valueInteger":%d}`, name, i) }
func add(path, name, v string) string { return op("add", path, named(name), with(v)) }

func TestFHIRPathPatch(t *testing.T) {
	extension := `"part":[{"name":"url","valueUri":"http://example.org/x"},{"name":"value","valueCode":"c"}]`
	tests := []struct{ name, patch, want string }{
		{"nothing", parameters(), patientJSON},

		{"add a primitive", parameters(add("Patient", "language", `"valueCode":"de"`)), edited(`"male"}]`, `"male"}],"language":"de"`)},
		{"add without the name of the type", parameters(add("contact[0]", "name", `"valueHumanName":{"text" : "x"}`)), edited(`"male"}`, `"male","name":{"text":"x"}}`)},
		{"add to a list", parameters(add("Patient", "telecom", `"valueContactPoint":{"value":"9"}`)), edited(`"value":"2"}`, `"value":"2"},{"value":"9"}`)},
		{"add to a list that is not there", parameters(add("Patient", "photo", `"valueAttachment":{"size":0}`)), edited(`"male"}]`, `"male"}],"photo":[{"size":0}]`)},
		{"add to a list of primitives with siblings", parameters(add("Patient.name[0]", "given", `"valueString":"X"`)), edited(`"Eva"],"_given":[null,{"id":"g2"}]`, `"Eva","X"],"_given":[null,{"id":"g2"},null]`)},
		{"add a primitive with an extension", parameters(add("Patient.name[1]", "given", `"valueString":"X","_valueString":{"id":"i"}`)), edited(`"Zo\u00e9"`, `"Zo\u00e9","given":["X"],"_given":[{"id":"i"}]`)},
		{"add a primitive without a value", parameters(add("Patient.name[0]", "given", `"_valueString":{"id":"i"}`)), edited(`"Eva"],"_given":[null,{"id":"g2"}]`, `"Eva",null],"_given":[null,{"id":"g2"},{"id":"i"}]`)},
		{"add a choice", parameters(add("Patient", "multipleBirth", `"valueInteger":2`)), edited(`"male"}]`, `"male"}],"multipleBirthInteger":2`)},
		{"add a choice by its name in JSON", parameters(add("Patient", "multipleBirthBoolean", `"valueBoolean":true`)), edited(`"male"}]`, `"male"}],"multipleBirthBoolean":true`)},
		{"add a choice by its name in definitions", parameters(add("Patient", "multipleBirth[x]", `"valueBoolean":true`)), edited(`"male"}]`, `"male"}],"multipleBirthBoolean":true`)},
		{"add an element with parts", parameters(add("Patient", "contact", `"part":[{"name":"gender","valueCode":"other"},{"name":"name","part":[{"name":"given","valueString":"A"},{"name":"given","valueString":"B"}]},{"name":"telecom","valueContactPoint":{"rank":1}}]`)),
			edited(`{"gender":"male"}`, `{"gender":"male"},{"gender":"other","name":{"given":["A","B"]},"telecom":[{"rank":1}]}`)},
		{"add an extension", parameters(add("Patient", "extension", extension)), edited(`72.50}`, `72.50},{"url":"http://example.org/x","valueCode":"c"}`)},
		{"add an extension to a primitive", parameters(add("Patient.birthDate", "extension", extension)), edited(`{"id":"bd"}`, `{"id":"bd","extension":[{"url":"http://example.org/x","valueCode":"c"}]}`)},
		{"add an extension to a primitive without any", parameters(add("Patient.gender", "extension", extension)), edited(`"male"}]`, `"male"}],"_gender":{"extension":[{"url":"http://example.org/x","valueCode":"c"}]}`)},
		{"add an extension to a primitive of a list", parameters(add("Patient.name.given[0]", "extension", extension)), edited(`[null,{"id":"g2"}]`, `[{"extension":[{"url":"http://example.org/x","valueCode":"c"}]},{"id":"g2"}]`)},
		{"add an extension to the primitive of an extension", parameters(add("Patient.extension[0].value", "extension", extension)), edited(`72.50`, `72.50,"_valueDecimal":{"extension":[{"url":"http://example.org/x","valueCode":"c"}]}`)},
		{"add to an extension of a primitive", parameters(add("Patient.gender", "extension", extension), add("Patient.gender.extension", "id", `"valueString":"e"`)), edited(`"male"}]`, `"male"}],"_gender":{"extension":[{"url":"http://example.org/x","valueCode":"c","id":"e"}]}`)},
		{"add a contained resource", parameters(add("Patient", "contained", `"resource":{"resourceType":"Organization","id":"o"}`), add("Patient.contained.where(id='o')", "name", `"valueString":"n"`), op("replace", "Patient.contained[0].name", with(`"valueString":"m"`))),
			edited(`"male"}]`, `"male"}],"contained":[{"resourceType":"Organization","id":"o","name":"m"}]`)},

		{"insert first", parameters(op("insert", "Patient.telecom", at("index", 0), with(`"valueContactPoint":{"value":"9"}`))), edited(`{"system":"phone","value":"1"}`, `{"value":"9"},{"system":"phone","value":"1"}`)},
		{"insert last", parameters(op("insert", "Patient.telecom", at("index", 3), with(`"valueContactPoint":{"value":"9"}`))), edited(`"value":"2"}`, `"value":"2"},{"value":"9"}`)},
		{"insert keeps siblings aligned", parameters(op("insert", "Patient.name[0].given", at("index", 1), with(`"valueString":"X"`))), edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Ann","X","Eva"],"_given":[null,null,{"id":"g2"}]`)},
		{"insert into a list that is not there", parameters(op("insert", "Patient.photo", at("index", 0), with(`"valueAttachment":{"size":0}`))), edited(`"male"}]`, `"male"}],"photo":[{"size":0}]`)},
		{"insert into a list further down that is not there", parameters(op("insert", "Patient.contact[0].telecom", at("index", 0), with(`"valueContactPoint":{"value":"9"}`))), edited(`"male"}]`, `"male","telecom":[{"value":"9"}]}]`)},
		{"insert below the root without the type", parameters(op("insert", "photo", at("index", 0), with(`"valueAttachment":{"size":0}`))), edited(`"male"}]`, `"male"}],"photo":[{"size":0}]`)},
		{"insert the first extension of a primitive", parameters(op("insert", "Patient.gender.extension", at("index", 0), with(extension))), edited(`"male"}]`, `"male"}],"_gender":{"extension":[{"url":"http://example.org/x","valueCode":"c"}]}`)},
		{"insert into a list that was emptied before", parameters(op("delete", "Patient.contact[0]"), op("insert", "Patient.contact", at("index", 0), with(`"part":[{"name":"gender","valueCode":"other"}]`))), edited(`{"gender":"male"}`, `{"gender":"other"}`)},
		{"insert a contained resource", parameters(op("insert", "Patient.contained", at("index", 0), with(`"resource":{"resourceType":"Basic"}`))), edited(`"male"}]`, `"male"}],"contained":[{"resourceType":"Basic"}]`)},
		{"insert with parts", parameters(op("insert", "Patient.contact", at("index", 0), with(`"part":[{"name":"gender","valueCode":"other"}]`))), edited(`{"gender":"male"}`, `{"gender":"other"},{"gender":"male"}`)},

		{"delete", parameters(op("delete", "Patient.gender")), edited(`"gender":"female",`, ``)},
		{"remove is delete, in any case", parameters(op("ReMove", "Patient.gender")), edited(`"gender":"female",`, ``)},
		{"delete nothing", parameters(op("delete", "Patient.photo")), patientJSON},
		{"delete nothing by criteria", parameters(op("delete", "Patient.telecom.where(system = 'fax')")), patientJSON},
		{"delete takes the sibling along", parameters(op("delete", "Patient.birthDate")), edited(`"birthDate":"1980-02-29","_birthDate":{"id":"bd"},`, ``)},
		{"delete from a list", parameters(op("delete", "Patient.telecom.where(system = 'email')")), edited(`{"system":"email","value":"a@b.c"},`, ``)},
		{"delete keeps siblings aligned", parameters(op("delete", "Patient.name[0].given[0]")), edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Eva"],"_given":[{"id":"g2"}]`)},
		{"delete the only one with a sibling", parameters(op("delete", "Patient.name[0].given[1]")), edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Ann"]`)},
		{"delete a sibling's content", parameters(op("delete", "Patient.birthDate.id")), edited(`,"_birthDate":{"id":"bd"}`, ``)},
		{"delete a choice", parameters(op("delete", "Patient.deceased")), edited(`"deceasedBoolean":false,`, ``)},
		{"delete the last of a list drops the list", parameters(op("delete", "Patient.contact[0]")), edited(`,"contact":[{"gender":"male"}]`, ``)},
		{"delete the last of an object drops the object", parameters(op("delete", "Patient.contact.gender")), edited(`,"contact":[{"gender":"male"}]`, ``)},
		{"an object may be empty in between", parameters(op("delete", "Patient.contact.gender"), add("Patient.contact[0]", "gender", `"valueCode":"other"`)), edited(`{"gender":"male"}`, `{"gender":"other"}`)},

		{"replace a primitive", parameters(op("replace", "Patient.gender", with(`"valueCode":"male"`))), edited(`"female"`, `"male"`)},
		{"replace by another kind of text", parameters(op("replace", "Patient.gender", with(`"valueString":"male"`))), edited(`"female"`, `"male"`)},
		{"replace takes the sibling along", parameters(op("replace", "Patient.birthDate", with(`"valueDate":"1980"`))), edited(`"1980-02-29","_birthDate":{"id":"bd"}`, `"1980"`)},
		{"replace brings a sibling", parameters(op("replace", "Patient.birthDate", with(`"valueDate":"1980","_valueDate":{"id":"n"}`))), edited(`"1980-02-29","_birthDate":{"id":"bd"}`, `"1980","_birthDate":{"id":"n"}`)},
		{"replace in a list of primitives", parameters(op("replace", "Patient.name[0].given[1]", with(`"valueString":"Eve"`))), edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Ann","Eve"]`)},
		{"replace what a criterion selects", parameters(op("replace", "Patient.telecom.where(system = 'email').value", with(`"valueString":"d@e.f"`))), edited(`a@b.c`, `d@e.f`)},
		{"replace an element of a list", parameters(op("replace", "Patient.telecom[1]", with(`"valueContactPoint":{"value":"9"}`))), edited(`{"system":"email","value":"a@b.c"}`, `{"value":"9"}`)},
		{"replace with parts", parameters(op("replace", "Patient.contact[0]", with(`"part":[{"name":"gender","valueCode":"other"}]`))), edited(`{"gender":"male"}`, `{"gender":"other"}`)},
		{"replace a choice in its type", parameters(op("replace", "Patient.deceased", with(`"valueBoolean":true`))), edited(`"deceasedBoolean":false`, `"deceasedBoolean":true`)},
		{"replace a choice by another type", parameters(op("replace", "Patient.deceased", with(`"valueDateTime":"2020"`))), edited(`"deceasedBoolean":false`, `"deceasedDateTime":"2020"`)},
		{"replace a choice by a date for a dateTime", parameters(op("replace", "Patient.deceased", with(`"valueDate":"2020-01-02"`))), edited(`"deceasedBoolean":false`, `"deceasedDateTime":"2020-01-02"`)},
		{"replace the value of an extension", parameters(op("replace", "Patient.extension.where(url='http://example.org/weight').value", with(`"valueQuantity":{"value":1.0}`))), edited(`"valueDecimal":72.50`, `"valueQuantity":{"value":1.0}`)},
		{"replace meta", parameters(add("Patient.meta", "tag", `"valueCoding":{"code":"x"}`)), edited(`08:00:00Z"}`, `08:00:00Z","tag":[{"code":"x"}]}`)},

		{"move forwards", parameters(op("move", "Patient.telecom", at("source", 0), at("destination", 1))), edited(`{"system":"phone","value":"1"},{"system":"email","value":"a@b.c"}`, `{"system":"email","value":"a@b.c"},{"system":"phone","value":"1"}`)},
		{"move to the end", parameters(op("move", "Patient.name", at("source", 1), at("destination", 0))), edited(`{"use":"official","family":"Berg","given":["Ann","Eva"],"_given":[null,{"id":"g2"}]},{"text":"Zo\u00e9"}`, `{"text":"Zo\u00e9"},{"use":"official","family":"Berg","given":["Ann","Eva"],"_given":[null,{"id":"g2"}]}`)},
		{"move keeps siblings aligned", parameters(op("move", "Patient.name.given", at("source", 1), at("destination", 0))), edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Eva","Ann"],"_given":[{"id":"g2"},null]`)},
		{"move nowhere", parameters(op("move", "Patient.telecom", at("source", 1), at("destination", 1))), patientJSON},

		{"upsert what is missing", parameters(op("upsert", "Patient", named("language"), with(`"valueCode":"de"`))), edited(`"male"}]`, `"male"}],"language":"de"`)},
		{"upsert what is there", parameters(op("upsert", "Patient", named("gender"), with(`"valueCode":"male"`))), edited(`"female"`, `"male"`)},
		{"upsert a choice of another type", parameters(op("upsert", "Patient", named("deceased"), with(`"valueDateTime":"2020"`))), edited(`"deceasedBoolean":false`, `"deceasedDateTime":"2020"`)},
		{"upsert the only one of a list", parameters(op("upsert", "Patient", named("extension"), with(extension))), edited(`{"url":"http://example.org/weight","valueDecimal":72.50}`, `{"url":"http://example.org/x","valueCode":"c"}`)},
		{"upsert an empty list", parameters(op("upsert", "Patient", named("photo"), with(`"valueAttachment":{"size":0}`))), edited(`"male"}]`, `"male"}],"photo":[{"size":0}]`)},

		{"each operation sees the one before", parameters(add("Patient", "contact", `"part":[{"name":"gender","valueCode":"other"}]`), op("replace", "Patient.contact.where(gender='other').gender", with(`"valueCode":"unknown"`)), op("delete", "Patient.contact[0]")),
			edited(`{"gender":"male"}`, `{"gender":"unknown"}`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := applyFHIRPath(t, test.patch, patientJSON)
			if err != nil || got != test.want {
				t.Errorf("patch %s\n gives %s, %v\nwant   %s", test.patch, got, err, test.want)
			}
		})
	}
}

// TestFHIRPathPatchInside patches resources within others, and Parameters.
func TestFHIRPathPatchInside(t *testing.T) {
	tests := []struct{ name, resource, patch, want string }{
		{"an entry of a Bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":true}},{"resource":{"resourceType":"Observation","status":"final"}}]}`,
			parameters(add("Bundle.entry[1].resource", "value", `"valueQuantity":{"value":1}`), op("replace", "Bundle.entry.resource.ofType(Patient).active", with(`"valueBoolean":false`)), add("Bundle", "entry", `"part":[{"name":"resource","resource":{"resourceType":"Basic"}}]`)),
			`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":false}},{"resource":{"resourceType":"Observation","status":"final","valueQuantity":{"value":1}}},{"resource":{"resourceType":"Basic"}}]}`},
		{"Parameters", parameters(op("delete", "Patient.name")),
			parameters(op("replace", "Parameters.parameter[0].part[0].value", with(`"valueString":"remove"`)), add("Parameters.parameter[0]", "part", `"part":[{"name":"name","valueString":"x"},{"name":"resource","resource":{"resourceType":"Basic"}}]`)),
			`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueString":"remove"},{"name":"path","valueString":"Patient.name"},{"name":"x","resource":{"resourceType":"Basic"}}]}]}`},
		{"items of items", `{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"1.1"}]}]}`,
			parameters(op("insert", "Questionnaire.item.item", at("index", 0), with(`"part":[{"name":"linkId","valueString":"1.0"},{"name":"item","part":[{"name":"linkId","valueString":"1.0.1"}]}]`))),
			`{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"1.0","item":[{"linkId":"1.0.1"}]},{"linkId":"1.1"}]}]}`},
		{"a SimpleQuantity", `{"resourceType":"Observation","referenceRange":[{"low":{"value":1}}]}`,
			parameters(op("replace", "Observation.referenceRange.low", with(`"valueQuantity":{"value":2.0}`))),
			`{"resourceType":"Observation","referenceRange":[{"low":{"value":2.0}}]}`},
		{"a kind of Quantity", `{"resourceType":"Condition","onsetString":"long ago"}`,
			parameters(op("replace", "Condition.onset", with(`"valueAge":{"value":2.0}`))),
			`{"resourceType":"Condition","onsetAge":{"value":2.0}}`},
		{"a decimal by an integer", `{"resourceType":"Observation","valueQuantity":{"value":1.50}}`,
			parameters(op("replace", "Observation.value.value", with(`"valueInteger":2`))),
			`{"resourceType":"Observation","valueQuantity":{"value":2}}`},
		{"a list that is none, against the rules", `{"resourceType":"Patient","name":{"text":"a"},"photo":[]}`, parameters(add("Patient", "name", `"valueHumanName":{"text":"b"}`)),
			`{"resourceType":"Patient","name":[{"text":"a"},{"text":"b"}],"photo":[]}`},
		{"white space between tokens", "{ \"resourceType\" : \"Basic\" ,\n\"id\" : \"a b\" }", parameters(op("delete", "Basic.id")), `{"resourceType":"Basic"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := applyFHIRPath(t, test.patch, test.resource)
			if err != nil || got != test.want {
				t.Errorf("patch %s of %s\n gives %s, %v\nwant   %s", test.patch, test.resource, got, err, test.want)
			}
		})
	}
}

func TestFHIRPathPatchFaults(t *testing.T) {
	code := with(`"valueCode":"x"`)
	tests := []struct{ name, patch, want string }{
		{"another resource", `{"resourceType":"Patient"}`, "A FHIRPath Patch is a resource of type Parameters."},
		{"no resource", `[]`, "A FHIRPath Patch is a resource of type Parameters."},
		{"parameter is no list", `{"resourceType":"Parameters","parameter":{}}`, "Parameters.parameter is an array of operations, not an object."},
		{"another parameter", `{"resourceType":"Parameters","parameter":[{"name":"resource"}]}`, `Operation 1: each parameter of a FHIRPath Patch has the name "operation".`},
		{"no parts", parameters(`{"name":"operation"}`), "Operation 1: the parts of the operation are missing"},
		{"unknown part", parameters(op("add", "Patient", `{"name":"vlaue"}`)), `Operation 1: a part has the name "vlaue", which no operation takes`},
		{"part given twice", parameters(op("add", "Patient", code, code)), "the part value is given twice."},
		{"no path comes first", parameters(`{"name":"operation","part":[{"name":"name"}]}`), "Operation 1: the part path is missing."},
		{"no path with a type", parameters(`{"name":"operation","part":[{"name":"type","valueCode":"add"}]}`), "Operation 1 (add): the part path is missing."},
		{"path without a text", parameters(`{"name":"operation","part":[{"name":"path","valueInteger":1}]}`), "the part path has a FHIRPath as its valueString"},
		{"no type", parameters(`{"name":"operation","part":[{"name":"path","valueString":"Patient"}]}`), "Operation 1 (path Patient): the part type is missing; expected is one of add, insert"},
		{"unknown type", parameters(op("delete", "Patient.photo"), op("put", "Patient")), "Operation 2 (path Patient): there is no such type of operation; expected is one of add, insert"},
		{"path with a fault", parameters(op("delete", "Patient..name")), "Operation 1 (delete, path Patient..name): FHIRPath, column 9:"},
		{"path with an unknown function", parameters(op("delete", "Patient.name.frist()")), "Operation 1 (delete, path Patient.name.frist()): FHIRPath, column 14:"},
		{"add without a name", parameters(op("add", "Patient", code)), "Operation 1 (add, path Patient): the part name is missing."},
		{"add without a value", parameters(op("add", "Patient", named("gender"))), "the part value is missing."},
		{"insert without an index", parameters(op("insert", "Patient.name", code)), "the part index is missing."},
		{"insert without a value", parameters(op("insert", "Patient.name", at("index", 0))), "the part value is missing."},
		{"replace without a value", parameters(op("replace", "Patient.name")), "the part value is missing."},
		{"move without a source", parameters(op("move", "Patient.name", at("destination", 0))), "the part source is missing."},
		{"move without a destination", parameters(op("move", "Patient.name", at("source", 0))), "the part destination is missing."},
		{"upsert without a name", parameters(op("upsert", "Patient", code)), "the part name is missing."},
		{"index is no integer", parameters(op("insert", "Patient.name", `{"name":"index","valueString":"0"}`, code)), "the part index has an index as its valueInteger"},
		{"index is a fraction", parameters(op("insert", "Patient.name", `{"name":"index","valueDecimal":0.5}`, code)), "the part index has an index as its valueInteger"},
		{"index is negative", parameters(op("insert", "Patient.name", at("index", -1), code)), "the part index has an index as its valueInteger"},
		{"name is no text", parameters(op("add", "Patient", at("name", 1), code)), "the part name has the name of an element"},
		{"value of no type", parameters(op("replace", "Patient.name", with(`"valueName":{}`))), "the part value is wrong: a parameter has no element valueName"},
		{"value without a value", parameters(op("replace", "Patient.name", `{"name":"value"}`)), "the part value is wrong: it has neither a value[x] nor parts nor a resource."},
		{"value twice", parameters(op("replace", "Patient.name", with(`"valueCode":"x","valueString":"x"`))), "it has more than one value"},
		{"value and parts", parameters(op("replace", "Patient.name", with(`"valueCode":"x","part":[{"name":"a","valueCode":"x"}]`))), "it has more than one value"},
		{"value and the sibling of another", parameters(op("replace", "Patient.name", with(`"valueCode":"x","_valueString":{}`))), "it has more than one value"},
		{"value of another form", parameters(op("replace", "Patient.gender", with(`"valueCode":1`))), "the part value is wrong: valueCode must be a string."},
		{"value with a list", parameters(op("replace", "Patient.name", with(`"valueHumanName":[]`))), "valueHumanName must be an object."},
		{"value with a sibling that is none", parameters(op("replace", "Patient.gender", with(`"_valueCode":[]`))), "valueCode must be a string."},
		{"value with an unknown element", parameters(op("replace", "Patient.name", with(`"valeuCode":1`))), "a parameter has no element valeuCode."},
		{"value with an unknown resource", parameters(op("replace", "Patient.name", with(`"resource":{"resourceType":"Person2"}`))), "its resource has no known resourceType."},
		{"value with parts that are none", parameters(op("replace", "Patient.name", with(`"part":[]`))), "its part is not an array of parts."},
		{"value with a part without a name", parameters(op("replace", "Patient.name", with(`"part":[{"valueCode":"x"}]`))), "its part 1 has no name."},
		{"value with a fault in a part", parameters(op("replace", "Patient.name", with(`"part":[{"name":"a","part":[{"name":"b","valueCode":1}]}]`))), "in its part a: in its part b: valueCode must be a string."},

		{"add to nothing", parameters(add("Patient.maritalStatus", "text", `"valueString":"x"`)), "Operation 1 (add, path Patient.maritalStatus): the path selects nothing in this resource, and must select one element."},
		{"add to several", parameters(add("Patient.name", "text", `"valueString":"x"`)), "the path selects 2 elements, and must select one; an index such as [0]"},
		{"add to a calculated value", parameters(add("Patient.name.count()", "text", `"valueString":"x"`)), "the path selects a calculated value, not an element"},
		{"add what is there", parameters(add("Patient", "gender", `"valueCode":"x"`)), "Patient.gender is there already and does not repeat; replace changes it."},
		{"add a choice that is there in another type", parameters(add("Patient", "deceased", `"valueDateTime":"2020"`)), "Patient.deceased is there already"},
		{"add a primitive whose sibling is there", parameters(add("Patient", "birthDate", `"valueDate":"2020"`)), "Patient.birthDate is there already"},
		{"add an unknown element", parameters(add("Patient", "nmae", `"valueHumanName":{}`)), "Patient has no element nmae."},
		{"add an unknown element to a backbone", parameters(add("Patient.contact[0]", "alias", `"valueString":"x"`)), "Patient.contact has no element alias."},
		{"add a value to a primitive", parameters(add("Patient.gender", "value", `"valueString":"x"`)), "a primitive has only the elements id and extension, not value; replace changes its value."},
		{"add a value of another type", parameters(add("Patient", "photo", `"valueHumanName":{}`)), "photo is of type Attachment, for which valueHumanName does not do."},
		{"add a text for a boolean", parameters(add("Patient.name[1].period", "start", `"valueString":"x"`)), "the path selects nothing"},
		{"add parts to a primitive", parameters(add("Patient", "language", `"part":[{"name":"value","valueCode":"x"}]`)), "language is of type code, for which a value with parts does not do."},
		{"add a choice of another type", parameters(add("Patient", "multipleBirth", `"valueString":"x"`)), "multipleBirth may be of type boolean, integer; valueString does not do."},
		{"add a choice with parts", parameters(add("Patient", "multipleBirth", `"part":[{"name":"x","valueCode":"x"}]`)), "multipleBirth may be of type boolean, integer; a value with parts does not do."},
		{"add a resource where there is none", parameters(add("Patient", "photo", `"resource":{"resourceType":"Basic"}`)), "for which a resource of type Basic does not do."},
		{"add a value where a resource is", parameters(add("Patient", "contained", `"valueString":"x"`)), "contained is of type Resource, for which valueString does not do."},
		{"add parts with an unknown element", parameters(add("Patient", "contact", `"part":[{"name":"alias","valueString":"x"}]`)), "Patient.contact has no element alias."},
		{"add parts twice that do not repeat", parameters(add("Patient", "contact", `"part":[{"name":"gender","valueCode":"x"},{"name":"gender","valueCode":"x"}]`)), "Patient.contact.gender is there already and does not repeat"},
		{"insert beyond the end", parameters(op("insert", "Patient.telecom", at("index", 4), with(`"valueContactPoint":{}`))), "the list has 3 elements, so the index is at most 3, not 4."},
		{"insert where there is no list", parameters(op("insert", "Patient.photo", at("index", 1), with(`"valueAttachment":{}`))), "the list is empty, so the index is 0, not 1."},
		{"insert where nothing is", parameters(op("insert", "Patient.photo.where(size = 1)", at("index", 0), with(`"valueAttachment":{}`))), "the path selects nothing in this resource, and must select a list."},
		{"insert where no owner is", parameters(op("insert", "Patient.link.other.extension", at("index", 0), with(`"valueAttachment":{}`))), "the path selects nothing in this resource, and must select a list."},
		{"insert where two owners are", parameters(op("insert", "Patient.name.suffix", at("index", 0), with(`"valueString":"x"`))), "the path selects nothing in this resource, and must select a list."},
		{"insert into what is no list", parameters(op("insert", "Patient.gender", at("index", 0), code)), "the path selects gender, which is not a list."},
		{"insert into what is no list, and not there", parameters(op("insert", "Patient.language", at("index", 0), code)), "language does not repeat, so it is not a list"},
		{"insert into a part of a list", parameters(op("insert", "Patient.telecom.where(system = 'phone')", at("index", 0), with(`"valueContactPoint":{}`))), "the path selects 2 elements, and must select one list as a whole; the list telecom, where the first of them is, has 3."},
		{"insert into two lists", parameters(op("insert", "Patient.name | Patient.telecom", at("index", 0), with(`"valueContactPoint":{}`))), "and must select one list as a whole"},
		{"insert into a list in another order", parameters(op("insert", "Patient.telecom[1] | Patient.telecom[0] | Patient.telecom[2]", at("index", 0), with(`"valueContactPoint":{}`))), "the path selects 3 elements, and must select one list as a whole; the list telecom, where the first of them is, has 3."},
		{"insert a value of another type", parameters(op("insert", "Patient.telecom", at("index", 0), code)), "telecom is of type ContactPoint, for which valueCode does not do."},
		{"delete several", parameters(op("delete", "Patient.name")), "the path selects 2 elements; at most one is deleted at a time"},
		{"delete the resource", parameters(op("delete", "Patient")), "the path selects the resource itself; expected is an element of it."},
		{"delete a calculated value", parameters(op("delete", "Patient.name[0].family + 'x'")), "the path selects a calculated value"},
		{"delete an unknown element", parameters(op("delete", "Patient.nmae")), "Operation 1 (delete, path Patient.nmae): FHIRPath, column 9:"},
		{"delete in another resource", parameters(op("delete", "Observation.status")), "Operation 1 (delete, path Observation.status): FHIRPath, column 1:"},
		{"replace nothing", parameters(op("replace", "Patient.photo", with(`"valueAttachment":{}`))), "the path selects nothing in this resource, and must select one element."},
		{"replace several", parameters(op("replace", "Patient.name.given", code)), "the path selects 2 elements, and must select one"},
		{"replace the resource", parameters(op("replace", "Patient", with(`"resource":{"resourceType":"Patient"}`))), "the path selects the resource itself"},
		{"replace by another type", parameters(op("replace", "Patient.active", code)), "active is of type boolean, for which valueCode does not do."},
		{"replace a date by a text", parameters(op("replace", "Patient.birthDate", with(`"valueString":"1980"`))), "birthDate is of type date, for which valueString does not do."},
		{"replace a choice by another type", parameters(op("replace", "Patient.deceased", code)), "deceased may be of type boolean, dateTime; valueCode does not do."},
		{"move nothing", parameters(op("move", "Patient.photo", at("source", 0), at("destination", 0))), "the path selects nothing in this resource, and must select a list."},
		{"move from beyond the end", parameters(op("move", "Patient.telecom", at("source", 3), at("destination", 0))), "so the source is at most 2, not 3."},
		{"move to beyond the end", parameters(op("move", "Patient.telecom", at("source", 0), at("destination", 3))), "so the destination is at most 2, not 3."},
		{"move in two lists", parameters(op("move", "Patient.name.given | Patient.telecom", at("source", 0), at("destination", 1))), "and must select one list as a whole"},
		{"upsert several", parameters(op("upsert", "Patient", named("telecom"), with(`"valueContactPoint":{}`))), "there are 3 telecom already, so it is not clear which one to replace."},
		{"upsert an unknown element", parameters(op("upsert", "Patient", named("nmae"), code)), "Patient has no element nmae."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := applyFHIRPath(t, test.patch, patientJSON)
			kind, message := fault(t, err)
			if kind != domain.Invalid || !strings.Contains(message, test.want) {
				t.Errorf("patch %s\n gives %s, kind %d, %q\nwant   %q", test.patch, got, kind, message, test.want)
			}
			for _, secret := range []string{"Berg", "1980-02", "72.50", "a@b.c"} {
				if strings.Contains(message, secret) {
					t.Errorf("the message %q tells %q, which is the patient's", message, secret)
				}
			}
		})
	}
}

// TestFHIRPathPatchVersions patches what FHIR versions call differently, or have
// alone.
func TestFHIRPathPatchVersions(t *testing.T) {
	tests := []struct {
		version               definitions.Version
		resource, patch, want string
	}{
		{definitions.STU3, `{"resourceType":"Patient","animal":{"species":{"text":"cat"}}}`, op("replace", "Patient.animal.species.text", with(`"valueString":"dog"`)), `{"resourceType":"Patient","animal":{"species":{"text":"dog"}}}`},
		{definitions.STU3, `{"resourceType":"Patient"}`, op("add", "Patient", named("communication"), with(`"part":[{"name":"language","valueCodeableConcept":{"text":"x"}}]`)), `{"resourceType":"Patient","communication":[{"language":{"text":"x"}}]}`},
		{definitions.R4B, `{"resourceType":"Patient","deceasedBoolean":false}`, op("replace", "Patient.deceased", with(`"valueDateTime":"2020"`)), `{"resourceType":"Patient","deceasedDateTime":"2020"}`},
		{definitions.R5, `{"resourceType":"Observation"}`, op("add", "Observation", named("value"), with(`"valueReference":{"reference":"MolecularSequence/1"}`)), `{"resourceType":"Observation","valueReference":{"reference":"MolecularSequence/1"}}`},
		{definitions.R5, `{"resourceType":"DocumentReference"}`, op("add", "DocumentReference", named("content"), with(`"part":[{"name":"attachment","part":[{"name":"size","valueInteger64":"5000000000"}]}]`)), `{"resourceType":"DocumentReference","content":[{"attachment":{"size":"5000000000"}}]}`},
		{definitions.R5, `{"resourceType":"Procedure"}`, op("add", "Procedure", named("reason"), with(`"valueCodeableReference":{"concept":{"text":"x"}}`)), `{"resourceType":"Procedure","reason":[{"concept":{"text":"x"}}]}`},
	}
	for _, test := range tests {
		p, err := ParseFHIRPath(load(t, test.version), parse(t, parameters(test.patch)))
		if err != nil {
			t.Errorf("%s: %s: %v", test.version, test.patch, err)
			continue
		}
		if got, err := apply(t, p, test.resource); err != nil || got != test.want {
			t.Errorf("%s: patch %s of %s\n gives %s, %v\nwant   %s", test.version, test.patch, test.resource, got, err, test.want)
		}
	}
}
