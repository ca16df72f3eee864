package searchtest

import (
	"math/rand/v2"
	"testing"
	"unicode"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/domain/validate"
)

func load(t testing.TB) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGeneratedResourcesAreValid: what a Generator makes can be written, and the
// same seed makes the same.
func TestGeneratedResourcesAreValid(t *testing.T) {
	d := load(t)
	v := validate.New(d)
	g, again := NewGenerator(rand.New(rand.NewPCG(1, 1)), 5), NewGenerator(rand.New(rand.NewPCG(1, 1)), 5)
	for range 60 {
		for _, typ := range g.Types() {
			text := g.Resource(typ, "a")
			if second := again.Resource(typ, "a"); string(text) != string(second) {
				t.Fatalf("the same seed makes\n%s\nand\n%s", text, second)
			}
			document, err := fhirjson.Parse(text, fhirjson.Limits{})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if issues := v.Resource(document.Root(), string(typ), nil); len(issues) > 0 {
				t.Fatalf("%v\n%s", issues, text)
			}
		}
	}
}

// TestNormalizationsAgree compares the plain normalization with that of the index
// for every character that Unicode has given a meaning, alone and within a word.
func TestNormalizationsAgree(t *testing.T) {
	faults := 0
	for r := rune(1); r <= unicode.MaxRune && faults < 20; r++ {
		if r > 0x80 && !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf, unicode.Cc) || unicode.In(r, unicode.Han, unicode.Hangul) && r%16 != 0 {
			continue
		}
		for _, text := range []string{string(r), "a" + string(r) + "B  x"} {
			if plain, indexed := normalize(text), search.Normalize(text); plain != indexed {
				t.Errorf("%q (U+%04X): plain %q, indexed %q", text, r, plain, indexed)
				faults++
				break
			}
		}
	}
}
