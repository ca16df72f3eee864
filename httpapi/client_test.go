package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

// noting is a Writer that notes who asked.
type noting struct {
	Writer
	callers []commit.Caller
}

func (n *noting) Commit(ctx context.Context, c commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	n.callers = append(n.callers, c)
	return n.Writer.Commit(ctx, c, commands)
}

// newNoting makes a service that notes who asked.
func newNoting(t testing.TB, o Options) (*service, *noting) {
	sv := newService(t, o)
	n := &noting{Writer: sv.model}
	sv.s.writer = n
	return sv, n
}

func TestWhoAsksGoesIntoEvents(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		remote  string
		headers []string
		want    string // author|agent|address|reason
	}{
		"nothing is said":             {Options{}, "", nil, "|||"},
		"an address of IPv4":          {Options{}, "192.0.2.7:50000", nil, "||192.0.2.7|"},
		"one of IPv6, with a zone":    {Options{}, "[fe80::1%eth0]:50000", nil, "||fe80::1|"},
		"a program":                   {Options{}, "", []string{"User-Agent: curl/8.5.0"}, "|curl/8.5.0||"},
		"a long program":              {Options{}, "", []string{"User-Agent: " + strings.Repeat("x", 200)}, "|" + strings.Repeat("x", 128) + "||"},
		"one that is no text":         {Options{}, "", []string{"User-Agent: a\xff\x1bb\u202e"}, "|a??b?||"},
		"a reason":                    {Options{}, "", []string{"X-Reason: Ticket 12: é"}, "|||Ticket 12: é"},
		"the longest reason":          {Options{}, "", []string{"X-Reason: " + strings.Repeat("é", 500)}, "|||" + strings.Repeat("é", 500)},
		"an empty reason":             {Options{}, "", []string{"X-Reason: "}, "|||"},
		"an author whom nobody asks":  {Options{}, "", []string{"X-Forwarded-User: ida"}, "|||"},
		"an author":                   {Options{AuthorHeader: "x-forwarded-user"}, "", []string{"X-Forwarded-User: Ida Sånd"}, "Ida Sånd|||"},
		"the longest author":          {Options{AuthorHeader: "X-Forwarded-User"}, "", []string{"X-Forwarded-User: " + strings.Repeat("a", 256)}, strings.Repeat("a", 256) + "|||"},
		"a proxy that is not trusted": {Options{}, "192.0.2.7:1", []string{"X-Forwarded-For: 198.51.100.1"}, "||192.0.2.7|"},
		"one that is":                 {Options{TrustForwarded: true}, "192.0.2.7:1", []string{"X-Forwarded-For: 198.51.100.1"}, "||198.51.100.1|"},
		"of several addresses the last": {Options{TrustForwarded: true}, "192.0.2.7:1",
			[]string{"X-Forwarded-For: 203.0.113.9, 198.51.100.1", "X-Forwarded-For: 203.0.113.8 , 2001:db8::2"}, "||2001:db8::2|"},
		"with a port":               {Options{TrustForwarded: true}, "192.0.2.7:1", []string{"X-Forwarded-For: [2001:db8::2]:443"}, "||2001:db8::2|"},
		"a name that is no address": {Options{TrustForwarded: true}, "192.0.2.7:1", []string{"X-Forwarded-For: 198.51.100.1, unknown"}, "||192.0.2.7|"},
	} {
		t.Run(name, func(t *testing.T) {
			sv, n := newNoting(t, c.options)
			ask := func(method, path, body string) {
				t.Helper()
				r := httptest.NewRequest(method, path, strings.NewReader(body))
				r.RemoteAddr = c.remote
				r.Header.Set("Content-Type", "application/fhir+json")
				for _, h := range c.headers {
					name, value, _ := strings.Cut(h, ": ")
					r.Header.Add(name, value)
				}
				w := httptest.NewRecorder()
				sv.s.Handler().ServeHTTP(w, r)
				if w.Code >= 300 {
					t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
				}
			}
			ask("PUT", "/fhir/Patient/a", patient("a", ""))
			ask("PUT", "/fhir/Patient/a", patient("a", `"active":true`))
			ask("DELETE", "/fhir/Patient/a/$purge-history", "")
			ask("DELETE", "/fhir/Patient/a?hardDelete=true", "")
			ask("POST", "/fhir", bundleOf("transaction", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`}))
			ask("POST", "/fhir", bundleOf("batch", item{line: "POST Patient", resource: `{"resourceType":"Patient"}`}, item{line: "DELETE Patient/x?hardDelete=true"}))
			ask("DELETE", "/fhir/Patient?_id=none&hardDelete=true", "")
			if len(n.callers) != 8 {
				t.Fatalf("%d commits, want 8", len(n.callers))
			}
			for i, got := range n.callers {
				address := ""
				if got.Address.IsValid() {
					address = got.Address.String()
				}
				if all := strings.Join([]string{got.Author, got.Agent, address, got.Reason}, "|"); all != c.want {
					t.Errorf("commit %d is of %q, want %q", i, all, c.want)
				}
			}
		})
	}
}

func TestReasonsThatAreRefused(t *testing.T) {
	sv, n := newNoting(t, Options{})
	for name, headers := range map[string][]string{
		"too long":             {"X-Reason: " + strings.Repeat("x", 1001)},
		"in Latin-1":           {"X-Reason: caf\xe9"},
		"with an escape":       {"X-Reason: \x1b[2J"},
		"with a tab":           {"X-Reason: a\tb"},
		"that runs backwards":  {"X-Reason: a\u202eb"},
		"given twice":          {"X-Reason: a", "X-Reason: b"},
		"and in a Bundle, too": {"X-Reason: a\x7f"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range []string{"DELETE /fhir/Patient/a?hardDelete=true", "DELETE /fhir/Patient/a/$purge-history", "DELETE /fhir/Patient?_id=a&hardDelete=true"} {
				a := sv.do(line, headers...).want(400, "invalid")
				if text := a.string("issue", 0, "diagnostics"); !strings.Contains(text, "X-Reason") {
					t.Errorf("%s: %q does not name the header", line, text)
				}
			}
			sv.do("POST /fhir", append(headers, bundleOf("batch", item{line: "DELETE Patient/a"}))...).want(400, "invalid")
		})
	}
	if len(n.callers) != 0 {
		t.Errorf("%d commits were made", len(n.callers))
	}
}

func TestAuthorHeader(t *testing.T) {
	sv, n := newNoting(t, Options{AuthorHeader: "X-Forwarded-User"})
	const told = "X-Forwarded-User: ida"
	for name, c := range map[string]struct {
		headers []string
		told    string
	}{
		"none":              {nil, "is not there"},
		"an empty one":      {[]string{"X-Forwarded-User: "}, "is not there"},
		"two":               {[]string{told, "X-Forwarded-User: bob"}, "2 times"},
		"the same twice":    {[]string{told, told}, "2 times"},
		"one too long":      {[]string{"X-Forwarded-User: " + strings.Repeat("a", 257)}, "at most 256 bytes"},
		"one not in UTF-8":  {[]string{"X-Forwarded-User: \xff"}, "UTF-8"},
		"a control letter":  {[]string{"X-Forwarded-User: a\x00"}, "control characters"},
		"the server's name": {[]string{"X-Forwarded-User: fhirlog restore"}, "the server itself"},
		"another header":    {[]string{"X-Forwarded-Email: ida"}, "is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range []string{
				"GET /fhir/Patient/a", "HEAD /fhir/Patient/a", "GET /fhir/Patient?name=x", "GET /fhir/_history", "POST /fhir/Patient", "POST /fhir/Patient/_search",
				"DELETE /fhir/Patient/a", "POST /fhir", "GET /fhir/OperationDefinition/x", "POST /fhir/Patient/$validate",
			} {
				a := sv.do(line, c.headers...)
				if a.header("Www-Authenticate", `Bearer realm="fhirlog"`).Code != 401 {
					t.Fatalf("%s: %d", line, a.Code)
				}
				if strings.HasPrefix(line, "HEAD") {
					continue
				}
				if text := a.want(401, "login").string("issue", 0, "diagnostics"); !strings.Contains(text, "X-Forwarded-User") || !strings.Contains(text, c.told) {
					t.Errorf("%s: %q", line, text)
				}
			}
			for _, line := range []string{
				"GET /fhir/metadata", "GET /fhir/$versions", "GET /health/check", "GET /fhir/health/check", "GET /", "GET /metrics", "GET /fhir/OperationDefinition/versions",
			} {
				sv.do(line, c.headers...).want(200)
			}
		})
	}
	if len(n.callers) != 0 {
		t.Errorf("%d commits were made", len(n.callers))
	}
	sv.do("PUT /fhir/Patient/a", told, patient("a", "")).want(201)
	sv.do("GET /fhir/Patient/a", told).want(200)
}

func TestProofsAskForTheAuthor(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d, Proofs: &testProofs{}, Events: newTold()}, Options{AuthorHeader: "X-User"})
	if err != nil {
		t.Fatal(err)
	}
	sv := &service{t: t, s: s, model: m}
	for _, path := range []string{"/log/proof?position=1", "/log/events"} {
		a := sv.do("GET "+path).header("Www-Authenticate", `Bearer realm="fhirlog"`)
		if a.Code != 401 || !strings.Contains(a.Body.String(), "X-User") {
			t.Errorf("GET %s: %d %s", path, a.Code, a.Body)
		}
		if a := sv.do("GET "+path, "X-User: ida"); a.Code != 200 {
			t.Errorf("GET %s by ida: %d %s", path, a.Code, a.Body)
		}
	}
	for _, path := range []string{"/log/checkpoint", "/log/key", "/log/consistency?from=1", "/log/tile/0/000"} {
		if a := sv.do("GET " + path); a.Code == 401 {
			t.Errorf("GET %s: 401, although it holds only hashes", path)
		}
	}
}

func TestAuthorsAreInTheAccessLogAndReasonsAreNot(t *testing.T) {
	var lines bytes.Buffer
	sv, _ := newNoting(t, Options{AuthorHeader: "X-User", Logger: zerolog.New(&lines)})
	sv.do("DELETE /fhir/Patient/a?hardDelete=true", "X-User: ida", "X-Reason: because", "User-Agent: program").want(204)
	sv.do("DELETE /fhir/Patient/a?hardDelete=true", "X-User: ida", "X-Reason: because\x01").want(400)
	if text := lines.String(); strings.Count(text, `"author":"ida"`) != 2 || strings.Contains(text, "because") || strings.Contains(text, "program") {
		t.Errorf("the log is\n%s", text)
	}
}

func TestAuthorHeadersThatAreRefused(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	for name, told := range map[string]string{
		"X User": "no name of a header", "X-Usér": "no name of a header", "X:": "no name of a header",
		"authorization": "secrets", "Cookie": "secrets", "host": "another meaning", "X-Reason": "another meaning", "x-forwarded-for": "another meaning",
	} {
		_, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, Options{AuthorHeader: name})
		if err == nil || !strings.Contains(err.Error(), told) {
			t.Errorf("author header %q: %v", name, err)
		}
	}
}

// TestReasonAcrossOrigins lets a browser send one.
func TestReasonAcrossOrigins(t *testing.T) {
	sv := newService(t, Options{CORS: CORS{Origins: []string{"https://a.example"}}})
	a := sv.do("OPTIONS /fhir/Patient/a", "Origin: https://a.example", "Access-Control-Request-Method: DELETE").want(http.StatusNoContent)
	if allowed := a.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(allowed, "X-Reason") {
		t.Errorf("allowed are %s", allowed)
	}
}
