package search

import (
	"strings"
	"testing"

	"fhirlog/domain"
)

// TestFilter gives filters as the index sees them; the examples of
// https://hl7.org/fhir/R4/search_filter.html are among them.
func TestFilter(t *testing.T) {
	const pet = "any(Patient.name=…? checked(Patient.name=…?))"
	tests := []struct{ search, want string }{
		{`Patient?_filter=name co "pet"`, pet},
		{`Patient?_filter=given eq "peter" and birthdate ge 2014-10-10`, "all(Patient.given=peter·… Patient.birthdate[])"},
		{`Observation?_filter=code eq http://loinc.org|1234-5`, "any(Observation.code=1234-5·3http://loinc.org· Observation.code=1234-5·4http://loinc.org·)"},
		{`Observation?_filter=subject.name co "pet"`, "chain(Observation.subject → Location any(Location.name=…? checked(Location.name=…?)) → Patient " + pet + ")"},
		{`Observation?_filter=subject:Patient.name co pet`, "chain(Observation.subject → Patient " + pet + ")"},
		{`Observation?_filter=patient re Patient/4`, "any(Observation.subject=4·Patient·… Observation.subject=2http://here/fhir/Patient/4·…)"},
		{`Patient?_filter=name eq a or name eq b and name eq c`, "any(Patient.name=a·… all(Patient.name=b·… Patient.name=c·…))"},
		{`Patient?_filter=(name eq a or name eq b) and name eq c`, "all(any(Patient.name=a·… Patient.name=b·…) Patient.name=c·…)"},
		{`Patient?_filter=not (name eq a)`, "not(Patient.name=a·…)"},
		{`Patient?_filter=not(name eq a and not(name eq b))`, "not(all(Patient.name=a·… not(Patient.name=b·…)))"},
		{`Patient?_filter=  ( ( name  eq   "a b)" ) ) `, "Patient.name=a b)·…"},
		{`Patient?_filter=name eq "say \"x\", ü"`, `Patient.name=say "x", u·…`},
		{`Patient?_filter=name sw pe`, "Patient.name=pe…"},
		{`Patient?_filter=name pr true`, "Patient.name.present="},
		{`Patient?_filter=name pr false`, "not(Patient.name.present=)"},
		{`Patient?_filter=organization pr false`, "not(Patient.organization.present=…)"},
		{`Patient?_filter=gender ne male`, "Patient.gender=…?"},
		{`Patient?_filter=_id eq 5`, "id(5)"},
		{`Patient?_filter=_id ne 5`, "not(id(5))"},
		{`Patient?_filter=_id pr true`, "all()"},
		{`Patient?_filter=_lastUpdated po 2024`, "updated(2024-01-01T00:00:00.000Z 2025-01-01T00:00:00.000Z)"},
		{`Patient?_filter=_tag eq x`, "all(_type=Patient· _tag=x·…)"},
		{`Observation?_filter=value-quantity gt 5||mg`, "Observation.value-quantity[…]?"},
	}
	for _, test := range tests {
		q := mustParse(t, test.search)
		_, got, _ := strings.Cut(explainScopes(t, q), " ")
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.search, got, test.want)
		}
	}
}

func TestFilterFaults(t *testing.T) {
	tests := []struct {
		filter string
		kind   domain.Kind
		want   string
	}{
		{"name", domain.Invalid, "at character 5: after \"name\" an operator is missing"},
		{"name is x", domain.Invalid, "an operator is missing"},
		{"name eq", domain.Invalid, "a value is missing"},
		{"name eq )", domain.Invalid, "a value is missing"},
		{`name eq "x`, domain.Invalid, "no closing quote"},
		{`name eq "\q"`, domain.Invalid, "not a JSON string"},
		{`name eq ""`, domain.Invalid, "empty"},
		{"(name eq x", domain.Invalid, "')' is missing"},
		{"name eq x)", domain.Invalid, "at character 10: and, or, or the end is right here"},
		{"name eq x and", domain.Invalid, "a test is missing"},
		{"name eq x name eq y", domain.Invalid, "and, or, or the end"},
		{"not name eq x", domain.Invalid, "not is followed by a filter in parentheses"},
		{`related[type eq "x"].target pr true`, domain.NotSupported, "at character 8: a filter in brackets"},
		{"foo eq x", domain.Invalid, `Patient has no parameter "foo".`},
		{"organization.foo eq x", domain.Invalid, "none of the types"},
		{"name.foo eq x", domain.Invalid, "only a reference"},
		{"organization:Patient.name eq x", domain.Invalid, "does not refer to Patient"},
		{"name:exact eq x", domain.Invalid, "has a modifier"},
		{"gender in http://vs", domain.NotSupported, "needs terminology"},
		{"gender ss male", domain.NotSupported, "needs terminology"},
		{"gender gt male", domain.Invalid, "does not apply to \"gender\" of type token; possible are eq, ne, co, sw, ew, pr"},
		{"birthdate co 2020", domain.Invalid, "does not apply"},
		{"birthdate eq ge2020", domain.Invalid, "is not a date"},
		{"birthdate eq soon", domain.Invalid, "is not a date"},
		{"name pr maybe", domain.Invalid, "neither true nor false"},
		{"_id co 5", domain.Invalid, "eq and ne do"},
		{"_content eq heart", domain.NotSupported, "but beside it"},
		{"_filter eq x", domain.NotSupported, "but beside it"},
		{"ü eq x", domain.Invalid, "at character 1: a test is missing"},
	}
	for _, test := range tests {
		_, err := parseAsk(t, Ask{Types: []domain.ResourceType{"Patient"}, Pairs: []Pair{{"_filter", test.filter}}})
		if err == nil || domain.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("_filter=%s: kind %d, %v\nwant kind %d with %q", test.filter, domain.KindOf(err), err, test.kind, test.want)
		}
	}
}

// TestFilterMatches compares filters with a resource.
func TestFilterMatches(t *testing.T) {
	runMatches(t, `{"resourceType":"Patient","id":"p","gender":"male","birthDate":"2000-05-05","name":[{"family":"Müller","given":["Peter","Paul"]}],
		"identifier":[{"system":"s","value":"Ab1"}],"managingOrganization":{"reference":"Organization/1"}}`, `
		y Patient?_filter=name%20eq%20muller
		n Patient?_filter=name%20eq%20mull
		y Patient?_filter=name%20ne%20muller
		n Patient?_filter=family%20ne%20MÜLLER
		y Patient?_filter=given%20gt%20paula
		n Patient?_filter=given%20gt%20peter
		y Patient?_filter=given%20ge%20peter
		y Patient?_filter=given%20lt%20pb
		y Patient?_filter=family%20ew%20LER
		y Patient?_filter=identifier%20eq%20s|Ab1
		n Patient?_filter=identifier%20eq%20x|Ab1
		y Patient?_filter=identifier%20ne%20x|Ab1
		n Patient?_filter=identifier%20ne%20Ab1
		y Patient?_filter=identifier%20sw%20Ab
		y Patient?_filter=identifier%20co%20b
		n Patient?_filter=identifier%20ew%20b
		y Patient?_filter=birthdate%20gt%202000-01%20and%20birthdate%20lt%202001
		y Patient?_filter=organization%20re%20Organization/1
		n Patient?_filter=organization%20ne%20Organization/1
		y Patient?_filter=organization%20ne%20Organization/2
		n Patient?_filter=general-practitioner%20ne%20Organization/2
		y Patient?_filter=not(gender%20eq%20female)%20and%20(name%20eq%20x%20or%20_id%20eq%20p)
		y Patient?_filter=deceased%20ne%20true
		n Patient?_filter=language%20ne%20de`)
}
