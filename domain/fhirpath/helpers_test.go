package fhirpath

import (
	"strings"
	"testing"
	"time"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

func load(t testing.TB, v definitions.Version) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return document.Root()
}

// patientJSON is the resource of most tests.
const patientJSON = `{
	"resourceType": "Patient",
	"id": "p1",
	"text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Ann</p></div>"},
	"contained": [{"resourceType": "Organization", "id": "org", "name": "Clinic"}, {"resourceType": "Practitioner", "id": "doc"}],
	"extension": [{"url": "http://example.org/age", "valueAge": {"value": 40, "system": "http://unitsofmeasure.org", "code": "a"}}],
	"identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}],
	"active": true,
	"name": [
		{"use": "official", "family": "Berg", "given": ["Ann", "Eva"], "_given": [null, {"extension": [{"url": "http://example.org/x", "valueCode": "c"}]}]},
		{"use": "nickname", "given": ["Annie"]}
	],
	"telecom": [{"system": "phone", "value": "1", "use": "home", "rank": 2}, {"system": "email", "value": "a@b.c"}, {"system": "phone", "value": "2", "use": "work", "rank": 1}],
	"gender": "female",
	"birthDate": "1980-02-29",
	"_birthDate": {"id": "bd", "extension": [{"url": "http://example.org/birthTime", "valueDateTime": "1980-02-29T04:05:06+01:00"}]},
	"_deceasedBoolean": {"extension": [{"url": "http://example.org/unknown", "valueBoolean": true}]},
	"multipleBirthInteger": 2,
	"generalPractitioner": [{"reference": "#doc"}, {"reference": "Organization/7"}, {"reference": "http://example.org/fhir/PractitionerRole/8/_history/2"},
		{"reference": "urn:uuid:1", "type": "Practitioner"}, {"display": "somebody"}],
	"managingOrganization": {"reference": "#org"}
}`

// observationJSON is the resource of tests with quantities.
const observationJSON = `{
	"resourceType": "Observation",
	"status": "final",
	"code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body Weight"}]},
	"subject": {"reference": "Patient/p1"},
	"effectiveDateTime": "2024-02-10T08:00:00Z",
	"issued": "2024-02-10T09:30:00.250+02:00",
	"valueQuantity": {"value": 72.50, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
	"component": [
		{"code": {"text": "a"}, "valueQuantity": {"value": 1, "comparator": "<", "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}},
		{"code": {"text": "b"}, "valueString": "tall"}
	]
}`

var now2024 = time.Date(2024, 5, 6, 7, 8, 9, 123_000_000, time.FixedZone("", 2*3600))

// at returns the context of a resource.
func at(t testing.TB, d *definitions.Definitions, text string) Context {
	t.Helper()
	if text == "" {
		return Context{Now: now2024}
	}
	return Context{Root: NewResource(d, parse(t, text)), Now: now2024}
}

// eval compiles and evaluates an expression of R4.
func eval(t testing.TB, expression, resource string) (Collection, error) {
	t.Helper()
	d := load(t, definitions.R4)
	e, err := Compile(d, expression, Options{})
	if err != nil {
		return nil, err
	}
	return e.Eval(at(t, d, resource))
}

// show writes a result: System values and primitives as literals, other items
// as their type.
func show(items Collection) string {
	parts := make([]string, len(items))
	for i, it := range items {
		if v, ok := it.System(); ok {
			parts[i] = string(appendLiteral(nil, v))
		} else {
			parts[i] = it.Type().Name
		}
	}
	return strings.Join(parts, ", ")
}
