package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkFormats compares JSON with XML, without net/http and without what a
// write costs beyond this package; bodies have 2 kB in JSON.
func BenchmarkFormats(b *testing.B) {
	s := benchmarkServer(b)
	sv := &service{t: b, s: s}
	transaction := bundleOf("transaction", item{line: "POST Patient", fullURL: "urn:uuid:1", resource: sample()}, item{line: "POST Patient", fullURL: "urn:uuid:2", resource: sample()})
	for _, c := range []struct{ name, method, path, body string }{
		{"read", "GET", "/fhir/Patient/a", ""},
		{"search", "GET", "/fhir/Patient", ""},
		{"create", "POST", "/fhir/Patient", sample()},
		{"transaction", "POST", "/fhir", transaction},
	} {
		for _, f := range []format{fhirJSON, fhirXML} {
			name, body := c.name+"_json", c.body
			if f.isXML() {
				name = c.name + "_xml"
				if body != "" {
					body = sv.xmlOf(body)
				}
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				w := &discard{h: http.Header{}}
				for b.Loop() {
					clear(w.h)
					h := httptest.NewRequest(c.method, c.path, strings.NewReader(body))
					h.Header["Content-Type"] = contentTypes[f]
					h.Header["Accept"] = []string{media[f]}
					s.Handler().ServeHTTP(w, h)
				}
			})
		}
	}
}
