package httpapi

import (
	"strings"
	"testing"

	"fhirlog/domain"
)

func TestRead(t *testing.T) {
	sv := newService(t, Options{})
	posted := `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"é\u00e9"},"valueQuantity":{"value":1.50}}`
	sv.do("PUT /fhir/Observation/o", posted).want(201)
	shown := `{"resourceType":"Observation","id":"o","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:01.000Z"},"status":"final","code":{"text":"é\u00e9"},"valueQuantity":{"value":1.50}}`

	t.Run("shows what was stored", func(t *testing.T) {
		a := sv.do("GET /fhir/Observation/o").want(200).body(shown)
		a.header("Content-Type", "application/fhir+json; charset=utf-8").header("Etag", `W/"1"`)
		a.header("Last-Modified", "Thu, 01 Jan 2026 00:00:01 GMT").header("X-Request-Id", "request-1")
		a.header("X-Content-Type-Options", "nosniff").header("X-Frame-Options", "SAMEORIGIN").header("Content-Security-Policy", "frame-src 'self';")
		a.header("X-Correlation-Id", "").header("Location", "")
	})
	t.Run("HEAD has the headers only", func(t *testing.T) {
		a := sv.do("HEAD /fhir/Observation/o").want(200).body("").header("Etag", `W/"1"`)
		a.header("Content-Length", sv.do("GET /fhir/Observation/o").Header().Get("Content-Length"))
	})
	t.Run("a slash at the end makes no difference", func(t *testing.T) { sv.do("GET /fhir/Observation/o/").want(200) })
	t.Run("unknown", func(t *testing.T) { sv.do("GET /fhir/Observation/x").want(404, "not-found") })
	t.Run("other type with the same id", func(t *testing.T) { sv.do("GET /fhir/Patient/o").want(404, "not-found") })
	t.Run("impossible id", func(t *testing.T) { sv.do("GET /fhir/Observation/a%20b").want(404, "not-found") })
	t.Run("ids are case-sensitive", func(t *testing.T) { sv.do("GET /fhir/Observation/O").want(404) })
	t.Run("deleted resource is gone", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/d", patient("d", "")).want(201)
		sv.do("DELETE /fhir/Patient/d").want(204)
		sv.do("GET /fhir/Patient/d").want(410, "deleted").header("Etag", `W/"2"`)
		sv.do("HEAD /fhir/Patient/d").want(410).body("")
	})
	t.Run("unknown parameters are ignored, or refused when strict", func(t *testing.T) {
		sv.do("GET /fhir/Observation/o?foo=1").want(200)
		sv.do("GET /fhir/Observation/o?foo=1", "Prefer: handling=strict").want(400, "invalid")
		sv.do("GET /fhir/Observation/o?_format=json&_pretty=false", "Prefer: handling=strict").want(200)
	})
	t.Run("badly encoded query", func(t *testing.T) { sv.do("GET /fhir/Observation/o?a=%25zz&b=%zz").want(400, "invalid") })
}

func TestConditionalRead(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201) // at 00:00:01
	for _, c := range []struct {
		header string
		status int
	}{
		{`If-None-Match: W/"1"`, 304},
		{`If-None-Match: "1"`, 304},
		{`If-None-Match: *`, 304},
		{`If-None-Match: W/"7", W/"1"`, 304},
		{`If-None-Match: W/"2"`, 200},
		{`If-None-Match: nonsense`, 200},
		{`If-Modified-Since: Thu, 01 Jan 2026 00:00:01 GMT`, 304},
		{`If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT`, 200},
		{`If-Modified-Since: yesterday`, 200},
	} {
		t.Run(c.header, func(t *testing.T) {
			for _, path := range []string{"/fhir/Patient/a", "/fhir/Patient/a/_history/1"} {
				a := sv.do("GET "+path, c.header).want(c.status).header("Etag", `W/"1"`)
				if c.status == 304 && a.Body.Len() > 0 {
					t.Errorf("304 has a body: %s", a.Body)
				}
			}
		})
	}
	t.Run("If-None-Match counts before If-Modified-Since", func(t *testing.T) {
		sv.do("GET /fhir/Patient/a", `If-None-Match: W/"9"`, "If-Modified-Since: Thu, 01 Jan 2026 00:00:09 GMT").want(200)
	})
}

func TestVRead(t *testing.T) {
	sv := newService(t, Options{NoHistory: []domain.ResourceType{"Group"}})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	sv.do("PUT /fhir/Patient/a", patient("a", `"active":true`)).want(200)
	sv.do("DELETE /fhir/Patient/a").want(204)
	sv.do("GET /fhir/Patient/a/_history/1").want(200).header("Etag", `W/"1"`).wantAt("1", "meta", "versionId")
	sv.do("GET /fhir/Patient/a/_history/2").want(200).wantAt(true, "active")
	sv.do("GET /fhir/Patient/a/_history/3").want(410, "deleted").header("Etag", `W/"3"`)
	for _, version := range []string{"4", "0", "01", "-1", "abc", "99999999999999999999"} {
		sv.do("GET /fhir/Patient/a/_history/"+version).want(404, "not-found")
	}
	sv.do("GET /fhir/Patient/zzz/_history/1").want(404, "not-found")
	sv.do("DELETE /fhir/Patient/a/_history/1").want(405, "not-supported").header("Allow", "GET, HEAD")

	t.Run("only the current version without history", func(t *testing.T) {
		group := `{"resourceType":"Group","id":"g","type":"person","actual":true}`
		sv.do("PUT /fhir/Group/g", group).want(201)
		sv.do("PUT /fhir/Group/g", strings.Replace(group, "true", "false", 1)).want(200)
		sv.do("GET /fhir/Group/g/_history/2").want(200)
		sv.do("GET /fhir/Group/g/_history/1").want(405, "forbidden")
		sv.do("GET /fhir/Group/g/_history").want(405, "forbidden")
		sv.do("GET /fhir/Group/_history").want(405, "forbidden")
		sv.do("GET /fhir/_history").want(405, "forbidden")
		sv.do("GET /fhir/Patient/_history").want(200)
	})
}

func TestShapes(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Observation/o", `{"resourceType":"Observation","id":"o","meta":{"tag":[{"code":"x"}]},`+
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>"},"status":"final","_status":{"id":"s"},`+
		`"code":{"text":"c"},"effectiveDateTime":"2026","issued":"2026-01-01T00:00:00Z","valueQuantity":{"value":1.00},"note":[{"text":"n"}],`+
		`"component":[{"code":{"text":"k"},"valueInteger":1,"interpretation":[{"text":"i"}]}]}`).want(201)
	const meta = `"meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:01.000Z","tag":[{"code":"x"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}`
	const head = `{"resourceType":"Observation","id":"o",` + meta + `,`
	for _, c := range []struct{ name, query, want string }{
		{"named elements and the mandatory ones", "_elements=issued", head + `"status":"final","_status":{"id":"s"},"code":{"text":"c"},"issued":"2026-01-01T00:00:00Z"}`},
		{"a choice by its name", "_elements=value", head + `"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00}}`},
		{"a choice as FHIR writes it", "_elements=value[x]", head + `"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00}}`},
		{"with the type before", "_elements=Observation.note,none", head + `"status":"final","_status":{"id":"s"},"code":{"text":"c"},"note":[{"text":"n"}]}`},
		{"text", "_summary=text", head + `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>"},"status":"final","_status":{"id":"s"},"code":{"text":"c"}}`},
		{"summary", "_summary=true", head + `"status":"final","_status":{"id":"s"},"code":{"text":"c"},"effectiveDateTime":"2026","issued":"2026-01-01T00:00:00Z","valueQuantity":{"value":1.00},"component":[{"code":{"text":"k"},"valueInteger":1}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sv.do("GET /fhir/Observation/o?" + c.query).want(200).body(c.want)
			sv.do("GET /fhir/Observation/o/_history/1?" + c.query).want(200).body(c.want)
		})
	}
	t.Run("many elements are too many", func(t *testing.T) {
		sv.do("GET /fhir/Observation/o?_elements=" + strings.Repeat("note,", mostParameters)).want(200)
		sv.do("GET /fhir/Observation/o?_elements="+strings.Repeat("note,", mostParameters)+"note").want(400, "invalid")
	})
	t.Run("data has all but the text", func(t *testing.T) {
		a := sv.do("GET /fhir/Observation/o?_summary=Data").want(200)
		if a.at("text") != nil || a.at("note") == nil || !strings.Contains(a.Body.String(), "SUBSETTED") {
			t.Errorf("body %s", a.Body)
		}
	})
	t.Run("false has all", func(t *testing.T) {
		if a := sv.do("GET /fhir/Observation/o?_summary=false").want(200); strings.Contains(a.Body.String(), "SUBSETTED") {
			t.Errorf("body %s", a.Body)
		}
	})
	for _, query := range []string{"_summary=count", "_summary=", "_summary=all", "_elements=", "_elements=,", "_elements=id&_summary=true",
		"_pretty=1", "_pretty=", "_pretty=yes", "_summary=true&_summary=text"} {
		t.Run(query, func(t *testing.T) { sv.do("GET /fhir/Observation/o?"+query).want(400, "invalid") })
	}
	t.Run("pretty", func(t *testing.T) {
		sv.do("PUT /fhir/Basic/p", `{"resourceType":"Basic","id":"p","code":{"text":"a{\"[,:"},"extension":[{"url":"u","valueDecimal":1.0}]}`).want(201)
		sv.do("GET /fhir/Basic/p?_pretty=true").want(200).body(`{
  "resourceType": "Basic",
  "id": "p",
  "meta": {
    "versionId": "1",
    "lastUpdated": "2026-01-01T00:00:02.000Z"
  },
  "code": {
    "text": "a{\"[,:"
  },
  "extension": [
    {
      "url": "u",
      "valueDecimal": 1.0
    }
  ]
}
`)
		sv.do("GET /fhir/Basic/x?_pretty=TRUE").want(404, "not-found")
	})
}
