package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// instant is a Writer, Reader and Searcher that do nothing, so that what is
// measured is this package, with parsing.
type instant struct {
	Reader
	Searcher
	version resource.Version
	page    search.Page
}

func (i *instant) Applied() uint64 { return 1 << 20 }

func (i *instant) Search(context.Context, search.PageRequest) (search.Page, error) {
	return i.page, nil
}

func (i *instant) ReadAt(context.Context, uint64) (resource.Version, error) { return i.version, nil }

func (i *instant) Commit(_ context.Context, _ commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	outcomes := make([]commit.Outcome, len(commands))
	for n := range outcomes {
		outcomes[n] = commit.Outcome{Change: commit.Created, Version: i.version}
	}
	return outcomes, nil
}

func (i *instant) Read(context.Context, domain.ResourceType, domain.LogicalID) (resource.Version, error) {
	return i.version, nil
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header              { return d.h }
func (d *discard) Write(b []byte) (int, error)      { return len(b), nil }
func (d *discard) WriteHeader(int)                  {}
func (d *discard) SetReadDeadline(time.Time) error  { return nil }
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// sample is a Patient of about 2 kB.
func sample() string {
	return patient("a", `"identifier":[`+strings.Repeat(`{"system":"http://hospital.example/mrn","value":"0123456789"},`, 30)+`{"value":"x"}],"active":true`)
}

func benchmarkServer(b *testing.B) *Server {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		b.Fatal(err)
	}
	document, err := fhirjson.Parse([]byte(sample()), fhirjson.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	body, metaAt := resource.AppendStored(nil, document.Root(), "a", nil)
	i := &instant{Searcher: newModel(d), page: search.Page{Matches: make([]uint64, 10), Total: 12345, HasNext: true, Next: 99}, version: resource.Version{Type: "Patient", ID: "a", Version: 3, Instant: epoch.UnixMilli(), Interaction: event.Update, Body: body, MetaAt: metaAt}}
	s, err := New(Dependencies{Writer: i, Reader: i, Searcher: i, Definitions: d}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkServe measures one request of each sort without net/http; bodies
// have 2 kB.
func BenchmarkServe(b *testing.B) {
	s := benchmarkServer(b)
	handler := s.Handler()
	for _, c := range []struct{ name, method, path, query, body, accept string }{
		{"read", "GET", "/fhir/Patient/a", "", "", ""},
		{"read gzip", "GET", "/fhir/metadata", "", "", "gzip"},
		{"read elements", "GET", "/fhir/Patient/a", "_elements=active", "", ""},
		{"search", "GET", "/fhir/Patient", "identifier=http://hospital.example/mrn|0123456789&_sort=-_lastUpdated", "", ""},
		{"create", "POST", "/fhir/Patient", "", sample(), ""},
		{"update", "PUT", "/fhir/Patient/a", "", sample(), ""},
		{"delete", "DELETE", "/fhir/Patient/a", "", "", ""},
		{"unknown path", "GET", "/fhir/x/y/z", "", "", ""},
		{"transaction of two", "POST", "/fhir", "", bundleOf("transaction", item{line: "POST Patient", fullURL: "urn:uuid:1", resource: sample()}, item{line: "POST Observation", fullURL: "urn:uuid:2", resource: sample()}), ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				h := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
				h.URL.RawQuery = c.query
				h.Header["Content-Type"] = contentTypeFHIR
				if c.accept != "" {
					h.Header["Accept-Encoding"] = []string{c.accept}
				}
				handler.ServeHTTP(w, h)
			}
		})
	}
}

// BenchmarkRoute measures the way from a path to its place.
func BenchmarkRoute(b *testing.B) {
	s := benchmarkServer(b)
	for _, path := range []string{"/fhir/Patient/0123456789abcdef", "/fhir/Patient", "/fhir", "/fhir/Patient/a/_history/1", "/metrics", "/fhir/x/y/z"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.routes.match(path)
			}
		})
	}
}

// BenchmarkOverHTTP measures over a connection, net/http and client included.
func BenchmarkOverHTTP(b *testing.B) {
	s := benchmarkServer(b)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	for _, method := range []string{"GET", "PUT"} {
		b.Run(method, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequest(method, server.URL+"/fhir/Patient/a", strings.NewReader(sample()))
				r.Header["Content-Type"] = contentTypeFHIR
				if method == "GET" {
					r.Body, r.ContentLength = nil, 0
				}
				answer, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
}

// BenchmarkLargeBundle measures a transaction of 30,000 entries and 70 MB.
func BenchmarkLargeBundle(b *testing.B) {
	s := benchmarkServer(b)
	var text strings.Builder
	text.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range 30_000 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"fullUrl":"urn:uuid:%d","resource":%s,"request":{"method":"POST","url":"Patient"}}`, i, sample())
	}
	text.WriteString("]}")
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{h: http.Header{}}
		h := httptest.NewRequest("POST", "/fhir", strings.NewReader(text.String()))
		h.Header["Content-Type"] = contentTypeFHIR
		s.Handler().ServeHTTP(w, h)
	}
}
