package search

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// TestCanonicals checks which types have a canonical URL: those that say so, and
// none whose url is an address.
func TestCanonicals(t *testing.T) {
	for version, want := range map[definitions.Version]struct {
		least    int
		has, not []domain.ResourceType
	}{
		definitions.STU3: {15, []domain.ResourceType{"Questionnaire", "ValueSet", "CompartmentDefinition"}, []domain.ResourceType{"Device", "Subscription", "NamingSystem"}},
		definitions.R4:   {25, []domain.ResourceType{"Questionnaire", "ValueSet", "PlanDefinition"}, []domain.ResourceType{"Device", "Subscription", "Contract", "NamingSystem"}},
		definitions.R4B:  {25, []domain.ResourceType{"Questionnaire", "ValueSet", "SubscriptionTopic"}, []domain.ResourceType{"Device", "Subscription", "Contract"}},
		definitions.R5:   {30, []domain.ResourceType{"Questionnaire", "ValueSet", "NamingSystem", "Requirements"}, []domain.ResourceType{"Device", "Subscription", "Contract"}},
	} {
		set := loadSet(t, version)
		// Every type with a canonical URL is among those of the widest parameter.
		var types []domain.ResourceType
		for _, resource := range set.definitions.Resources() {
			for _, p := range set.Of(domain.ResourceType(resource)) {
				for _, c := range p.canonicals {
					if url := set.Find(c.Type, "url"); url == nil || url.Slot != c.Slot {
						t.Errorf("%s: %s is looked up under slot %d, not that of its url", version, c.Type, c.Slot)
					}
				}
			}
			if isCanonical(set.definitions.Type(resource)) {
				types = append(types, domain.ResourceType(resource))
			}
		}
		if len(types) < want.least {
			t.Errorf("%s: %d types have a canonical URL: %v", version, len(types), types)
		}
		for _, name := range want.has {
			if !slices.Contains(types, name) {
				t.Errorf("%s: %s has no canonical URL", version, name)
			}
		}
		for _, name := range want.not {
			if slices.Contains(types, name) {
				t.Errorf("%s: %s has a canonical URL", version, name)
			}
		}
	}
}

// TestFollowed tells what references lead to.
func TestFollowed(t *testing.T) {
	for _, test := range []struct {
		version        definitions.Version
		resource, code string
		leads          string // "any", "not followed", or types
	}{
		{definitions.R4, "QuestionnaireResponse", "questionnaire", "Questionnaire"},
		{definitions.R5, "QuestionnaireResponse", "questionnaire", "Questionnaire"},
		{definitions.R5, "Patient", "_profile", "StructureDefinition"},
		{definitions.STU3, "ConceptMap", "source-uri", "ValueSet"},
		{definitions.STU3, "QuestionnaireResponse", "questionnaire", "Questionnaire"},
		{definitions.R4, "Bundle", "composition", "not followed"},
		{definitions.R4, "Observation", "subject", "Device Group Location Patient"},
		{definitions.R4, "Provenance", "target", "any"},
	} {
		set := loadSet(t, test.version)
		p := set.Find(domain.ResourceType(test.resource), test.code)
		var types []string
		for _, name := range p.Leads() {
			types = append(types, string(name))
		}
		got := strings.Join(types, " ")
		switch {
		case !p.Followed():
			got = "not followed"
		case len(types) > 100 || len(types) == 0:
			got = "any"
		}
		if got != test.leads {
			t.Errorf("%s: %s.%s leads to %s, want %s", test.version, test.resource, test.code, got, test.leads)
		}
	}
	depends := loadSet(t, definitions.R4).Find("Measure", "depends-on")
	if !slices.Contains(depends.Leads(), "Library") || slices.Contains(depends.Leads(), "Patient") {
		t.Errorf("Measure.depends-on leads to %v", depends.Leads())
	}
}

// TestCanonicalKeys follows canonicals from the index values of one resource to
// those of another and back.
func TestCanonicalKeys(t *testing.T) {
	set := loadSet(t, definitions.R4)
	long := "http://example.org/" + strings.Repeat("q", MaxKeyText)
	for _, test := range []struct {
		canonical, url, version string
		leads                   bool
	}{
		{"http://example.org/q", "http://example.org/q", "", true},
		{"http://example.org/q", "http://example.org/q", "2", true},
		{"http://example.org/q#part", "http://example.org/q", "2", true},
		{"http://example.org/q|2", "http://example.org/q", "2", true},
		{"http://example.org/q|2#part", "http://example.org/q", "2", true},
		{"http://example.org/q|2", "http://example.org/q", "", false},
		{"http://example.org/q|2", "http://example.org/q", "2.0", false},
		{"http://example.org/q", "http://example.org/qq", "", false},
		{"urn:oid:1.2", "urn:oid:1.2", "", true},
		{long, long, "1", true},
		{long + "|" + long, long, long, true},
		{long + "|" + long, long, long + "x", false},
		{long, long + "x", "1", false},
	} {
		named := ""
		if test.version != "" {
			named = `,"version":"` + test.version + `"`
		}
		var source, target Values
		set.Extract(&source, parseResource(t, `{"resourceType":"QuestionnaireResponse","questionnaire":"`+test.canonical+`"}`))
		set.Extract(&target, parseResource(t, `{"resourceType":"Questionnaire","url":"`+test.url+`"`+named+`}`))
		of := set.Find("QuestionnaireResponse", "questionnaire")
		r := Reference{Slot: of.Slot, Canonicals: of.canonicals}

		forth := false
		source.Each(func(e Entry) {
			if e.Kind != Forward || SlotOf(e.Key) != r.Slot {
				return
			}
			url, version, ok := CutCanonical(e.Target)
			if !ok {
				t.Fatalf("the forward of %s is no URL", test.canonical)
			}
			target.Each(func(to Entry) {
				if string(to.Key) == string(r.Canonicals[0].Key(url)) && (len(version) == 0 || StandsFor(version, test.version)) {
					forth = true
				}
			})
		})
		back := false
		by := r.ByURL(test.url, test.version)
		source.Each(func(e Entry) {
			if e.Kind == Posting && strings.HasPrefix(string(e.Key), string(by.Key)) && by.Keep(ValueOf(e.Key)) {
				back = true
			}
		})
		if forth != test.leads || back != test.leads {
			t.Errorf("%.60s leads to %.60s|%.20s: forth %t, back %t, want %t", test.canonical, test.url, test.version, forth, back, test.leads)
		}
	}
	if _, _, ok := CutCanonical(AppendReferenceValue(nil, "1", "Patient", "")); ok {
		t.Error("a local reference is taken for a canonical")
	}
}

// TestCustomCanonical follows the canonicals of a parameter that a client defined.
func TestCustomCanonical(t *testing.T) {
	set := loadSet(t, definitions.R4, Custom{Definition: definitions.SearchParameter{
		URL: "http://a.example/form", Code: "form", Base: []string{"QuestionnaireResponse"}, Type: "reference",
		Expression: "QuestionnaireResponse.questionnaire", Targets: []string{"Questionnaire"},
	}})
	form := set.Find("QuestionnaireResponse", "form")
	if form == nil || !form.Followed() || !slices.Equal(form.Leads(), []domain.ResourceType{"Questionnaire"}) {
		t.Errorf("the parameter is %+v", form)
	}
}
