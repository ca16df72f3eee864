package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

func TestCreate(t *testing.T) {
	sv := newService(t, Options{})
	t.Run("assigns id and version", func(t *testing.T) {
		a := sv.do("POST /fhir/Patient?unknown=1", `{"resourceType":"Patient","id":"mine","meta":{"versionId":"7"},"active":true}`).want(201)
		a.header("Location", "http://example.com/fhir/Patient/new1/_history/1").header("Etag", `W/"1"`).header("Last-Modified", "Thu, 01 Jan 2026 00:00:01 GMT")
		a.body(`{"resourceType":"Patient","id":"new1","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:01.000Z"},"active":true}`)
	})
	for _, c := range []struct {
		name, line string
		more       []string
		status     int
		code       string
	}{
		{"another type than the path", "POST /fhir/Patient", []string{`{"resourceType":"Group"}`}, 400, "invalid"},
		{"no type", "POST /fhir/Patient", []string{`{"active":true}`}, 400, ""},
		{"unknown element", "POST /fhir/Patient", []string{`{"resourceType":"Patient","activ":true}`}, 400, ""},
		{"unknown type", "POST /fhir/NotAType", []string{`{}`}, 404, "not-found"},
		{"type in wrong case", "POST /fhir/patient", []string{`{}`}, 404, "not-found"},
		{"type without endpoint", "POST /fhir/Parameters", []string{`{"resourceType":"Parameters"}`}, 405, "forbidden"},
		{"malformed", "POST /fhir/Patient", []string{`{"resourceType":"Patient",}`}, 400, "structure"},
		{"duplicate member", "POST /fhir/Patient", []string{`{"resourceType":"Patient","active":true,"active":true}`}, 400, "structure"},
		{"not an object", "POST /fhir/Patient", []string{`[]`}, 400, "invalid"},
		{"empty", "POST /fhir/Patient", []string{"Content-Type: application/fhir+json"}, 400, "invalid"},
		{"too deep", "POST /fhir/Patient", []string{`{"resourceType":"Patient","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`}, 400, "structure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sv.do(c.line, c.more...).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
			a.wantAt("OperationOutcome", "resourceType").wantAt("error", "issue", 0, "severity").wantAt("request-1", "id")
		})
	}
	if sv.model.commits != 1 {
		t.Errorf("%d commits, want 1: a refused create must change nothing", sv.model.commits)
	}
}

func TestPreferReturn(t *testing.T) {
	sv := newService(t, Options{})
	body := `{"resourceType":"Patient"}`
	sv.do("POST /fhir/Patient", "Prefer: return=representation", body).want(201).wantAt("Patient", "resourceType")
	a := sv.do("POST /fhir/Patient", "Prefer: handling=lenient, return=minimal", body).want(201).body("").header("Content-Length", "0").header("Etag", `W/"1"`)
	if a.Header().Get("Location") == "" || a.Header().Get("Content-Type") != "" {
		t.Errorf("headers %v", a.Header())
	}
	sv.do("POST /fhir/Patient", "Prefer: return=OperationOutcome", body).want(201, "informational").wantAt("information", "issue", 0, "severity").
		wantAt("Patient/new3 was created, its version is 1.", "issue", 0, "diagnostics").wantAt("Patient/new3 was created, its version is 1.", "issue", 0, "details", "text")
	sv.do("PUT /fhir/Patient/a", "Prefer: return=minimal", patient("a", "")).want(201).body("")
	sv.do("PUT /fhir/Patient/a", `Prefer: return="operationoutcome"`, patient("a", "")).want(200, "informational").
		wantAt("Patient/a was left as it was, as the content is the same, its version is 1.", "issue", 0, "diagnostics")
	sv.do("DELETE /fhir/Patient/a", "Prefer: return=OperationOutcome").want(200, "informational").header("Etag", `W/"2"`)
	sv.do("DELETE /fhir/Patient/a", "Prefer: return=OperationOutcome").want(200, "informational").header("Etag", "")
	sv.do("POST /fhir/Patient", "Prefer: respond-async, wait=10; return=minimal", body).want(201).body("")
	for _, wrong := range []string{"return=", "return=everything", "return", "handling=", "handling=easy"} {
		sv.do("POST /fhir/Patient", "Prefer: "+wrong, body).want(400, "invalid")
	}
}

func TestUpdate(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", `"gender":"male"`)).want(201).header("Location", "http://example.com/fhir/Patient/a/_history/1").header("Etag", `W/"1"`)
	sv.do("PUT /fhir/Patient/a", patient("a", `"gender":"other"`)).want(200).header("Location", "").header("Etag", `W/"2"`).wantAt("2", "meta", "versionId")

	t.Run("identical content makes no new version", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", patient("a", `"gender":"other"`)).want(200).header("Etag", `W/"2"`).header("Last-Modified", "Thu, 01 Jan 2026 00:00:02 GMT")
	})
	t.Run("deleted resources come back", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/u", patient("u", "")).want(201)
		sv.do("DELETE /fhir/Patient/u").want(204)
		sv.do("PUT /fhir/Patient/u", patient("u", "")).want(200).header("Etag", `W/"3"`)
	})
	t.Run("_meta-history=false keeps no version before", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/m", patient("m", "")).want(201)
		sv.do("PUT /fhir/Patient/m?_meta-history=false", patient("m", `"meta":{"tag":[{"code":"t"}]}`)).want(200).header("Etag", `W/"2"`)
		sv.do("GET /fhir/Patient/m/_history/1").want(404)
		sv.do("PUT /fhir/Patient/m?_meta-history=0", patient("m", "")).want(400, "invalid")
	})
	for _, c := range []struct {
		name, header, id string
		status           int
		code             string
	}{
		{"the current version", `If-Match: W/"2"`, "a", 200, ""},
		{"an old version", `If-Match: W/"1"`, "a", 412, "conflict"},
		{"no number", `If-Match: W/"x"`, "a", 412, "conflict"},
		{"a strong tag", `If-Match: "2"`, "a", 400, "invalid"},
		{"a bare word", `If-Match: 2`, "a", 400, "invalid"},
		{"any", `If-Match: *`, "a", 400, "invalid"},
		{"two tags", `If-Match: W/"2", W/"3"`, "a", 400, "invalid"},
		{"an empty tag", `If-Match: W/""`, "a", 400, "invalid"},
		{"nothing there", `If-Match: W/"1"`, "never", 404, "not-found"},
		{"only create, and it exists", `If-None-Match: *`, "a", 412, "required"},
		{"only create, and it does not", `If-None-Match: *`, "fresh", 201, ""},
		{"If-None-Match with a version", `If-None-Match: W/"1"`, "a", 400, "invalid"},
		{"If-Unmodified-Since", `If-Unmodified-Since: Thu, 01 Jan 2026 00:00:01 GMT`, "a", 400, "not-supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := sv.do("PUT /fhir/Patient/"+c.id, c.header, patient(c.id, `"gender":"other"`)).want(c.status)
			if c.code != "" {
				a.want(c.status, c.code)
			}
		})
	}
	t.Run("ids must agree", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", patient("A", "")).want(400, "invalid")
		sv.do("PUT /fhir/Patient/a", `{"resourceType":"Patient"}`).want(400, "invalid")
		sv.do("PUT /fhir/Patient/a%20b", patient("a b", "")).want(400, "invalid")
		sv.do("PUT /fhir/Patient/"+strings.Repeat("a", 65), patient(strings.Repeat("a", 65), "")).want(400, "invalid")
	})
	t.Run("audit events are not rewritten", func(t *testing.T) {
		sv.do("PUT /fhir/AuditEvent/a", `{"resourceType":"AuditEvent","id":"a"}`).want(405, "forbidden").header("Allow", "GET, HEAD")
		sv.do("DELETE /fhir/AuditEvent/a").want(405, "forbidden")
	})
	t.Run("the server's own operation definitions", func(t *testing.T) {
		sv.do("PUT /fhir/OperationDefinition/versions", `{"resourceType":"OperationDefinition","id":"versions"}`).want(405, "forbidden")
	})
}

func TestSTU3Conflict(t *testing.T) {
	sv := newServiceOf(t, definitions.STU3, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
	sv.do("PUT /fhir/Patient/a", `If-Match: W/"9"`, patient("a", "")).want(409, "conflict")
}

func TestDelete(t *testing.T) {
	sv := newService(t, Options{})
	put := func(id string) {
		sv.do("PUT /fhir/Patient/"+id, patient(id, "")).want(201)
		sv.do("PUT /fhir/Patient/"+id, patient(id, `"active":true`)).want(200)
	}
	t.Run("soft", func(t *testing.T) {
		put("s")
		sv.do("DELETE /fhir/Patient/s").want(204).body("").header("Etag", `W/"3"`)
		sv.do("DELETE /fhir/Patient/s").want(204).header("Etag", "")
		sv.do("DELETE /fhir/Patient/never").want(204).header("Etag", "")
		sv.do("DELETE /fhir/Patient/a%20b").want(400, "invalid")
	})
	t.Run("If-Match", func(t *testing.T) {
		put("m")
		sv.do("DELETE /fhir/Patient/m", `If-Match: W/"1"`).want(412, "conflict")
		sv.do("DELETE /fhir/Patient/m", `If-Match: 2`).want(400, "invalid")
		sv.do("DELETE /fhir/Patient/m", `If-None-Match: *`).want(400, "invalid")
		sv.do("DELETE /fhir/Patient/never", `If-Match: W/"1"`).want(404, "not-found")
		sv.do("DELETE /fhir/Patient/m", `If-Match: W/"2"`).want(204)
	})
	for _, name := range []string{"hardDelete", "_hardDelete"} {
		t.Run(name, func(t *testing.T) {
			put("h")
			sv.do("DELETE /fhir/Patient/h?"+name+"=yes").want(400, "invalid")
			sv.do("DELETE /fhir/Patient/h?"+name+"=").want(400, "invalid")
			sv.do("GET /fhir/Patient/h").want(200)
			sv.do("DELETE /fhir/Patient/h?" + name + "=false").want(204)
			sv.do("GET /fhir/Patient/h").want(410)
			sv.do("DELETE /fhir/Patient/h?"+name+"=true").want(204).header("Etag", "")
			sv.do("GET /fhir/Patient/h").want(404)
			sv.do("GET /fhir/Patient/h/_history/1").want(404)
			sv.do("GET /fhir/Patient/h/_history").want(404)
			sv.do("DELETE /fhir/Patient/h?" + name + "=true").want(204)
		})
	}
	t.Run("contradiction", func(t *testing.T) {
		put("c")
		sv.do("DELETE /fhir/Patient/c?hardDelete=true&_hardDelete=false").want(400, "invalid")
		sv.do("DELETE /fhir/Patient/c?hardDelete=false&_hardDelete=true").want(400, "invalid")
		sv.do("GET /fhir/Patient/c").want(200)
	})
	t.Run("purge history", func(t *testing.T) {
		put("p")
		sv.do("DELETE /fhir/Patient/p/$purge-history").want(204).body("").header("Etag", "")
		sv.do("GET /fhir/Patient/p/_history/1").want(404)
		sv.do("GET /fhir/Patient/p").want(200).header("Etag", `W/"2"`)
		sv.do("DELETE /fhir/Patient/p/$purge-history", "Prefer: return=OperationOutcome").want(200, "informational")
		sv.do("GET /fhir/Patient/p/$purge-history").want(405, "not-supported").header("Allow", "DELETE")
	})
}

func TestProvenance(t *testing.T) {
	sv := newService(t, Options{})
	provenance := `X-Provenance: {"resourceType":"Provenance","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"d"}}]}`
	sv.do("POST /fhir/Patient", provenance, `{"resourceType":"Patient"}`).want(201)
	sv.do("GET /fhir/Provenance/new2").want(200).wantAt("Patient/new1/_history/1", "target", 0, "reference")
	sv.do("PUT /fhir/Patient/p", provenance, patient("p", "")).want(201)
	sv.do("GET /fhir/Provenance/new3").want(200).wantAt("Patient/p/_history/1", "target", 0, "reference")
	sv.do("PATCH /fhir/Patient/p", provenance, jsonPatchType, setTo("active", "true")).want(200).header("Etag", `W/"2"`)
	sv.do("GET /fhir/Provenance/new4").want(200).wantAt("Patient/p/_history/2", "target", 0, "reference")

	before := sv.model.commits
	for _, wrong := range []string{`{`, `{"resourceType":"Patient"}`, `x`,
		`{"resourceType":"Provenance","target":[{"reference":"a"}],"recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"d"}}]}`,
		`{"resourceType":"Provenance"}`} {
		a := sv.do("POST /fhir/Patient", "X-Provenance: "+wrong, `{"resourceType":"Patient"}`).want(400)
		if m := a.string("issue", 0, "diagnostics"); !strings.Contains(m, "X-Provenance") {
			t.Errorf("%s: %q does not say where the fault is", wrong, m)
		} else if strings.Contains(m, "The body") {
			t.Errorf("%s: %q says that the fault is in the body", wrong, m)
		}
	}
	sv.do("POST /fhir/Patient", provenance, `{"resourceType":"Patient","x":1}`).want(400).wantAt(nil, "issue", 1)
	sv.do("PATCH /fhir/Patient/p", provenance, jsonPatchType, setTo("activ", "true")).want(400)
	sv.do("DELETE /fhir/Patient/p", provenance).want(400, "not-supported")
	sv.do("POST /fhir", provenance, `{"resourceType":"Bundle","type":"batch"}`).want(400, "not-supported")
	if sv.model.commits != before {
		t.Error("a refused request was committed")
	}
}

func TestFailures(t *testing.T) {
	sv := newService(t, Options{})
	t.Run("errors without a kind tell nothing", func(t *testing.T) {
		sv.model.fail = errors.New("a secret")
		a := sv.do("GET /fhir/Patient/a").want(500, "exception")
		if strings.Contains(a.Body.String(), "secret") || !strings.Contains(a.Body.String(), "request-1") {
			t.Errorf("body %s", a.Body)
		}
	})
	for kind, class := range failureClasses {
		if kind == domain.Internal {
			continue
		}
		sv.model.fail = &domain.Error{Kind: kind}
		a := sv.do("PUT /fhir/Patient/a", patient("a", "")).want(class.status, class.code)
		if a.string("issue", 0, "diagnostics") != class.sentence {
			t.Errorf("kind %d: %s", kind, a.Body)
		}
		if kind == domain.Throttled || kind == domain.Unavailable {
			a.header("Retry-After", "1").header("X-Ms-Retry-After-Ms", "1000")
		} else {
			a.header("Retry-After", "")
		}
		if kind == domain.MethodNotAllowed {
			a.header("Allow", "GET, HEAD, PUT, PATCH, DELETE")
		}
	}
	t.Run("issues keep their own codes", func(t *testing.T) {
		sv.model.fail = &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{
			{Severity: domain.Warning, Code: "value", Message: "a \"b\"", Expression: []string{"Patient.name[0]", "Patient.id"}}, {Message: "c"}}}
		sv.do("GET /fhir/Patient/a").want(400, "value").body(`{"resourceType":"OperationOutcome","id":"request-1","meta":{"lastUpdated":"2026-01-01T00:00:00.000Z"},"issue":[` +
			`{"severity":"warning","code":"value","diagnostics":"a \"b\"","expression":["Patient.name[0]","Patient.id"]},{"severity":"error","code":"invalid","diagnostics":"c"}]}`)
	})
	t.Run("time is up", func(t *testing.T) {
		sv := newService(t, Options{RequestTimeout: time.Nanosecond})
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(408, "timeout")
	})
	t.Run("panics are survived", func(t *testing.T) {
		sv := newService(t, Options{})
		sv.s.writer = panicking{}
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(500, "exception")
		sv.do("GET /fhir/Patient/a").want(404)
		sv.do("POST /fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/a"}}]}`).
			want(200).wantAt("500 Internal Server Error", "entry", 0, "response", "status")
	})
}

type panicking struct{ Writer }

func TestPaths(t *testing.T) {
	sv := newService(t, Options{})
	for _, c := range []struct {
		line   string
		status int
		code   string
		allow  string
	}{
		{"GET /fhir/patient/a", 404, "not-found", ""},
		{"DELETE /fhir/NotAType/a", 404, "not-found", ""},
		{"PATCH /fhir/NotAType", 404, "not-found", ""},
		{"GET /fhir/nothing", 404, "not-found", ""},
		{"GET /elsewhere", 404, "not-found", ""},
		{"GET /fhir/Patient/a/b/c", 404, "not-found", ""},
		{"GET /fhir/Patient/$everything", 404, "not-found", ""},
		{"GET /fhir//Patient/a", 404, "not-found", ""},
		{"PATCH /fhir/Patient?identifier=a", 415, "not-supported", ""},
		{"PATCH /fhir/Patient/a", 415, "not-supported", ""},
		{"PATCH /fhir/AuditEvent/a", 405, "forbidden", "GET, HEAD"},
		{"PATCH /fhir/Patient/a/_history/1", 405, "not-supported", "GET, HEAD"},
		{"OPTIONS /fhir/Patient", 405, "not-supported", "POST, GET, HEAD, PUT, PATCH, DELETE"},
		{"POST /fhir/Patient/a", 405, "not-supported", "GET, HEAD, PUT, PATCH, DELETE"},
		{"OPTIONS /fhir/Patient/a", 405, "not-supported", "GET, HEAD, PUT, PATCH, DELETE"},
		{"GET /fhir/Patient/_search", 405, "not-supported", "POST"},
		{"PUT /fhir/_search", 405, "not-supported", "POST"},
		{"DELETE /fhir/", 405, "not-supported", "POST, GET, HEAD"},
		{"POST /fhir/Patient/$includes", 405, "not-supported", "GET, HEAD"},
		{"GET /fhir/Parameters", 405, "forbidden", ""},
		{"DELETE /fhir/metadata", 405, "not-supported", "GET, HEAD"},
		{"POST /fhir/Patient/a/_history", 405, "not-supported", "GET, HEAD"},
		{"PUT /fhir/Patient/a/Observation", 405, "not-supported", "GET, HEAD"},
		{"GET /fhir/Observation/a/Patient", 404, "not-found", ""},
		{"GET /fhir/Patient/a/Nonsense", 404, "not-found", ""},
		{"GET /fhir/.well-known/smart-configuration", 400, "not-supported", ""},
		{"BREW /fhir/Patient/a", 405, "not-supported", "GET, HEAD, PUT, PATCH, DELETE"},
	} {
		t.Run(c.line, func(t *testing.T) {
			a := sv.do(c.line).want(c.status, c.code).header("Allow", c.allow)
			if _, given := a.Header()[http.CanonicalHeaderKey("Allow")]; given != (c.status == 405) {
				t.Errorf("Allow given: %v", given)
			}
		})
	}
	t.Run("a wrong case is explained", func(t *testing.T) {
		if m := sv.do("GET /fhir/patient/a").string("issue", 0, "diagnostics"); !strings.Contains(m, "case-sensitive: Patient") {
			t.Error(m)
		}
	})
	t.Run("at the root", func(t *testing.T) {
		sv := newService(t, Options{BasePath: "/"})
		sv.do("PUT /Patient/a", patient("a", "")).want(201).header("Location", "http://example.com/Patient/a/_history/1")
		sv.do("GET /Patient/a").want(200)
		sv.do("POST /", `{"resourceType":"Bundle","type":"batch"}`).want(200)
		sv.do("GET /metadata").want(200)
		if a := sv.do("GET /?_id=a").wantFound("a"); a.link("self") != "/?_id=a" {
			t.Errorf("self is %s", a.link("self"))
		}
		sv.do("GET /health/check").want(200)
	})
	t.Run("outside of FHIR", func(t *testing.T) {
		if a := sv.do("GET /").want(200); !strings.Contains(a.Body.String(), "http://example.com/fhir/metadata") {
			t.Errorf("body %s", a.Body)
		}
		sv.do("POST /").want(405)
		sv.do("GET /health/check").want(200)
		sv.do("GET /metrics").want(200)
		newService(t, Options{SeparateMetrics: true}).do("GET /metrics").want(404)
	})
}

func TestBaseURL(t *testing.T) {
	create := `{"resourceType":"Patient"}`
	for _, c := range []struct {
		name    string
		options Options
		headers []string
		want    string
	}{
		{"from the request", Options{}, nil, "http://example.com/fhir/"},
		{"forwarded, not trusted", Options{}, []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: public.example"}, "http://example.com/fhir/"},
		{"forwarded, trusted", Options{TrustForwarded: true}, []string{"X-Forwarded-Proto: https, http", "X-Forwarded-Host: public.example:8443"}, "https://public.example:8443/fhir/"},
		{"forwarded, odd", Options{TrustForwarded: true}, []string{"X-Forwarded-Proto: gopher", "X-Forwarded-Host: a\"b"}, "http://localhost/fhir/"},
		{"too long", Options{TrustForwarded: true}, []string{"X-Forwarded-Host: " + strings.Repeat("a", 300)}, "http://localhost/fhir/"},
		{"stated", Options{BaseURL: "https://fhir.example/r4/"}, nil, "https://fhir.example/r4/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newService(t, c.options).do("POST /fhir/Patient", append(c.headers, create)...).want(201)
			if got := a.Header().Get("Location"); !strings.HasPrefix(got, c.want+"Patient/") {
				t.Errorf("Location %s, want it to begin with %s", got, c.want)
			}
		})
	}
}

func TestVersioningPolicyOfWriter(t *testing.T) {
	sv := newService(t, Options{Versioning: commit.VersionedUpdate})
	sv.do("GET /fhir/metadata").want(200).wantAt("versioned-update", "rest", 0, "resource", 0, "versioning")
}
