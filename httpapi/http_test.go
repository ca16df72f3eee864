package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirlog/domain/definitions"
)

// service is a Server over a model.
type service struct {
	t     testing.TB
	s     *Server
	model *model
}

func newService(t testing.TB, o Options) *service { return newServiceOf(t, definitions.R4, o) }

func newServiceOf(t testing.TB, version definitions.Version, o Options, offer ...func(*Dependencies)) *service {
	t.Helper()
	d, err := definitions.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	if o.Clock == nil {
		o.Clock = m.now
	}
	if o.NewID == nil {
		o.NewID = func() string { return "request-1" }
	}
	dependencies := Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}
	for _, add := range offer {
		add(&dependencies)
	}
	s, err := New(dependencies, o)
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, s: s, model: m}
}

// answer is what came back.
type answer struct {
	t testing.TB
	*httptest.ResponseRecorder
	request string
}

// do sends a request: its line, such as "PUT /fhir/Patient/a", headers as
// "Name: value", and a body, if the last line is one.
func (sv *service) do(line string, more ...string) *answer {
	sv.t.Helper()
	method, target, _ := strings.Cut(line, " ")
	body := ""
	h := http.Header{}
	for _, m := range more {
		name, value, isHeader := strings.Cut(m, ": ")
		if isHeader && !strings.HasPrefix(m, "{") && !strings.HasPrefix(m, "[") {
			h.Add(name, value)
			continue
		}
		body = m
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header = h
	if body != "" && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/fhir+json")
	}
	w := httptest.NewRecorder()
	sv.s.Handler().ServeHTTP(w, r)
	return &answer{t: sv.t, ResponseRecorder: w, request: line}
}

// want checks the status and, if given, the code of the first issue.
func (a *answer) want(status int, code ...string) *answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("%s: status %d, want %d; body %s", a.request, a.Code, status, a.Body)
	}
	if len(code) > 0 {
		if got := a.string("issue", 0, "code"); got != code[0] {
			a.t.Fatalf("%s: issue code %q, want %q; body %s", a.request, got, code[0], a.Body)
		}
	}
	return a
}

// header checks a header.
func (a *answer) header(name, want string) *answer {
	a.t.Helper()
	if got := a.Header().Get(name); got != want {
		a.t.Fatalf("%s: %s is %q, want %q", a.request, name, got, want)
	}
	return a
}

// body checks the whole body.
func (a *answer) body(want string) *answer {
	a.t.Helper()
	if got := a.Body.String(); got != want {
		a.t.Fatalf("%s: body\n%s\nwant\n%s", a.request, got, want)
	}
	return a
}

// at finds a value in the JSON body; nil if there is none.
func (a *answer) at(path ...any) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body.Bytes(), &v); err != nil {
		a.t.Fatalf("%s: %v in %q", a.request, err, a.Body)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func (a *answer) string(path ...any) string {
	a.t.Helper()
	s, _ := a.at(path...).(string)
	return s
}

// wantAt checks strings in the body, by path.
func (a *answer) wantAt(want any, path ...any) *answer {
	a.t.Helper()
	if got := a.at(path...); got != want {
		a.t.Fatalf("%s: %v is %v, want %v; body %s", a.request, path, got, want, a.Body)
	}
	return a
}

func patient(id, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"resourceType":"Patient","id":"` + id + `"` + rest + `}`
}

// send sends a request made elsewhere.
func (sv *service) send(h *http.Request) *answer {
	sv.t.Helper()
	w := httptest.NewRecorder()
	sv.s.Handler().ServeHTTP(w, h)
	return &answer{t: sv.t, ResponseRecorder: w, request: h.Method + " " + h.URL.Path}
}

func (sv *service) sendZipped(t *testing.T, method, path string, body []byte) *answer {
	t.Helper()
	h := httptest.NewRequest(method, path, bytes.NewReader(body))
	h.Header.Set("Content-Type", "application/fhir+json")
	h.Header.Set("Content-Encoding", "gzip")
	return sv.send(h)
}

func utc(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }
