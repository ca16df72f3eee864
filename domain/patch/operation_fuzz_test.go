package patch

import (
	"fmt"
	"testing"
	"time"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// fuzzValues are the values that FuzzFHIRPathOperation puts in.
var fuzzValues = []string{
	`"valueString":"x"`, `"valueString":"x","_valueString":{"id":"i"}`, `"_valueString":{"id":"i"}`, `"valueCode":"x"`, `"valueDate":"2020"`, `"valueBoolean":true`,
	`"valueInteger":1`, `"valueDecimal":1.50`, `"valueHumanName":{"given":["x",null],"_given":[null,{"id":"i"}]}`, `"valueContactPoint":{"value":"x"}`, `"valueMeta":{"tag":[{"code":"x"}]}`,
	`"resource":{"resourceType":"Basic"}`, `"part":[{"name":"gender","valueCode":"x"}]`, `"part":[{"name":"url","valueUri":"u"},{"name":"value","valueString":"x"}]`,
	`"part":[{"name":"given","valueString":"x"},{"name":"given","_valueString":{"id":"i"}},{"name":"extension","part":[{"name":"url","valueUri":"u"}]}]`,
}

// FuzzFHIRPathOperation applies one well-formed operation to a patient: lists of
// primitives and of their siblings must stay aligned, nothing may be left empty,
// and all but the element of the resource that is meant stays as it is.
func FuzzFHIRPathOperation(f *testing.F) {
	verbs := []string{"add", "insert", "delete", "replace", "move", "upsert"}
	for i, path := range []string{
		"Patient", "Patient.name", "Patient.name[0]", "Patient.name[0].given", "Patient.name.given[1]", "Patient.name.given[1].id", "Patient.birthDate", "Patient.birthDate.extension",
		"Patient.deceased", "Patient.contact[0]", "Patient.contact.gender", "Patient.extension.value", "Patient.contained", "Patient.telecom.where(system = 'phone').first()", "Patient.meta",
		"descendants().where($this is code).last()", "Patient.photo", "%resource.name.skip(1)", "Patient.gender | Patient.active", "iif(active, name[1], name[0])",
	} {
		for k := range verbs {
			f.Add(byte(k), path, []string{"given", "extension", "deceased", "contact", "contained"}[(i+k)%5], byte(i+3*k), i%4, k%3)
		}
	}
	d := load(f, definitions.R4)
	resource := parse(f, patientJSON)
	f.Fuzz(func(t *testing.T, verb byte, path, name string, value byte, first, second int) {
		patch := parameters(`{"name":"operation","part":[{"name":"type","valueCode":"` + verbs[int(verb)%len(verbs)] + `"},` +
			`{"name":"path","valueString":` + string(fhirjson.AppendQuoted(nil, path)) + `},{"name":"name","valueString":` + string(fhirjson.AppendQuoted(nil, name)) + `},` +
			with(fuzzValues[int(value)%len(fuzzValues)]) + "," + at("index", first) + "," + at("source", first) + "," + at("destination", second) + `]}`)
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("patch %s takes %v", patch, took)
			}
		}()
		p, err := ParseFHIRPath(d, parse(t, patch))
		if err != nil {
			checkResult(t, fhirjson.Value{}, nil, err)
			return
		}
		result, err := p.Apply(resource)
		touched := checkResult(t, resource, result, err)
		if len(touched) > 3 { // such as birthDate with its sibling, or a choice with its former name
			t.Errorf("patch %s changes %q: %s", patch, touched, result.Source())
		}
		if err == nil {
			if wrong := misshapen(result.Root()); wrong != "" {
				t.Errorf("patch %s leaves %s: %s", patch, wrong, result.Source())
			}
		}
	})
}

// misshapen returns the place of something that FHIR JSON cannot have: empty
// arrays and objects, nulls where there is no pair, halves of different length.
func misshapen(v fhirjson.Value) string {
	isContainer := v.Kind() == fhirjson.Array || v.Kind() == fhirjson.Object
	if isContainer && !v.First().Exists() {
		return "nothing in " + v.Path()
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		if wrong := misshapen(m); wrong != "" {
			return wrong
		}
		name := string(m.Name())
		if m.Kind() != fhirjson.Array || name[0] == '_' && v.Get(name[1:]).Exists() {
			continue
		}
		other := v.Get("_" + name)
		if other.Exists() && other.Len() != m.Len() {
			return fmt.Sprintf("%d and %d in %s and its sibling", m.Len(), other.Len(), m.Path())
		}
		x, y := m.First(), other.First()
		for ; x.Exists(); x, y = x.Next(), y.Next() {
			if x.Kind() == fhirjson.Null && (!y.Exists() || y.Kind() == fhirjson.Null) {
				return "nothing at " + x.Path()
			}
		}
	}
	if v.Kind() == fhirjson.Null && v.IsMember() {
		return "null in " + v.Path()
	}
	return ""
}
