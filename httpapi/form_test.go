package httpapi

import (
	"strings"
	"testing"
)

const formType = "Content-Type: application/x-www-form-urlencoded"

func TestSearchByForm(t *testing.T) {
	sv := ward(t, Options{})
	for _, c := range []struct{ line, form, want, self string }{
		{"/Patient/_search", "gender=male", "a", "/fhir/Patient?gender=male"},
		{"/Patient/_search?gender=male,female", "birthdate=gt1975", "b", "/fhir/Patient?gender=male%2Cfemale&birthdate=gt1975"},
		{"/Patient/_search?gender=male", "gender=male", "a", "/fhir/Patient?gender=male"},
		{"/Patient/_search?gender=male", "", "a", "/fhir/Patient?gender=male"},
		{"/Patient/_search", "_id=a%2Cb&_sort=-_lastUpdated", "b a", "/fhir/Patient?_id=a%2Cb&_sort=-_lastUpdated"},
		{"/Patient/_search", "name=abel+", "", ""},
		{"/_search", "_type=Patient&_id=a", "a", "/fhir?_type=Patient&_id=a"},
		{"/Patient/b/Observation/_search", "code=29463-7", "o3", "/fhir/Patient/b/Observation?code=29463-7"},
	} {
		t.Run(c.line+" "+c.form, func(t *testing.T) {
			a := sv.do("POST /fhir"+c.line, formType, c.form).want(200)
			if c.self == "" {
				return
			}
			a.wantFound(c.want)
			if got := a.link("self"); got != c.self {
				t.Errorf("self is %s, want %s", got, c.self)
			}
		})
	}
	t.Run("pages are links to GET", func(t *testing.T) {
		a := sv.do("POST /fhir/Patient/_search", formType, "_count=2").wantFound("a b")
		sv.do("GET " + a.link("next")).wantFound("c")
	})
	t.Run("shape and format come from the form as well", func(t *testing.T) {
		a := sv.do("POST /fhir/Patient/_search", formType, "_id=a&_elements=gender&_pretty=true").wantFound("a").wantAt("SUBSETTED", "entry", 0, "resource", "meta", "tag", 0, "code")
		if !strings.Contains(a.Body.String(), "\n") {
			t.Error("it is not pretty")
		}
		sv.do("POST /fhir/Patient/_search", formType, "_format=xml").want(200).header("Content-Type", "application/fhir+xml; charset=utf-8")
		sv.do("POST /fhir/Patient/_search", formType, "_summary=x").want(400, "invalid")
	})
	t.Run("content types", func(t *testing.T) {
		for kind, status := range map[string]int{
			"application/x-www-form-urlencoded; charset=UTF-8": 200, "application/x-www-form-urlencoded;charset=latin1": 400,
			"application/fhir+json": 400, "application/json": 400, "text/plain": 400, "multipart/form-data; boundary=x": 400, "nonsense": 400, "/": 400,
		} {
			sv.do("POST /fhir/Patient/_search", "Content-Type: "+kind, "gender=male").want(status)
		}
		sv.do("POST /fhir/Patient/_search").wantFound("a b c")
	})
	t.Run("limits", func(t *testing.T) {
		sv.do("POST /fhir/Patient/_search", formType, strings.Repeat("gender=male&", 10_000)).want(400, "invalid")
		sv.do("POST /fhir/Patient/_search?"+strings.Repeat("gender=male&", 150)+"x=1", formType, strings.Repeat("active=true&", 150)).wantFound("! a")
		sv.do("POST /fhir/Patient/_search", formType, "_id="+strings.Repeat("a,", longestQuery)).want(413, "invalid")
		sv.do("POST /fhir/Patient/_search", formType, "_id="+strings.Repeat("a,", 100_000)).want(400)
		sv.do("POST /fhir/Patient/_search", formType, "_id=%zz").want(400, "invalid")
		if n := sv.s.bodies.used.Load(); n != 0 {
			t.Errorf("%d bytes are still held", n)
		}
	})
	t.Run("criteria count against the memory for bodies", func(t *testing.T) {
		small := ward(t, Options{MaxBodyBytes: 100_000, MaxBodyBytesInFlight: 400_000})
		small.do("POST /fhir/Patient/_search", formType, "_id="+strings.Repeat("a,", 40_000)).want(413, "invalid")
		small.do("GET /fhir/Patient?_id=" + strings.Repeat("a,", 100)).want(200)
	})
}
