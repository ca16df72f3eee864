package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// busy has one practitioner and n patients of theirs.
func busy(t testing.TB, n int, o Options) *service {
	sv := newService(t, o)
	sv.do("PUT /fhir/Practitioner/p", `{"resourceType":"Practitioner","id":"p"}`).want(201)
	for i := range n {
		id := fmt.Sprintf("a%02d", i)
		sv.do("PUT /fhir/Patient/"+id, patient(id, `"generalPractitioner":[{"reference":"Practitioner/p"}]`)).want(201)
	}
	return sv
}

func TestIncludesBeyondTheCap(t *testing.T) {
	sv := busy(t, 10, Options{MaxIncludes: 4})
	search := "GET /fhir/Practitioner?_revinclude=Patient:general-practitioner&_pretty=false"
	a := sv.do(search).wantFound("! p +a00 +a01 +a02 +a03").wantAt(1.0, "total")
	if a.issues() != "warning incomplete" {
		t.Errorf("issues %s", a.issues())
	}
	related := a.link("related")
	if !strings.HasPrefix(related, "/fhir/Practitioner/$includes?") {
		t.Fatalf("related is %q", related)
	}
	t.Run("$includes goes on", func(t *testing.T) {
		b := sv.do("GET "+related).wantFound("! +a04 +a05 +a06 +a07").wantAt(nil, "total").wantAt("searchset", "type")
		if m := b.string("entry", 0, "resource", "issue", 0, "diagnostics"); !strings.Contains(m, "the link 'next' leads") {
			t.Errorf("the answer says %s", m)
		}
		if b.link("self") != related {
			t.Errorf("self is %s, want %s", b.link("self"), related)
		}
		sv.do("PUT /fhir/Patient/a99", patient("a99", `"generalPractitioner":[{"reference":"Practitioner/p"}]`)).want(201)
		c := sv.do("GET " + b.link("next")).wantFound("+a08 +a09")
		if c.link("next") != "" {
			t.Errorf("next is %s", c.link("next"))
		}
	})
	t.Run("in smaller steps", func(t *testing.T) {
		at, seen := sv.do(search+"&_includesCount=3").wantFound("! p +a00 +a01 +a02").link("related"), []string{}
		for at != "" {
			b := sv.do("GET " + at).want(200)
			seen = append(seen, strings.Fields(strings.ReplaceAll(b.found(), "!", ""))...)
			at = b.link("next")
		}
		if want := strings.Fields("+a03 +a04 +a05 +a06 +a07 +a08 +a09 +a99"); !slices.Equal(seen, want) {
			t.Errorf("saw %v, want %v", seen, want)
		}
	})
	t.Run("a token is good for its own includes only", func(t *testing.T) {
		sv.do("GET "+strings.Replace(related, "Practitioner/", "Patient/", 1)).want(400, "invalid")
		sv.do("GET "+strings.Replace(related, "general-practitioner", "organization", 1)).want(400, "invalid")
		sv.do("GET "+related+"&_count=1").want(400, "invalid")
		sv.do("GET " + related + "&_includesCount=1").wantFound("! +a04")
	})
	t.Run("_includesCount above the cap is lowered", func(t *testing.T) {
		a := sv.do(search + "&_includesCount=900").wantFound("! p +a00 +a01 +a02 +a03")
		if a.issues() != "information informational, warning incomplete" || a.query("self").Get("_includesCount") != "4" {
			t.Errorf("issues %s, self %v", a.issues(), a.query("self"))
		}
	})
	t.Run("what iterates cannot be paged", func(t *testing.T) {
		a := sv.do("GET /fhir/Practitioner?_revinclude:iterate=Patient:general-practitioner:Practitioner").want(200)
		if a.link("related") != "" || !strings.Contains(a.issues(), "warning incomplete") {
			t.Errorf("issues %s, related %s", a.issues(), a.link("related"))
		}
	})
	t.Run("of the whole system and of a compartment", func(t *testing.T) {
		a := sv.do("GET /fhir?_type=Practitioner&_revinclude=Patient:general-practitioner").wantFound("! p +a00 +a01 +a02 +a03")
		sv.do("GET " + a.link("related")).wantFound("! +a04 +a05 +a06 +a07")
		a = sv.do("GET /fhir/Practitioner/p/Patient?_count=1&_include=Patient:general-practitioner").wantFound("a00 +p")
		if a.link("related") != "" {
			t.Errorf("related is %s", a.link("related"))
		}
	})
	t.Run("the page counts, not the search", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?_count=2&_include=Patient:general-practitioner").wantFound("a00 a01 +p")
		sv.do("GET " + a.link("next")).wantFound("a02 a03 +p")
		sv.do("GET /fhir/Patient?_count=0&_include=Patient:general-practitioner").wantFound("")
	})
}

func TestCircularIncludes(t *testing.T) {
	sv := newService(t, Options{})
	for _, pair := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
		sv.do("PUT /fhir/Organization/"+pair[0], `{"resourceType":"Organization","id":"`+pair[0]+`","name":"`+pair[0]+`","partOf":{"reference":"Organization/`+pair[1]+`"}}`).want(201)
	}
	a := sv.do("GET /fhir/Organization?_id=a&_include:iterate=Organization:partof").wantFound("! a +b +c")
	if a.issues() != "information informational" {
		t.Errorf("issues %s", a.issues())
	}
}
