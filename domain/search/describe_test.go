package search

import (
	"slices"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// TestDescribe: what a resource is found by, one of each type of parameter.
func TestDescribe(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://l","code":"1-8"}]},
		"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-03-01","valueQuantity":{"value":5.5,"system":"http://u","code":"mg"},
		"note":[{"text":"n"}],"meta":{"profile":["http://p|2"]}}`
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	list := set.Describe(document.Root())
	for _, want := range []Described{
		{"code", "http://l|1-8"}, {"subject", "Patient/p"}, {"patient", "Patient/p"}, {"date", "2020-03-01T00:00:00Z to before 2020-03-02T00:00:00Z"},
		{"value-quantity", "5.5|http://u|mg"}, {"_profile", "http://p|2"},
	} {
		if !slices.Contains(list, want) {
			t.Errorf("%v is missing in %v", want, list)
		}
	}
	if !slices.IsSortedFunc(list, func(a, b Described) int {
		if a.Code <= b.Code {
			return 0
		}
		return 1
	}) {
		t.Errorf("not by code: %v", list)
	}
}

// TestCustomSetExtractsTheSame as the whole set does under the same slot, and
// nothing else.
func TestCustomSetExtractsTheSame(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	custom := []Custom{
		{Number: 3, Definition: definitions.SearchParameter{URL: "http://a.example/3", Code: "nick", Type: "string", Base: []string{"Patient"}, Expression: "Patient.name.given"}},
		{Number: 4, Definition: definitions.SearchParameter{URL: "http://a.example/4", Code: "link", Type: "reference", Base: []string{"Patient"}, Expression: "Patient.generalPractitioner"}},
	}
	whole, err := NewSet(d, custom)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := NewCustomSet(d, custom)
	if err != nil {
		t.Fatal(err)
	}
	document, err := fhirjson.Parse([]byte(`{"resourceType":"Patient","name":[{"given":["Ann","Öst"],"text":"t"}],"text":{"status":"generated","div":"<div>x</div>"},
		"generalPractitioner":[{"reference":"Practitioner/1"}],"contained":[{"resourceType":"Patient","name":[{"given":["In"]}]}]}`), fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	entries := func(s *Set, wanted func(slot Slot) bool) (list []string) {
		var v Values
		s.Extract(&v, document.Root())
		v.Each(func(e Entry) {
			if wanted(SlotOf(e.Key)) {
				list = append(list, string(e.Key)+" "+string(e.Target))
			}
		})
		slices.Sort(list)
		return list
	}
	want := entries(whole, func(slot Slot) bool { return slot == CustomSlot(3) || slot == CustomSlot(4) })
	got := entries(alone, func(Slot) bool { return true })
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("alone the set extracts\n%q\nwant\n%q", got, want)
	}
}

// TestSwitch hides parameters and makes them pending, and leaves the set itself as
// it is.
func TestSwitch(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	birthdate, family := set.Find("Patient", "birthdate"), set.Find("Patient", "family")
	switched := set.Switch(func(url string) bool { return url == birthdate.URL }, func(url string) bool { return url == family.URL })
	if switched.Find("Patient", "birthdate") != nil || switched.Find("Patient", "family") == nil || !switched.Find("Patient", "family").Pending {
		t.Error("a parameter that is off is found, or one that waits is not pending")
	}
	if set.Find("Patient", "birthdate") != birthdate || set.Find("Patient", "family").Pending {
		t.Error("the set itself has changed")
	}
}
