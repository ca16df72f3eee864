package main

import (
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// TestResourcesAreValid holds everything that is made up to the structural
// rules of R4: a benchmark of refusals would measure nothing.
func TestResourcesAreValid(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	validator := validate.New(d)
	check := func(t *testing.T, text []byte, typeName string) {
		t.Helper()
		document, err := fhirjson.Parse(text, fhirjson.Limits{MaxDepth: 50, MaxNodes: 1_000_000})
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for _, issue := range validator.Resource(document.Root(), typeName, nil) {
			t.Errorf("%s %v in %.200s", issue.Message, issue.Expression, text)
		}
	}
	for k := range kinds {
		t.Run(kindNames[k], func(t *testing.T) {
			for seed := range uint64(100) {
				r := resource{kind: k, seed: seed, revision: int(seed % 3), id: []byte("abc"), refs: testReferences()}
				check(t, r.appendTo(nil), k.typeName())
			}
		})
	}
	t.Run("transactions", func(t *testing.T) {
		rng := random(1)
		check(t, makeSupports(&rng).text, "Bundle")
		for _, one := range makeRecords(1, 3, &supports{{"Organization/1"}, {"Location/1"}, {"Practitioner/1"}}) {
			check(t, one.text, "Bundle")
		}
		check(t, (&pairSession{user: &user{rng: 5}}).appendTo(nil), "Bundle")
	})
}
