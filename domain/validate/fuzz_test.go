package validate

import (
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// FuzzResource validates mutated examples: it must not panic, report within
// its limits and with a place, hand out only links that exist, and judge the
// compacted resource as it judges the original.
func FuzzResource(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(e.text, e.version == definitions.R4)
	}
	for _, text := range []string{
		`{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"a"}]}]}`,
		`{"resourceType":"Patient","deceasedBoolean":true,"_deceasedBoolean":{"id":"a"}}`,
		`{"_":1,"resourceType":"Patient"}`,
		`{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{}]}]}`,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">\u0001</div>"}}`,
	} {
		f.Add([]byte(text), true)
	}
	r4, r5 := newValidator(f, definitions.R4), newValidator(f, definitions.R5)
	f.Fuzz(func(t *testing.T, text []byte, isR4 bool) {
		va := r5
		if isR4 {
			va = r4
		}
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			return
		}
		links := 0
		issues := va.Resource(document.Root(), "", func(_ LinkKind, v fhirjson.Value) {
			if links++; v.Kind() != fhirjson.String {
				t.Fatalf("a link is %v", v.Kind())
			}
		})
		if len(issues) > MaxIssues {
			t.Fatalf("%d issues", len(issues))
		}
		fuzzRules(t, va, document, issues)
		for _, issue := range issues {
			if issue.Code == "" || issue.Message == "" || len(issue.Expression) != 1 || issue.Expression[0] == "" {
				t.Fatalf("incomplete issue %+v", issue)
			}
		}
		compact, err := fhirjson.Parse(fhirjson.AppendCompact(nil, document.Root(), nil), fhirjson.Limits{})
		if err != nil {
			t.Fatalf("compacted: %v", err)
		}
		linksAgain := 0
		again := va.Resource(compact.Root(), "", func(LinkKind, fhirjson.Value) { linksAgain++ })
		if len(again) != len(issues) || linksAgain != links {
			t.Fatalf("%d issues and %d links, compacted %d and %d", len(issues), links, len(again), linksAgain)
		}
	})
}

// fuzzRules checks the same with all rules: what was found without them is found
// again, what else is found has a place, and the policy Warn makes none of that a
// fault.
func fuzzRules(t *testing.T, va *Validator, document *fhirjson.Document, structural []domain.Issue) {
	all := va.Check(document.Root(), Options{Rules: Fail, Recommendations: true})
	warned := faults(va.Check(document.Root(), Options{Rules: Warn}))
	if len(warned) != len(structural) {
		t.Fatalf("%d faults with warnings, %d of structure", len(warned), len(structural))
	}
	if len(faults(all)) < len(structural) && len(faults(all)) < MaxIssues {
		t.Fatalf("%d faults with rules, %d of structure", len(faults(all)), len(structural))
	}
	for _, issue := range all {
		if issue.Message == "" || len(issue.Expression) != 1 || issue.Line < 1 || issue.Column < 1 {
			t.Fatalf("incomplete issue %+v", issue)
		}
		if strings.Contains(issue.Message, "could not be evaluated") && len(structural) == 0 {
			t.Fatalf("%v: %s", issue.Expression, issue.Message)
		}
	}
}
