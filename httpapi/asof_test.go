package httpapi

import (
	"errors"
	"testing"
	"time"

	"fhirlog/domain"
)

// TestAsOf asks for the past of the ward: position n is written n+1 seconds
// after the beginning of 2026.
func TestAsOf(t *testing.T) {
	sv := ward(t, Options{})
	t.Run("read", func(t *testing.T) {
		sv.do("GET /fhir/Patient/c?_asOf=2").want(200).header("Etag", `W/"1"`).wantAt(false, "active")
		sv.do("GET /fhir/Patient/c?_asOf=6").want(200).header("Etag", `W/"1"`)
		sv.do("GET /fhir/Patient/c?_asOf=7").want(200).header("Etag", `W/"2"`)
		sv.do("GET /fhir/Patient/c?_asOf=2026-01-01T00:00:07.999Z").want(200).header("Etag", `W/"1"`)
		sv.do("GET /fhir/Patient/c?_asOf=2026-01-01T00:00:08Z").want(200).header("Etag", `W/"2"`)
		sv.do("GET /fhir/Patient/c?_asOf=2026-01-01T01:00:08%2B01:00").want(200).header("Etag", `W/"2"`)
		sv.do("GET /fhir/Patient/c?_asOf=1").want(404, "not-found")
		sv.do("GET /fhir/Patient/gone?_asOf=8").want(200)
		sv.do("GET /fhir/Patient/gone?_asOf=9").want(410, "deleted").header("Etag", `W/"2"`)
		sv.do("GET /fhir/Patient/c?_asOf=2", `If-None-Match: W/"1"`).want(304)
		sv.do("GET /fhir/Patient/c?_asOf=2&_elements=gender").want(200).wantAt("SUBSETTED", "meta", "tag", 0, "code")
	})
	t.Run("vread", func(t *testing.T) {
		sv.do("GET /fhir/Patient/c/_history/2?_asOf=7").want(200)
		sv.do("GET /fhir/Patient/c/_history/2?_asOf=6").want(404, "not-found")
	})
	t.Run("history", func(t *testing.T) {
		sv.do("GET /fhir/Patient/c/_history?_asOf=6").wantVersions("c/1").wantAt(1.0, "total")
		sv.do("GET /fhir/Patient/c/_history?_asOf=2026-01-01T00:00:08Z").wantVersions("c/2", "c/1")
		sv.do("GET /fhir/Patient/c/_history?_asOf=1").want(404, "not-found")
		sv.do("GET /fhir/Patient/gone/_history?_asOf=9").wantVersions("gone/2", "gone/1")
		a := sv.do("GET /fhir/Patient/_history?_asOf=7&_count=3").wantVersions("c/2", "c/1", "b/1")
		sv.do("GET " + a.link("next")).wantVersions("a/1")
		sv.do("GET /fhir/_history?_asOf=0").wantVersions("a/1")
		sv.do("GET /fhir/_history?_asOf=3&_since=2026-01-01T00:00:03Z").wantVersions("p/1", "c/1")
	})
	for _, c := range []struct{ line, want string }{
		{"/Patient?_asOf=0", "a"},
		{"/Patient?_asOf=2026-01-01T00:00:01Z", "a"},
		{"/Patient?_asOf=2026-01-01T00:00:00.999Z", ""},
		{"/Patient?_asOf=2", "a b c"},
		{"/Patient?gender=female&_asOf=6", "b c"},
		{"/Patient?gender=female&_asOf=7", "b"},
		{"/Patient?active=true&_asOf=8", "a b c gone"},
		{"/Patient?identifier=urn:x|2&_asOf=5", "b c"},
		{"/Patient?_has:Observation:subject:code=29463-7&_asOf=5", ""},
		{"/Patient?_revinclude=Observation:subject&_id=b&_asOf=5", "b +o2"},
		{"/Patient?_include=Patient:general-practitioner&_id=b&_asOf=2", "b"},
		{"/Patient/b/Observation?_asOf=5", "o2"},
		{"/?_type=Patient,Observation&_asOf=4", "a b c o1"},
	} {
		t.Run("GET "+c.line, func(t *testing.T) {
			a := sv.do("GET /fhir" + c.line).wantFound(c.want)
			if a.query("self").Get("_asOf") == "" {
				t.Errorf("self is %s", a.link("self"))
			}
		})
	}
	t.Run("pages stay in the past", func(t *testing.T) {
		a := sv.do("GET /fhir/Patient?_asOf=8&_count=3").wantFound("a b c").wantAt(4.0, "total")
		b := sv.do("GET " + a.link("next")).wantFound("gone")
		sv.do("GET " + b.link("previous")).wantFound("a b c")
		sv.do("GET " + a.link("first")).wantFound("a b c")
	})
	for _, wrong := range []string{"10", "99999999999999999999999", "2026-01-01T00:00:11Z", "2027-01-01T00:00:00Z", "2026", "2026-01", "2026-01-01", "-1", "1.5", "", "x", "2026-01-01T00:00"} {
		t.Run("wrong "+wrong, func(t *testing.T) {
			for _, line := range []string{"/Patient/c?", "/Patient/c/_history/1?", "/Patient/c/_history?", "/Patient?"} {
				sv.do("GET /fhir"+line+"_asOf="+wrong).want(400, "invalid")
			}
		})
	}
	t.Run("an instant that only the log knows", func(t *testing.T) {
		sv := newService(t, Options{Clock: func() time.Time { return epoch }}) // behind the log
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		sv.do("GET /fhir/Patient/a?_asOf=2026-01-01T00:00:01Z").want(200)
		sv.do("GET /fhir/Patient/a?_asOf=2026-01-01T00:00:02Z").want(400, "invalid")
	})
	t.Run("where former versions are not readable", func(t *testing.T) {
		sv := ward(t, Options{NoHistory: []domain.ResourceType{"Patient"}})
		sv.do("GET /fhir/Patient/c?_asOf=2").want(405, "forbidden")
		sv.do("GET /fhir/Patient/c?_asOf=7").want(200)
		sv.do("GET /fhir/Patient?_asOf=2").want(405, "forbidden")
		sv.do("GET /fhir/Observation?_asOf=5&_include=*").want(405, "forbidden")
		sv.do("GET /fhir/Observation/o1?_asOf=5").want(200)
	})
	t.Run("a transaction is there at once", func(t *testing.T) {
		sv := newService(t, Options{})
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		sv.do("POST /fhir", `{"resourceType":"Bundle","type":"transaction","entry":[
			{"request":{"method":"PUT","url":"Patient/b"},"resource":`+patient("b", "")+`},
			{"request":{"method":"PUT","url":"Patient/c"},"resource":`+patient("c", "")+`}]}`).want(200)
		sv.do("GET /fhir/Patient?_asOf=0").wantFound("a")
		for _, position := range []string{"1", "2"} {
			sv.do("GET /fhir/Patient?_asOf=" + position).wantFound("a b c")
			sv.do("GET /fhir/Patient/c?_asOf=" + position).want(200)
			sv.do("GET /fhir/_history?_asOf="+position).wantAt(3.0, "total")
		}
		sv.model.fail = errors.New("no disk")
		sv.do("GET /fhir/Patient?_asOf=1").want(500, "exception")
	})
	t.Run("strict", func(t *testing.T) {
		sv.do("GET /fhir/Patient/c?_asOf=2", "Prefer: handling=strict").want(200)
		sv.do("GET /fhir/Patient?_asOf=2", "Prefer: handling=strict").wantFound("a b c")
	})
}
