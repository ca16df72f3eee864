package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// item is an entry of a Bundle to send. A url in the form "PUT Patient/a" has
// the verb before it.
type item struct {
	line     string
	resource string
	fullURL  string
	more     string // further members of request
}

func bundleOf(kind string, items ...item) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"resourceType":"Bundle","type":%q,"entry":[`, kind)
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		if it.fullURL != "" {
			fmt.Fprintf(&b, `"fullUrl":%q,`, it.fullURL)
		}
		if it.resource != "" {
			fmt.Fprintf(&b, `"resource":%s,`, it.resource)
		}
		method, url, _ := strings.Cut(it.line, " ")
		quoted, _ := json.Marshal(url)
		fmt.Fprintf(&b, `"request":{"method":%q,"url":%s`, method, quoted)
		if it.more != "" {
			b.WriteString("," + it.more)
		}
		b.WriteString("}}")
	}
	return b.String() + "]}"
}

// statuses lists the statuses of the entries.
func statuses(a *answer) string {
	a.t.Helper()
	entries, _ := a.want(200).at("entry").([]any)
	var list []string
	for _, e := range entries {
		status := e.(map[string]any)["response"].(map[string]any)["status"].(string)
		list = append(list, status[:3])
	}
	return strings.Join(list, " ")
}

func (a *answer) wantStatuses(want string) *answer {
	a.t.Helper()
	if got := statuses(a); got != want {
		a.t.Fatalf("%s: statuses %s, want %s; body %s", a.request, got, want, a.Body)
	}
	return a
}

func TestBundleEnvelope(t *testing.T) {
	sv := newService(t, Options{})
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"not a Bundle", `{"resourceType":"Patient"}`, 400, "invalid"},
		{"unknown type", `{"resourceType":"Nonsense"}`, 400, "not-supported"},
		{"no type", `{}`, 400, "invalid"},
		{"no Bundle.type", `{"resourceType":"Bundle"}`, 405, "forbidden"},
		{"a collection", `{"resourceType":"Bundle","type":"collection"}`, 405, "forbidden"},
		{"a type that FHIR does not know", `{"resourceType":"Bundle","type":"basket"}`, 400, "not-supported"},
		{"entry is no array", `{"resourceType":"Bundle","type":"batch","entry":{}}`, 400, "structure"},
		{"an entry is no object", `{"resourceType":"Bundle","type":"batch","entry":[1]}`, 400, "structure"},
		{"unknown member", `{"resourceType":"Bundle","type":"batch","entries":[]}`, 400, "structure"},
		{"unknown member of an entry", `{"resourceType":"Bundle","type":"batch","entry":[{"fullurl":"x","request":{"method":"GET","url":"metadata"}}]}`, 400, "structure"},
		{"misspelt condition", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/a","ifmatch":"W/\"1\""}}]}`, 400, "structure"},
	} {
		t.Run(c.name, func(t *testing.T) { sv.do("POST /fhir", c.body).want(c.status, c.code) })
	}
	t.Run("empty", func(t *testing.T) {
		sv.do("POST /fhir", bundleOf("batch")).want(200).body(`{"resourceType":"Bundle","id":"request-1","meta":{"lastUpdated":"2026-01-01T00:00:00.000Z"},"type":"batch-response"}`)
		sv.do("POST /fhir/", bundleOf("transaction")).want(200).wantAt("transaction-response", "type")
	})
	t.Run("content type", func(t *testing.T) { sv.do("POST /fhir", "Content-Type: text/plain", bundleOf("batch")).want(415) })
}

func TestBatch(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)

	t.Run("every entry answers for itself, in request order", func(t *testing.T) {
		a := sv.do("POST /fhir", bundleOf("batch",
			item{line: "GET Patient/b"},
			item{line: "PUT Patient/b", resource: patient("b", "")},
			item{line: "POST Patient", resource: `{"resourceType":"Patient"}`},
			item{line: "GET Patient/a"}, // deleted before
			item{line: "DELETE Patient/a"},
			item{line: "PUT Patient/c", resource: patient("x", "")},
			item{line: "GET Patient/none"},
			item{line: "GET ValueSet/$lookup"},
			item{line: "GET Patient?name=x"},
			item{line: "PATCH Patient/a", resource: `{"resourceType":"Parameters"}`},
			item{line: "HEAD Patient/b"},
			item{line: "GET /metadata"},
			item{line: "GET health/check"},
			item{line: "GET http://example.com/fhir/Patient/b/_history"},
			item{line: "GET Patient/b?_elements=id"},
			item{line: "GET $versions"},
		)).wantStatuses("200 201 201 410 204 400 404 404 200 410 200 200 404 200 200 200")
		a.wantAt("batch-response", "type").wantAt("request-1", "id")
		a.wantAt("Patient", "entry", 0, "resource", "resourceType").wantAt("200 OK", "entry", 0, "response", "status").wantAt(`W/"1"`, "entry", 0, "response", "etag")
		a.wantAt("201 Created", "entry", 2, "response", "status").wantAt("http://example.com/fhir/Patient/new1/_history/1", "entry", 2, "response", "location")
		a.wantAt(`W/"2"`, "entry", 3, "response", "etag").wantAt("deleted", "entry", 3, "response", "outcome", "issue", 0, "code")
		a.wantAt("204 No Content", "entry", 4, "response", "status").wantAt(nil, "entry", 4, "resource")
		a.wantAt("OperationOutcome", "entry", 5, "response", "outcome", "resourceType").wantAt(nil, "entry", 5, "resource")
		a.wantAt("searchset", "entry", 8, "resource", "type").wantAt(0.0, "entry", 8, "resource", "total")
		a.wantAt(nil, "entry", 10, "resource").wantAt("CapabilityStatement", "entry", 11, "resource", "resourceType")
		a.wantAt("history", "entry", 13, "resource", "type").wantAt("SUBSETTED", "entry", 14, "resource", "meta", "tag", 0, "code")
		if m := a.string("entry", 7, "response", "outcome", "issue", 0, "diagnostics"); !strings.Contains(m, "ValueSet/$lookup") {
			t.Errorf("the path is not named: %s", m)
		}
	})
	t.Run("entries that ask for nothing", func(t *testing.T) {
		a := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"batch","entry":[{},{"request":{"url":"Patient/a"}},{"request":{"method":"GET"}},{"request":{"method":"get","url":"Patient/a"}},
			{"request":{"method":"POST","url":"Patient"}},{"request":{"method":"POST","url":""}},{"request":{"method":"POST","url":"/"},"resource":{"resourceType":"Bundle","type":"batch"}},
			{"request":{"method":"GET","url":"Patient/a?_pretty=1"}},{"request":{"method":"GET","url":"Patient/%zz"}},{"request":{"method":"PUT","url":"Patient/a","ifMatch":"1"},"resource":{"resourceType":"Patient","id":"a"}}]}`)
		a.wantStatuses("400 400 400 400 400 400 400 400 400 400")
		a.wantAt("Bundle.entry[0].request", "entry", 0, "response", "outcome", "issue", 0, "expression", 0)
	})
	t.Run("conditions", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/k", patient("k", "")).want(201)
		sv.do("POST /fhir", bundleOf("batch",
			item{line: "PUT Patient/k", resource: patient("k", `"active":true`), more: `"ifMatch":"W/\"9\""`},
			item{line: "GET Patient/k", more: `"ifNoneMatch":"W/\"1\""`},
			item{line: "GET Patient/k", more: `"ifModifiedSince":"2030-01-01T00:00:00Z"`},
			item{line: "GET Patient/k", more: `"ifModifiedSince":"2020-01-01T00:00:00Z"`},
			item{line: "POST Patient", resource: `{"resourceType":"Patient"}`, more: `"ifNoneExist":"identifier=x"`},
			item{line: "DELETE Patient/k", more: `"ifMatch":"W/\"7\""`},
		)).wantStatuses("412 304 304 200 201 412")
	})
	t.Run("Prefer is inherited", func(t *testing.T) {
		a := sv.do("POST /fhir", "Prefer: return=minimal", bundleOf("batch", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`})).wantStatuses("201")
		a.wantAt(nil, "entry", 0, "resource")
		a = sv.do("POST /fhir", "Prefer: return=OperationOutcome", bundleOf("batch", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`})).wantStatuses("201")
		a.wantAt("informational", "entry", 0, "response", "outcome", "issue", 0, "code")
		sv.do("POST /fhir", "Prefer: handling=strict", bundleOf("batch", item{line: "GET Patient/k?x=y"})).wantStatuses("400")
	})
	t.Run("writes to the same resource follow each other", func(t *testing.T) {
		a := sv.do("POST /fhir", bundleOf("batch",
			item{line: "PUT Patient/s", resource: patient("s", "")}, item{line: "PUT Patient/s", resource: patient("s", `"active":true`)},
			item{line: "PUT Basic/s", resource: basic("s")})).wantStatuses("201 200 201")
		a.wantAt(`W/"2"`, "entry", 1, "response", "etag")
	})
}

func TestProcessingLogic(t *testing.T) {
	sv := newService(t, Options{})
	twice := bundleOf("batch", item{line: "PUT Patient/p", resource: patient("p", "")}, item{line: "PUT Patient/p", resource: patient("p", `"active":true`)},
		item{line: "PUT Basic/p", resource: basic("p")})
	sv.do("POST /fhir", "X-Bundle-Processing-Logic: Parallel", twice).wantStatuses("201 400 201")
	sv.do("POST /fhir", "X-Bundle-Processing-Logic: sequential", twice).wantStatuses("200 200 200")
	for _, wrong := range []string{"both", ""} {
		a := sv.do("POST /fhir", "X-Bundle-Processing-Logic: "+wrong, twice).wantStatuses("200 200 200 405")
		a.wantAt("warning", "entry", 3, "response", "outcome", "issue", 0, "severity")
	}
	sv.do("POST /fhir", "X-Bundle-Processing-Logic: x", bundleOf("transaction", item{line: "GET Patient/p"})).wantStatuses("200 405")
}

func TestTransaction(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/old", patient("old", "")).want(201)
	sv.do("PUT /fhir/Patient/gone", patient("gone", "")).want(201)

	t.Run("all in one commit, answered in request order", func(t *testing.T) {
		before := sv.model.commits
		a := sv.do("POST /fhir", bundleOf("transaction",
			item{line: "GET Patient/old"},
			item{line: "POST Observation", fullURL: "urn:uuid:2", resource: `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"urn:uuid:1"}}`},
			item{line: "POST Patient", fullURL: "urn:uuid:1", resource: `{"resourceType":"Patient"}`},
			item{line: "DELETE Patient/gone"},
			item{line: "PUT Patient/put", resource: patient("put", "")},
			item{line: "GET Patient/put"},
			item{line: "GET Patient/_history?_count=2"},
			item{line: "HEAD Patient/old"},
			item{line: "GET metadata"},
			item{line: "GET Patient/old/_history/1"},
		)).wantStatuses("200 201 201 204 201 200 200 200 200 200")
		if sv.model.commits != before+1 {
			t.Errorf("%d commits", sv.model.commits-before)
		}
		a.wantAt("transaction-response", "type").wantAt("old", "entry", 0, "resource", "id").wantAt("put", "entry", 5, "resource", "id")
		a.wantAt(`W/"2"`, "entry", 3, "response", "etag").wantAt("2026-01-01T00:00:03.000Z", "entry", 4, "response", "lastModified")
		location := a.string("entry", 2, "response", "location")
		if got := a.string("entry", 1, "resource", "subject", "reference"); !strings.HasSuffix(location, "/"+got+"/_history/1") {
			t.Errorf("reference %s, location %s", got, location)
		}
		a.wantAt("put", "entry", 6, "resource", "entry", 0, "resource", "id")
	})

	body := `{"resourceType":"Patient"}`
	for _, c := range []struct {
		name       string
		items      []item
		status     int
		code       string // of the first issue
		second     string // of the second issue
		expression string
	}{
		{"a read that finds nothing", []item{{line: "POST Patient", resource: body}, {line: "GET Patient/none"}}, 404, "processing", "not-found", "Bundle.entry[1]"},
		{"a read of what is deleted by it", []item{{line: "DELETE Patient/old"}, {line: "GET Patient/old"}}, 410, "processing", "deleted", "Bundle.entry[1]"},
		{"a read of what is deleted", []item{{line: "POST Patient", resource: body}, {line: "GET Patient/gone"}}, 410, "processing", "deleted", "Bundle.entry[1]"},
		{"a version clash", []item{{line: "POST Patient", resource: body}, {line: "PUT Patient/old", resource: patient("old", ""), more: `"ifMatch":"W/\"8\""`}}, 412, "processing", "conflict", "Bundle.entry[1]"},
		{"faulty content", []item{{line: "POST Patient", resource: body}, {line: "POST Patient", resource: `{"resourceType":"Patient","x":1}`}}, 400, "processing", "", "Bundle.entry[1]"},
		{"a conditional update without criteria", []item{{line: "PUT Patient", resource: body}}, 400, "processing", "invalid", "Bundle.entry[0]"},
		{"a conditional update by what is unknown", []item{{line: "PUT Patient?nonsense=x", resource: body}}, 400, "processing", "", "Bundle.entry[0]"},
		{"a conditional delete of many", []item{{line: "POST Patient", resource: body}, {line: "DELETE Patient?identifier=x&_count=2"}}, 400, "processing", "invalid", "Bundle.entry[1]"},
		{"a conditional create by what is unknown", []item{{line: "POST Patient", resource: body, more: `"ifNoneExist":"nonsense=x"`}}, 400, "processing", "", "Bundle.entry[0]"},
		{"a search by POST", []item{{line: "POST Patient/_search?name=x"}}, 400, "invalid", "", "Bundle.entry[0].request.method"},
		{"a search that means nothing", []item{{line: "POST Patient", resource: body}, {line: "GET Patient?name:nonsense=x"}}, 400, "processing", "", "Bundle.entry[1]"},
		{"an unknown type", []item{{line: "POST Nonsense", resource: body}}, 404, "processing", "not-found", "Bundle.entry[0]"},
		{"an unknown path", []item{{line: "GET Patient/$x"}}, 404, "processing", "not-found", "Bundle.entry[0]"},
		{"a wrong parameter of a history", []item{{line: "POST Patient", resource: body}, {line: "GET Patient/_history?_count=x"}}, 400, "processing", "invalid", "Bundle.entry[1]"},
		{"the same resource twice", []item{{line: "PUT Patient/old", resource: patient("old", "")}, {line: "DELETE Patient/old"}}, 400, "invalid", "", "Bundle.entry[1].request.url"},
		{"the same fullUrl twice", []item{{line: "POST Patient", fullURL: "urn:uuid:A", resource: body}, {line: "POST Patient", fullURL: "urn:uuid:a", resource: body}}, 400, "invalid", "", "Bundle.entry[1].fullUrl"},
		{"a Bundle inside", []item{{line: "POST Bundle", resource: `{"resourceType":"Bundle","type":"collection"}`}}, 400, "invalid", "", "Bundle.entry[0].resource"},
		{"processing inside", []item{{line: "POST /", resource: `{"resourceType":"Bundle","type":"batch"}`}}, 400, "invalid", "", "Bundle.entry[0].request.url"},
		{"no url", []item{{line: "POST ", resource: body}}, 400, "invalid", "", "Bundle.entry[0].request.url"},
		{"no verb", []item{{line: " Patient", resource: body}}, 400, "invalid", "", "Bundle.entry[0].request.method"},
		{"unknown verb", []item{{line: "BREW Patient", resource: body}}, 400, "invalid", "", "Bundle.entry[0].request.method"},
		{"no resource", []item{{line: "POST Patient"}}, 400, "invalid", "", "Bundle.entry[0].resource"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := sv.model.commits
			a := sv.do("POST /fhir", bundleOf("transaction", c.items...)).want(c.status, c.code).wantAt(c.expression, "issue", 0, "expression", 0)
			if c.second != "" {
				a.wantAt(c.second, "issue", 1, "code")
			}
			if c.code == "processing" {
				verb, _, _ := strings.Cut(c.items[len(c.items)-1].line, "?")
				if m := a.string("issue", 0, "diagnostics"); !strings.Contains(m, verb) && c.status != 404 {
					t.Errorf("%q does not name %s", m, verb)
				}
			}
			if sv.model.commits != before {
				t.Error("something was committed")
			}
		})
	}
	t.Run("what must be text and is not", func(t *testing.T) {
		for _, c := range []struct{ entry, expression string }{
			{`{"fullUrl":5,"request":{"method":"GET","url":"Patient/old"}}`, "Bundle.entry[0].fullUrl"},
			{`{"request":{"method":["GET"],"url":"Patient/old"}}`, "Bundle.entry[0].request.method"},
			{`{"request":{"method":"GET","url":{}}}`, "Bundle.entry[0].request.url"},
			{`{"request":{"method":"GET","url":"Patient/old","ifNoneMatch":2}}`, "Bundle.entry[0].request.ifNoneMatch"},
			{`{"request":{"method":"PUT","url":"Patient/old","ifMatch":true}}`, "Bundle.entry[0].request.ifMatch"},
		} {
			sv.do("POST /fhir", tinyEntries("transaction", c.entry, 1)).want(400, "structure").wantAt(c.expression, "issue", 0, "expression", 0)
			sv.do("POST /fhir", tinyEntries("batch", c.entry, 1)).wantStatuses("400")
		}
	})
	t.Run("every fault is named", func(t *testing.T) {
		a := sv.do("POST /fhir", bundleOf("transaction", item{line: "BREW x"}, item{line: "POST Patient"}, item{line: "PUT Patient/q", resource: patient("q", "")}, item{line: "DELETE Patient/q"})).want(400)
		for i, want := range []string{"Bundle.entry[0].request.method", "Bundle.entry[1].resource", "Bundle.entry[3].request.url"} {
			a.wantAt(want, "issue", i, "expression", 0)
		}
		a = sv.do("POST /fhir", bundleOf("transaction", item{line: "POST Patient", resource: `{"resourceType":"Patient","x":1}`}, item{line: "POST Patient", resource: `{"resourceType":"Patient","y":1}`})).want(400)
		a.wantAt("Bundle.entry[0]", "issue", 0, "expression", 0).wantAt("Bundle.entry[1]", "issue", 2, "expression", 0)
	})
	t.Run("a single write", func(t *testing.T) {
		sv.do("POST /fhir", bundleOf("transaction", item{line: "POST Patient", resource: `{"resourceType":"Patient","x":1}`})).want(400, "processing")
		sv.do("POST /fhir", bundleOf("transaction", item{line: "DELETE Patient/old?hardDelete=true"})).wantStatuses("204")
		sv.do("GET /fhir/Patient/old").want(404)
	})
	t.Run("the writer fails as a whole", func(t *testing.T) {
		sv.model.fail = domain.NewError(domain.Unavailable, "full")
		defer func() { sv.model.fail = nil }()
		sv.do("POST /fhir", bundleOf("transaction", item{line: "POST Patient", resource: body}, item{line: "POST Patient", resource: body})).want(503, "processing").header("Retry-After", "1")
		sv.model.fail = domain.NewError(domain.StorageFull, "full")
		sv.do("POST /fhir", bundleOf("transaction", item{line: "POST Patient", resource: body})).want(507).wantAt("no-store", "issue", 1, "code").header("Retry-After", "")
		sv.do("POST /fhir", bundleOf("batch", item{line: "POST Patient", resource: body}, item{line: "DELETE Patient/old"})).wantStatuses("507 507")
	})
	t.Run("verbs of STU3", func(t *testing.T) {
		sv := newServiceOf(t, definitions.STU3, Options{})
		sv.do("POST /fhir", bundleOf("batch", item{line: "HEAD Patient/a"}, item{line: "PATCH Patient/a"}, item{line: "GET Patient/a"})).wantStatuses("400 400 404")
	})
}

// TestLargeTransaction sends more than is gathered before it is answered.
func TestLargeTransaction(t *testing.T) {
	sv := newService(t, Options{})
	items := make([]item, 500)
	for i := range items {
		items[i] = item{line: "POST Basic", fullURL: fmt.Sprintf("urn:uuid:%d", i), resource: `{"resourceType":"Basic","code":{"text":"` + strings.Repeat("x", 500) + `"}}`}
	}
	for _, kind := range []string{"transaction", "batch"} {
		a := sv.do("POST /fhir", bundleOf(kind, items...)).want(200)
		entries, _ := a.at("entry").([]any)
		if len(entries) != len(items) || strings.Count(statuses(a), "201") != len(items) {
			t.Errorf("%s: %d entries", kind, len(entries))
		}
	}
}
