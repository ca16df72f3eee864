package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/search"
)

func TestSearchPaging(t *testing.T) {
	options := Options{TokenKey: []byte("secret of the folder")}
	sv := newService(t, options)
	var all []string
	for i := range 23 {
		id := fmt.Sprintf("p%02d", i)
		sv.do("PUT /fhir/Patient/"+id, patient(id, `"active":true`)).want(201)
		all = append(all, id)
	}
	slices.Reverse(all)
	first := "/fhir/Patient?active=true&_sort=-_lastUpdated&_count=5"
	var pages []string
	var a *answer
	for at := first; at != ""; at = a.link("next") {
		a = sv.do("GET "+at).want(200).wantAt(23.0, "total")
		pages = append(pages, a.found())
		if (a.link("previous") != "") != (len(pages) > 1) || a.link("first") == "" || a.link("self") == "" {
			t.Fatalf("page %d: links %v", len(pages), a.at("link"))
		}
		// Nothing of this is in any page.
		sv.do("PUT /fhir/Patient/"+all[len(pages)], patient(all[len(pages)], `"active":false`)).want(200)
		sv.do("POST /fhir/Patient", `{"resourceType":"Patient","active":true}`).want(201)
	}
	if got := strings.Join(pages, " "); got != strings.Join(all, " ") {
		t.Fatalf("pages %s, want %v", got, all)
	}
	for i := len(pages) - 2; i >= 0; i-- {
		a = sv.do("GET " + a.link("previous")).wantFound(pages[i])
		if i == 0 && a.link("previous") != "" {
			t.Errorf("before the first page: %s", a.link("previous"))
		}
	}
	next := a.link("next")
	a = sv.do("GET " + next).wantFound(pages[1])
	if self := a.link("self"); self != next {
		t.Errorf("self is %s, want %s", self, next)
	}
	sv.do("GET " + a.link("first")).wantFound(pages[0])

	token := a.query("self").Get("ct")
	t.Run("what a token is good for", func(t *testing.T) {
		if len(token) > 60 {
			t.Errorf("%d characters", len(token))
		}
		base := "GET /fhir/Patient?active=true&_sort=-_lastUpdated&ct="
		sv.do(base + token + "&_count=3").wantFound(strings.Join(all[5:8], " "))
		sv.do(base + token + "&_elements=id&_total=none").want(200)
		for _, wrong := range []string{
			"GET /fhir/Patient?active=true&ct=" + token,
			"GET /fhir/Patient?active=false&_sort=-_lastUpdated&ct=" + token,
			"GET /fhir/Practitioner?active=true&_sort=-_lastUpdated&ct=" + token,
			"GET /fhir?_type=Patient&active=true&_sort=-_lastUpdated&ct=" + token,
			"GET /fhir/Patient/_history?ct=" + token,
			"GET /fhir/Patient/$includes?active=true&_sort=-_lastUpdated&includesCt=" + token,
			base + token + "&gender=male", base + token + "A", base + token[1:], base + strings.ToLower(token), base + token[:len(token)-4] + "AAAA",
		} {
			sv.do(wrong).want(400, "invalid")
		}
	})
	t.Run("a token survives a restart on the same data", func(t *testing.T) {
		for key, status := range map[string]int{"secret of the folder": 200, "another": 400, "": 400} {
			s, err := New(Dependencies{Writer: sv.model, Reader: sv.model, Searcher: sv.model, Definitions: sv.s.fhir}, Options{TokenKey: []byte(key), Clock: sv.model.now})
			if err != nil {
				t.Fatal(err)
			}
			(&service{t: t, s: s, model: sv.model}).do("GET " + next).want(status)
		}
	})
	t.Run("but not the loss of what it saw", func(t *testing.T) { newService(t, options).do("GET "+next).want(400, "invalid") })
	t.Run("the instant of the first page counts", func(t *testing.T) {
		sv.model.asked = nil
		a := sv.do("GET /fhir/Patient?_lastUpdated=ap2026-01-01&_count=5").want(200)
		if next := a.link("next"); next != "" {
			sv.do("POST /fhir/Patient", `{"resourceType":"Patient"}`).want(201)
			sv.do("GET " + next).want(200)
			if s := sv.model.asked; s[0].Snapshot != s[1].Snapshot {
				t.Errorf("snapshots %d and %d", s[0].Snapshot, s[1].Snapshot)
			}
		}
	})
}

// TestPartialIndices: what is not indexed to the end is searched by only if the
// header says so, and never by a write.
func TestPartialIndices(t *testing.T) {
	sv := ward(t, Options{})
	set, err := search.NewSet(sv.s.fhir, []search.Custom{{Number: 1, Pending: true, Definition: definitions.SearchParameter{
		URL: "http://example.com/sex", Code: "sex", Type: "token", Base: []string{"Patient"}, Expression: "Patient.gender", Status: "active",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	sv.model.set = set
	const header = "X-Ms-Use-Partial-Indices: "
	sv.do("GET /fhir/Patient?sex=male").wantFound("! a b c")
	sv.do("GET /fhir/Patient?sex=male", header).wantFound("a")
	sv.do("POST /fhir/Patient/_search", header+"true", formType, "sex=male").wantFound("a")
	batch := bundleOf("batch", item{line: "GET Patient?sex=male"})
	sv.do("POST /fhir", batch).wantStatuses("200").wantAt(3.0, "entry", 0, "resource", "total")
	sv.do("POST /fhir", header+"true", batch).wantStatuses("200").wantAt(1.0, "entry", 0, "resource", "total")
	sv.do("DELETE /fhir/Patient?sex=male", header+"true").want(400)
	t.Run("pages end when the meaning changes", func(t *testing.T) {
		next := sv.do("GET /fhir/Patient?sex=male,female,other&_count=1", header+"true").wantFound("a").link("next")
		sv.do("GET "+next, header+"true").wantFound("b")
		a := sv.do("GET "+next).want(400, "invalid")
		if m := a.string("issue", 0, "diagnostics"); !strings.Contains(m, "parameters have changed") {
			t.Error(m)
		}
	})
}
