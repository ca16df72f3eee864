package search

import (
	"slices"
	"sync"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// FuzzExtract takes any JSON, valid FHIR or not: extraction may not fail, and
// gives the same entries each time, each once.
func FuzzExtract(f *testing.F) {
	for _, resource := range exampleResources(f) {
		if text := resource.Document().Source(); len(text) < 8000 {
			f.Add(text)
		}
	}
	f.Add([]byte(panel))
	f.Add([]byte(`{"resourceType":"Patient","name":{"family":["x"]},"contained":{"resourceType":"Patient"},"text":5,"birthDate":["1970"]}`))
	set := loadSet(f, definitions.R4)
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			return
		}
		checkEntries(t, set, "the input", document.Root())
		var first, second Values
		set.Extract(&first, document.Root())
		set.Extract(&second, document.Root())
		if !slices.Equal(first.encoded, second.encoded) {
			t.Error("the entries differ the second time")
		}
	})
}

func TestExtractConcurrently(t *testing.T) {
	set := loadSet(t, definitions.R4)
	resources := exampleResources(t)
	want := map[string][]byte{}
	for name, resource := range resources {
		var v Values
		set.Extract(&v, resource)
		want[name] = v.encoded
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for name, resource := range resources {
				var v Values
				set.Extract(&v, resource)
				if !slices.Equal(v.encoded, want[name]) {
					t.Errorf("%s has other values", name)
				}
			}
		})
	}
	group.Wait()
}
