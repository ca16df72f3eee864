package httpapi

import (
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

// described returns the parts of the CapabilityStatement by type.
func described(a *answer) map[string]map[string]any {
	a.t.Helper()
	all := map[string]map[string]any{}
	resources, _ := a.at("rest", 0, "resource").([]any)
	for _, r := range resources {
		r := r.(map[string]any)
		all[r["type"].(string)] = r
	}
	return all
}

// searchParametersOf lists the search parameters of a type, with their types.
func searchParametersOf(described map[string]any) map[string]string {
	all := map[string]string{}
	list, _ := described["searchParam"].([]any)
	for _, p := range list {
		p := p.(map[string]any)
		all[p["name"].(string)] = p["type"].(string)
	}
	return all
}

func TestMetadataOfSearch(t *testing.T) {
	sv := newService(t, Options{Withheld: map[domain.ResourceType][]string{"Basic": {"search-type"}, "Device": {"delete", "update"}}})
	a := sv.do("GET /fhir/metadata").want(200)
	for name, typ := range map[string]string{"birthdate": "date", "family": "string", "gender": "token", "general-practitioner": "reference", "_id": "token", "_lastUpdated": "date", "_profile": "uri"} {
		if got := searchParametersOf(described(a)["Patient"])[name]; got != typ {
			t.Errorf("Patient has %s of type %q, want %q", name, got, typ)
		}
	}
	types := described(a)
	patient, basic, device := types["Patient"], types["Basic"], types["Device"]
	for _, c := range []struct {
		where map[string]any
		name  string
		want  any
	}{
		{patient, "conditionalCreate", true}, {patient, "conditionalUpdate", true}, {patient, "conditionalDelete", "multiple"}, {patient, "conditionalRead", "full-support"},
		{basic, "conditionalCreate", false}, {basic, "conditionalUpdate", false}, {basic, "conditionalDelete", "not-supported"}, {basic, "searchParam", nil}, {basic, "searchInclude", nil},
		{device, "conditionalCreate", true}, {device, "conditionalUpdate", false}, {device, "conditionalDelete", "not-supported"},
	} {
		if c.where[c.name] != c.want {
			t.Errorf("%s of %v is %v, want %v", c.name, c.where["type"], c.where[c.name], c.want)
		}
	}
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"searchInclude", "*", true}, {"searchInclude", "Patient:general-practitioner", true}, {"searchInclude", "Patient:birthdate", false},
		{"searchRevInclude", "*", true}, {"searchRevInclude", "Observation:subject", true}, {"searchRevInclude", "Patient:general-practitioner", false}, {"searchRevInclude", "Basic:subject", false},
		{"searchRevInclude", "RequestGroup:instantiates-canonical", false}, // leads by canonical URL
	} {
		list, _ := patient[c.name].([]any)
		if slices.Contains(list, any(c.value)) != c.want {
			t.Errorf("%s of Patient has %s: %v, want %v", c.name, c.value, !c.want, c.want)
		}
	}
	interactions, _ := a.at("rest", 0, "interaction").([]any)
	if slices.ContainsFunc(interactions, func(i any) bool { return i.(map[string]any)["code"] == "search-system" }) {
		t.Error("a search on all types is claimed, although one cannot be searched")
	}
	if newService(t, Options{}).do("GET /fhir/metadata").at("rest", 0, "interaction", 3, "code") != "search-system" {
		t.Error("search-system is not claimed")
	}
}

// TestMetadataFollowsTheParameters: what clients define appears when it can be
// searched by, without a restart.
func TestMetadataFollowsTheParameters(t *testing.T) {
	sv := newService(t, Options{})
	has := func() bool {
		return searchParametersOf(described(sv.do("GET /fhir/metadata").want(200))["Patient"])["nickname"] == "string"
	}
	if has() {
		t.Fatal("it is there before it is defined")
	}
	custom := search.Custom{Number: 1, Pending: true, Definition: definitions.SearchParameter{
		URL: "http://example.com/nickname", Code: "nickname", Type: "string", Base: []string{"Patient"}, Expression: "Patient.name.where(use = 'nickname').given", Status: "active",
	}}
	for _, pending := range []bool{true, false} {
		custom.Pending = pending
		set, err := search.NewSet(sv.s.fhir, []search.Custom{custom})
		if err != nil {
			t.Fatal(err)
		}
		sv.model.set = set
		if has() == pending {
			t.Errorf("pending %v, listed %v", pending, !pending)
		}
	}
}

// TestEveryParameterIsUnderstood searches by all that is claimed.
func TestEveryParameterIsUnderstood(t *testing.T) {
	values := map[string]string{"number": "1", "date": "2026", "string": "word", "token": "x", "reference": "a", "quantity": "1", "uri": "http://example.com/x"}
	for _, version := range definitions.Versions() {
		t.Run(string(version), func(t *testing.T) {
			sv := newServiceOf(t, version, Options{})
			parse := func(typ, name, value string) {
				ask := search.Ask{Types: []domain.ResourceType{domain.ResourceType(typ)}, Pairs: []search.Pair{{Name: name, Value: value}}, Strict: true}
				if _, err := search.Parse(sv.s.fhir, sv.model.set, ask); err != nil {
					t.Errorf("%s?%s=%s: %v", typ, name, value, err)
				}
			}
			parameters, includes := 0, 0
			for typ, described := range described(sv.do("GET /fhir/metadata").want(200)) {
				for name, kind := range searchParametersOf(described) {
					if value := values[kind]; value != "" {
						parse(typ, name, value)
						parameters++
					}
				}
				for list, parameter := range map[string]string{"searchInclude": "_include", "searchRevInclude": "_revinclude"} {
					for _, value := range described[list].([]any) {
						parse(typ, parameter, value.(string))
						includes++
					}
				}
			}
			if parameters < 1000 || includes < 1000 {
				t.Errorf("only %d parameters and %d includes", parameters, includes)
			}
		})
	}
}
