package fhirpath

import (
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

var fuzzSeeds = []string{
	"Patient.name.where(use = 'official').given.first()", "a[0] | b.as(Quantity) ~ {}", "-1 + 2.50 * (3 'mg')", "@2015-02-04T14:34:28.123+10:00 > @T10",
	"%`vs-x` & '\\u0041' // c", "iif(a is FHIR.Patient, $this, $total)", "x.repeat($this & 'a').aggregate($total + 1, 0)",
	"descendants().where(resolve() is Patient).trace('a', b)", "name.sort(-family, given.first()).defineVariable('v').select(%v)",
	"'a'.replaceMatches('(b)', '$1').split('').join('x')", "1.587.lowBoundary(2) div 3 mod 4 / 0", "@2020-02-29 + 1 year - 3 'd'",
	"telecom.exists() implies text.div.htmlChecks() xor active in (true | false)", "9.power(99).sqrt().ln().exp().round(3)",
	"'&lt;'.unescape('html').encode('base64').decode('hex')", "(1 'kg' * 2 'm').toQuantity('g.m').convertsToQuantity()",
}

// FuzzParse: what parses is printed in a form that parses to the same.
func FuzzParse(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		printed := n.String()
		again, err := Parse(printed)
		if len(printed) > maxText {
			return
		}
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q is printed as %q, and that as %q", text, printed, again)
		}
	})
}

// FuzzEval: no expression panics or goes on for ever, and the result is the same
// each time.
func FuzzEval(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed)
	}
	d := load(f, definitions.R4)
	patient := at(f, d, patientJSON)
	patient.Limits = Limits{MaxSteps: 20_000, MaxItems: 1_000, MaxText: 10_000}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Compile(d, text, Options{})
		if err != nil {
			return
		}
		_ = e.Check(patient.Root.FHIRType())
		first, err1 := e.Eval(patient)
		again, err2 := e.Eval(patient)
		if (err1 == nil) != (err2 == nil) || show(first) != show(again) {
			t.Fatalf("%q: %s, %v and then %s, %v", text, show(first), err1, show(again), err2)
		}
	})
}

// FuzzPlaces: whatever a resource is made of, each of its elements has a place, and
// the same one whichever was asked for before.
func FuzzPlaces(f *testing.F) {
	for _, seed := range []string{patientJSON, observationJSON, `{"resourceType":"Patient","name":[[{"family":["x",{"_given":1}]}],null],"_name":[{"id":"a"}],"":{"is":[0]}}`} {
		f.Add(seed)
	}
	d := load(f, definitions.R4)
	everything, err := Compile(d, "$this | descendants()", Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{MaxDepth: 50})
		if err != nil || document.Root().Kind() != fhirjson.Object {
			return
		}
		items, err := everything.Eval(Context{Root: NewResource(d, document.Root()), Limits: Limits{MaxItems: 500}})
		if err != nil {
			return
		}
		places := NewPlaces(d, document.Root())
		for i := range items {
			it := items[i*7%len(items)]
			path, ok := places.Of(it)
			again, _ := NewPlaces(d, document.Root()).Of(it)
			if !ok || path != again {
				t.Fatalf("an element stands at %q, %t, and alone at %q", path, ok, again)
			}
		}
	})
}
