package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirxml"
)

// FuzzHTTP sends whatever it likes. The server must not panic, must not blame
// itself, and must explain each refusal with an OperationOutcome.
func FuzzHTTP(f *testing.F) {
	for _, seed := range [][5]string{
		{"GET", "/fhir/Patient/a", "", "", ""},
		{"HEAD", "/fhir/Patient/a/_history/1", "_pretty=true&_elements=name,value[x]", "If-None-Match: W/\"1\"", ""},
		{"GET", "/fhir/Patient/a", "_summary=true&_format=application/fhir+json", "Accept: application/fhir+json;q=0.5, */*;q=0.1\nAccept-Encoding: gzip", ""},
		{"PUT", "/fhir/Patient/a", "_meta-history=false", "Content-Type: application/fhir+json; charset=utf-8\nIf-Match: W/\"1\"\nPrefer: return=OperationOutcome, handling=strict", patient("a", `"active":true`)},
		{"POST", "/fhir/Patient", "", "Content-Type: application/json\nX-Provenance: {\"resourceType\":\"Provenance\"}", `{"resourceType":"Patient","name":[{"given":["é\u00e9"]}]}`},
		{"DELETE", "/fhir/Patient/a", "hardDelete=true", "", ""},
		{"DELETE", "/fhir/Patient/a", "hardDelete=true", "X-Reason: Ticket 12: \u202eé\xff\nUser-Agent: a\x1b\xffb\nX-Forwarded-For: 192.0.2.7, [fe80::1%x]:1", ""},
		{"DELETE", "/fhir/Patient/a/$purge-history", "", "Prefer: return=OperationOutcome", ""},
		{"GET", "/fhir/_history", "_since=2026-01-01T00:00:00Z&_count=1&_sort=_lastUpdated", "", ""},
		{"GET", "/fhir/Patient/_history", "_at=2026&ct=QAUD7WLBxQ", "", ""},
		{"GET", "/fhir/Patient", "name:exact=x,y&_sort=-birthdate,_id&_count=1&_include=Patient:organization&_total=accurate&_explain=true&_asOf=0", "Prefer: handling=strict", ""},
		{"GET", "/fhir/Patient/a/*", "_type=Observation&_has:Observation:patient:code=x&_revinclude:iterate=Observation:subject:Patient&_includesCount=1", "", ""},
		{"GET", "/fhir", "_type=Patient,Basic&_lastUpdated=ap2026&ct=hAHo1-q2tzNYygcQ0hPLfYReOyg_eB8T", "", ""},
		{"GET", "/fhir/Patient/$includes", "_include=*&includesCt=hAHo1", "", ""},
		{"POST", "/fhir/Patient/_search", "_summary=count", "Content-Type: application/x-www-form-urlencoded", "gender=male&birthdate=ge1970&_id=a%2Cb"},
		{"POST", "/fhir/Patient", "", "Content-Type: application/json\nIf-None-Exist: identifier=urn:x%7C1&_lastUpdated=2026", `{"resourceType":"Patient"}`},
		{"PUT", "/fhir/Patient", "identifier=urn:x|1&_meta-history=false", "Content-Type: application/json\nIf-Match: W/\"1\"", `{"resourceType":"Patient"}`},
		{"DELETE", "/fhir/Patient", "gender:not=male&_count=5&hardDelete=true", "Prefer: return=OperationOutcome", ""},
		{"POST", "/fhir", "", "Content-Type: application/json\nX-Bundle-Processing-Logic: parallel", bundleOf("batch", item{line: "PUT Patient/b", resource: patient("b", "")}, item{line: "GET Patient/_history?_count=2"}, item{line: "DELETE Patient/a", more: `"ifMatch":"W/\"1\""`})},
		{"POST", "/fhir/", "_pretty=true", "Content-Type: application/json", bundleOf("transaction", item{line: "POST Patient", fullURL: "urn:uuid:1", resource: `{"resourceType":"Patient"}`}, item{line: "GET Patient/a"})},
		{"POST", "/fhir", "", "Content-Type: application/json", `{"resourceType":"Bundle","type":"transaction","entry":[{},{"request":{"method":"PUT","url":"Patient/a?x=%zz"}},{"request":{"method":"GET","url":"Patient/$x"}}]}`},
		{"GET", "/fhir/metadata", "mode=full&_elements=rest", "Accept: text/html, */*", ""},
		{"GET", "/fhir/$versions", "", "Accept: application/json", ""},
		{"GET", "/fhir/Patient/none", "", "Accept: application/json", ""},
		{"GET", "/health/check", "", "", ""},
		{"GET", "/fhir/Patient/_history", "_count=2&_format=xml&_pretty=true", "", ""},
		{"POST", "/fhir", "_format=xml", "Content-Type: application/fhir+xml", `<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><request><method value="GET"/><url value="Patient?_count=1"/></request></entry><entry><resource><Patient><active value="true"/></Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry></Bundle>`},
		{"PUT", "/fhir/Patient/a", "", "Content-Type: text/xml\nAccept: application/xml;q=0.9, */*;q=0.1", `<Patient xmlns="http://hl7.org/fhir"><id value="a"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text></Patient>`},
		{"GET", "/metrics", "", "", ""},
		{"OPTIONS", "/fhir/Patient", "", "Origin: https://a.example\nAccess-Control-Request-Method: PUT", ""},
		{"PATCH", "/fhir/Patient/a", "_meta-history=false", jsonPatchType + "\nIf-Match: W/\"1\"", `[{"op":"test","path":"/id","value":"a"},{"op":"add","path":"/name","value":[{"family":"x"}]},{"op":"copy","from":"/name/0","path":"/name/-"}]`},
		{"PATCH", "/fhir/Patient", "_id=a", "Content-Type: application/fhir+json", replaceWith("Patient.active", `"valueBoolean":true`)},
		{"PATCH", "/fhir/Patient/a/Observation/_search", "", "Content-Encoding: gzip", "\x1f\x8b"},
		{"BREW", "//fhir/OperationDefinition/versions", "_format=xml", "X-Request-Id: x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	sv := newService(f, Options{CORS: CORS{Origins: []string{"*"}}, MaxBodyBytes: 1 << 20, TrustForwarded: true, Clock: func() time.Time { return epoch }})
	f.Fuzz(func(t *testing.T, method, path, query, headers, body string) {
		sv.t = t
		sv.model.reset()
		sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
		h := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, Host: "example.com",
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Header.Add(name, value)
			}
		}
		w := httptest.NewRecorder()
		sv.s.Handler().ServeHTTP(w, h)

		if w.Code >= 500 {
			t.Fatalf("status %d, body %s", w.Code, w.Body)
		}
		if w.Header().Get("X-Request-Id") == "" {
			t.Fatal("no request id")
		}
		text := w.Body.Bytes()
		if w.Header().Get("Content-Encoding") == "gzip" {
			text = []byte(unzipped(t, text))
		}
		kind := w.Header().Get("Content-Type")
		if strings.Contains(kind, "xml") && len(text) > 0 {
			d, err := definitions.Load(definitions.R4)
			if err != nil {
				t.Fatal(err)
			}
			read, _, err := fhirxml.Decode(d, text, nil, fhirxml.Limits{MaxDepth: 10_000})
			if err != nil {
				t.Fatalf("status %d, not FHIR's XML: %v, %q", w.Code, err, text)
			}
			text, kind = read.Source(), contentTypeFHIR[0]
		}
		fhir := kind == contentTypeFHIR[0] || kind == contentTypeJSON[0]
		if fhir && len(text) > 0 && !json.Valid(text) {
			t.Fatalf("status %d, not JSON: %q", w.Code, text)
		}
		if w.Code >= 400 && method != http.MethodHead && !bytes.HasPrefix(text, []byte("This is fhirlog")) {
			var outcome struct {
				ResourceType string
				Issue        []struct{ Severity, Code, Diagnostics string }
			}
			if err := json.Unmarshal(text, &outcome); err != nil || !fhir || outcome.ResourceType != "OperationOutcome" || len(outcome.Issue) == 0 {
				t.Fatalf("status %d is not explained: %v, %q", w.Code, err, text)
			}
			for _, issue := range outcome.Issue {
				if issue.Severity == "" || issue.Code == "" || issue.Diagnostics == "" {
					t.Fatalf("an issue says too little: %q", text)
				}
			}
		}
	})
}

// FuzzEntries sends Bundles that are well-formed and entries that may not be.
// Nothing may panic or be blamed on the server, and every entry is answered.
func FuzzEntries(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET /", "POST $versions", `"resource":{"resourceType":"Patient"},`},
		{"PUT Patient/a", "GET Patient/a?_elements=id", `"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"urn:uuid:1"},"type":"seealso"}]},`},
		{"POST Patient?x=%zz", "HEAD Patient/_history?_count=1", `"resource":{"resourceType":"Bundle"},`},
		{"DELETE Patient/a?hardDelete=true", "GET http://example.com/fhir/Patient/a/_history/1", ``},
		{"PATCH Patient/a", "BREW ../x", `"fullUrl":1,`},
		{"PATCH Patient/a", "PATCH Patient?_id=a", `"resource":` + jsonBinary(setTo("active", "true")) + ","},
		{"PATCH Patient?_id=a&_meta-history=false", "GET Patient/a", `"resource":` + replaceWith("Patient.active", `"valueBoolean":true`) + ","},
		{"DELETE Patient/a/$purge-history", "GET OperationDefinition/versions", `"resource":[],`},
		{"PUT Patient?identifier=1", "GET Patient?_id=a&_asOf=0", `"resource":{"resourceType":"Patient"},`},
		{"DELETE Patient?_id=a&_count=1", "POST Patient/_search?gender=male", ``},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	sv := newService(f, Options{Clock: func() time.Time { return epoch }})
	f.Fuzz(func(t *testing.T, first, second, more string) {
		entries := make([]string, 0, 3)
		for _, line := range []string{first, second, "GET Patient/a"} {
			method, link, _ := strings.Cut(line, " ")
			text, err := json.Marshal(map[string]string{"method": method, "url": link})
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, "{"+more+`"request":`+string(text)+"}")
			more = ""
		}
		for _, kind := range []string{"batch", "transaction"} {
			sv.t = t
			sv.model.reset()
			sv.do("PUT /fhir/Patient/a", patient("a", "")).want(201)
			a := sv.do("POST /fhir", `{"resourceType":"Bundle","type":"`+kind+`","entry":[`+strings.Join(entries, ",")+"]}")
			if a.Code >= 500 || a.Code >= 400 && a.string("resourceType") != "OperationOutcome" {
				t.Fatalf("%s: status %d, body %s", kind, a.Code, a.Body)
			}
			if a.Code != 200 {
				continue
			}
			if answered, _ := a.at("entry").([]any); len(answered) != len(entries) {
				t.Fatalf("%s: %d answers, body %s", kind, len(answered), a.Body)
			}
			for i := range entries {
				if status := a.string("entry", i, "response", "status"); status == "" || status >= "5" {
					t.Fatalf("%s: status %q, body %s", kind, status, a.Body)
				}
			}
		}
	})
}

// FuzzETag: the tags that are written are read back, and nothing else passes as
// one.
func FuzzETag(f *testing.F) {
	for _, seed := range []string{`W/"1"`, `W/""`, `"1"`, `W/"a"b"`, `W/"1", W/"2"`, "", `W/"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		inside, ok := weakTag(tag)
		if ok && `W/"`+inside+`"` != tag {
			t.Fatalf("%q reads as %q", tag, inside)
		}
		if again, ok2 := weakTag(`W/"` + inside + `"`); ok && (!ok2 || again != inside) {
			t.Fatalf("%q does not read back", inside)
		}
	})
}
