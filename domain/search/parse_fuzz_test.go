package search

import (
	"errors"
	"testing"

	"fhirlog/domain"
)

// FuzzParse takes any parameters: the answer is a query whose parts can be used,
// or an error of a kind that a client is told about.
func FuzzParse(f *testing.F) {
	for _, search := range []string{
		"Patient?name:exact=a\\,b,c&birthdate=ge2020-01-01T00:00:00+01:00", "Observation?code-value-quantity=http://loinc.org|1$gt5|http://unitsofmeasure.org|mg",
		"Observation?patient.organization.name:contains=x", "Patient?_has:Observation:patient:_has:Provenance:target:_id=1",
		"Patient?_sort=-birthdate,_id&_count=5&_include:iterate=Patient:link", "?_type=Patient,Group&_tag=|x", "Patient/1/*?_lastUpdated=ap2020",
		"Location?near=1|2|3|[mi_us]", "ValueSet?url:above=http://a/b", `Patient?_content="a bb" or (not x*)`, "Patient?_not-referenced=Observation:*",
		"Patient?identifier:of-type=a|b|c", "Observation?subject:Patient=http://here/fhir/Patient/1/_history/2", "Patient?name:missing=true&_list=5",
	} {
		ask := askFor(f, search)
		typ := ""
		if len(ask.Types) > 0 {
			typ = string(ask.Types[0])
		}
		f.Add(typ, ask.Pairs[0].Name, ask.Pairs[0].Value, ask.Pairs[len(ask.Pairs)-1].Name, ask.Pairs[len(ask.Pairs)-1].Value)
	}
	resource := parseResource(f, `{"resourceType":"Patient","id":"1","name":[{"family":"a,b"}],"birthDate":"2020-01-01","text":{"div":"<div>a bb</div>"},"managingOrganization":{"reference":"Organization/2"}}`)
	set := r4Set(f)
	var values Values
	set.Extract(&values, resource)
	f.Fuzz(func(t *testing.T, typ, name1, value1, name2, value2 string) {
		ask := Ask{Pairs: []Pair{{name1, value1}, {name2, value2}}, Bases: []string{testBase}, Now: testNow}
		if typ != "" {
			ask.Types = []domain.ResourceType{domain.ResourceType(typ)}
		}
		q, err := parseAsk(t, ask)
		if err != nil {
			checkClientError(t, err)
			return
		}
		for _, scope := range q.Scopes {
			if len(Explain(scope.Where)) > 1<<24 {
				t.Error("the expression is huge")
			}
			if !q.Joins() && !hasUpdated(scope.Where) {
				holdsFor(t, scope.Where, "1", &values, resource)
			}
		}
		q.Keys()
		ask.Pairs = q.Applied
		again, err := parseAsk(t, ask)
		if err != nil {
			t.Fatalf("what was applied cannot be parsed: %v", err)
		}
		if again.Identity != q.Identity && len(q.Warnings) == 0 {
			t.Error("what was applied means something else")
		}
	})
}

func hasUpdated(e Expr) bool {
	found := false
	walk(e, func(part Expr) {
		if _, is := part.(Updated); is {
			found = true
		}
	})
	return found
}

func checkClientError(t *testing.T, err error) {
	t.Helper()
	fault, ok := errors.AsType[*domain.Error](err)
	if !ok || fault.Kind == domain.Internal || fault.Err != nil || len(fault.Issues) == 0 {
		t.Fatalf("not an error for a client: %v", err)
	}
	for _, issue := range fault.Issues {
		if len(issue.Message) > 2000 {
			t.Errorf("a message has %d bytes", len(issue.Message))
		}
	}
}

// FuzzFilter takes any _filter.
func FuzzFilter(f *testing.F) {
	for _, filter := range []string{
		`name co "pet" and not (birthdate ge 2014-10-10 or gender eq male)`, `organization.name eq "x\u0041"`, "((_id eq 5))", "identifier ne s|c or name pr true",
		`not(not(name eq x))`, "related[type eq x].target pr true", "_lastUpdated po 2020", "name eq", `name eq "`,
	} {
		f.Add(filter)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		q, err := parseAsk(t, Ask{Types: []domain.ResourceType{"Patient"}, Pairs: []Pair{{"_filter", filter}}, Now: testNow})
		if err != nil {
			checkClientError(t, err)
			return
		}
		for _, scope := range q.Scopes {
			Explain(scope.Where)
		}
	})
}

// FuzzSyntax: splitting loses nothing, and escapes are undone once.
func FuzzSyntax(f *testing.F) {
	f.Add(`a\,b,c\\,d\`)
	f.Fuzz(func(t *testing.T, value string) {
		parts := splitUnescaped(value, ',')
		joined := parts[0]
		for _, part := range parts[1:] {
			joined += "," + part
		}
		if joined != value {
			t.Errorf("the parts of %q are %q", value, parts)
		}
		if len(resolveEscapes(value)) > len(value) {
			t.Error("resolving escapes makes a text longer")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, search := range []string{
		"Patient?identifier=http://acme.org|12345",
		"Observation?patient=Patient/1&code=http://loinc.org|8480-6&date=ge2020&_sort=-date&_count=20",
		"Observation?patient.organization.name=x&_include=Observation:subject",
		"Patient/1/*?_lastUpdated=gt2020",
		"?_tag=s|x",
	} {
		b.Run(search, func(b *testing.B) {
			ask := askFor(b, search)
			set := r4Set(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(set.definitions, set, ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
