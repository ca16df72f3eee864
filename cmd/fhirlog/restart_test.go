package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkRestarts compares what a server answers with what servers answer that
// are started on its data later. It stops the server.
func checkRestarts(t *testing.T, s *server) {
	want := takeSnapshot(t, s)
	if len(want) < 10 {
		t.Fatalf("only %d answers to compare", len(want))
	}
	s.stop()
	t.Run("restart", func(t *testing.T) {
		again := startServer(t, s.data)
		compareSnapshots(t, takeSnapshot(t, again), want)
		again.stop()
	})
	t.Run("rebuild --check agrees", func(t *testing.T) {
		checkProjections(t, s.data)
	})
	t.Run("without projections", func(t *testing.T) {
		if err := os.RemoveAll(filepath.Join(s.data, "projections")); err != nil {
			t.Fatal(err)
		}
		again := startServer(t, s.data)
		compareSnapshots(t, takeSnapshot(t, again), want)
		again.stop()
		checkProjections(t, s.data)
	})
	t.Run("after rebuild", func(t *testing.T) {
		if stdout, stderr, err := runProgram(t, "rebuild", "--data", s.data); err != nil {
			t.Fatalf("rebuild: %v\n%s%s", err, stdout, stderr)
		}
		again := startServer(t, s.data)
		compareSnapshots(t, takeSnapshot(t, again), want)
		again.stop()
	})
}

// checkProjections asks the program whether the projections are what the log
// gives.
func checkProjections(t *testing.T, data string) {
	t.Helper()
	stdout, stderr, err := runProgram(t, "rebuild", "--check", "--data", data)
	if err != nil || !strings.Contains(stdout, "what the log gives") {
		t.Errorf("rebuild --check: %v\n%s%s", err, stdout, stderr)
	}
}

// snapshot is what a server answers: by request, the answer without what is
// different each time.
type snapshot map[string]string

// takeSnapshot reads everything that a server holds, in each way it can be read.
func takeSnapshot(t *testing.T, s *server) snapshot {
	t.Helper()
	taken := snapshot{}
	keep := func(path string) *tree {
		a, err := s.ask("GET", path, "")
		if err != nil {
			t.Fatal(err)
		}
		taken[path] = fmt.Sprintf("%d %s %s\n%s", a.status, a.header.Get("ETag"), a.header.Get("Last-Modified"), s.steady(a.body))
		parsed, err := parseTree(a.body)
		if err != nil {
			t.Fatalf("GET %s: %v\n%s", path, err, a.body)
		}
		return parsed
	}
	for path := "/_history?_count=50"; path != ""; {
		page := keep(path)
		for _, entry := range page.get("entry").items() {
			place := strings.TrimPrefix(entry.get("fullUrl").string(), s.base)
			_, version, _ := strings.Cut(entry.get("response").get("etag").string(), `W/"`)
			keep(place + "/_history/" + strings.TrimSuffix(version, `"`))
			if _, seen := taken[place]; !seen {
				typ, _, _ := strings.Cut(place[1:], "/")
				keep(place)
				keep(place + "/_history")
				keep(place + "/_history?_count=2&_sort=_lastUpdated")
				keep("/" + typ + "/_history?_count=3")
			}
		}
		next, _ := page.at("link[relation=next].url")
		path = strings.TrimPrefix(next.string(), s.base)
	}
	return taken
}

func (t *tree) items() []*tree {
	if t == nil {
		return nil
	}
	return t.children
}

// head is how a Bundle or an OperationOutcome begins: with the id and time of
// its request.
var head = regexp.MustCompile(`^(\{"resourceType":"(?:Bundle|OperationOutcome)",)"id":"[^"]*","meta":\{"lastUpdated":"[^"]*"\}`)

// steady takes out of a body what belongs to the request, not to the data.
func (s *server) steady(body []byte) string {
	return strings.ReplaceAll(head.ReplaceAllString(string(body), `$1"id":""`), s.base, "{base}")
}

func compareSnapshots(t *testing.T, got, want snapshot) {
	t.Helper()
	for _, path := range slices.Sorted(func(yield func(string) bool) {
		for path := range want {
			if !yield(path) {
				return
			}
		}
	}) {
		if got[path] != want[path] {
			t.Errorf("GET %s: got\n%s\nwant, as before,\n%s", path, got[path], want[path])
		}
	}
	for path := range got {
		if _, known := want[path]; !known {
			t.Errorf("GET %s is new: %s", path, got[path])
		}
	}
}

// TestRefusedStarts shows that a start which cannot be meant ends with a
// sentence that says why.
func TestRefusedStarts(t *testing.T) {
	data := t.TempDir()
	running := startServer(t, data)
	refuse := func(name, want string, args ...string) {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, err := runProgram(t, args...)
			if err == nil || !strings.Contains(stderr, want) || strings.Contains(stderr, "goroutine") {
				t.Errorf("fhirlog %q: %v, want a refusal that says %q\n%s%s", args, err, want, stdout, stderr)
			}
		})
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	refuse("folder in use", "in use", "serve", "--data", data, "--listen", "127.0.0.1:0")
	refuse("rebuild while served", "in use", "rebuild", "--data", data)
	refuse("address in use", "listen", "serve", "--data", filepath.Join(t.TempDir(), "d"), "--listen", strings.TrimPrefix(running.root(), "http://"))
	refuse("beyond this machine", "--insecure", "serve", "--data", fresh, "--listen", "0.0.0.0:0")
	refuse("metrics beyond this machine", "--insecure", "serve", "--data", fresh, "--listen", "127.0.0.1:0", "--metrics-listen", ":0")
	refuse("unknown setting", "FHIRLOG_LISTN", "FHIRLOG_LISTN=127.0.0.1:0", "serve", "--data", fresh)
	refuse("setting with a wrong value", "R6", "FHIRLOG_FHIR_VERSION=R6", "serve", "--data", fresh)
	refuse("unknown flag", "--lisen", "serve", "--lisen", "127.0.0.1:0")
	refuse("rebuild of nothing", "no data folder", "rebuild", "--data", fresh)
	if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused start made a data folder: %v", err)
	}
	running.must(200, "GET", "/metadata", "")
	running.stop()
	refuse("another FHIR version", "R4", "serve", "--data", data, "--listen", "127.0.0.1:0", "--fhir-version", "STU3")
	t.Run("the same FHIR version", func(t *testing.T) {
		startServer(t, data, "--fhir-version", "R4").stop()
	})
	description := filepath.Join(data, descriptionFile)
	text, err := os.ReadFile(description)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"STU3", "R4"} {
		if err := os.WriteFile(description, bytes.Replace(text, []byte(`"R4"`), []byte(`"`+version+`"`), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if version != "R4" {
			refuse("an edited FHIR version", `put "fhirVersion": "R4" back`, "serve", "--data", data, "--listen", "127.0.0.1:0")
		}
	}
	t.Run("the FHIR version put back", func(t *testing.T) {
		s := startServer(t, data)
		defer s.stop()
		if strings.Contains(s.stderr.String(), "computed anew") {
			t.Errorf("the projections were not kept:\n%s", s.stderr.String())
		}
	})
	if err := os.Remove(description); err != nil {
		t.Fatal(err)
	}
	refuse("a log of unknown FHIR version", "fhirlog.json", "serve", "--data", data, "--listen", "127.0.0.1:0")
}

// TestSettings starts a server whose settings all come from the environment.
func TestSettings(t *testing.T) {
	s := launch(t, filepath.Join(t.TempDir(), "a", "b"))
	s.cmd.Env = append(s.cmd.Env, "FHIRLOG_BASE_PATH=/r4b/", "FHIRLOG_FHIR_VERSION=R4B", "FHIRLOG_CORS_ORIGINS=*", "FHIRLOG_METRICS_LISTEN=127.0.0.1:0")
	if err := s.awaitURL(s.pipe(t)); err != nil {
		t.Fatal(err, s.stderr.String())
	}
	if !strings.HasSuffix(s.base, "/r4b") {
		t.Errorf("the server says it is at %s", s.base)
	}
	a := s.must(200, "GET", "/metadata", "", "Origin: https://anywhere.example")
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin: %q", got)
	}
	if !strings.Contains(string(a.body), `"fhirVersion":"4.3.0"`) {
		t.Errorf("metadata: %.300s", a.body)
	}
	if a, err := s.ask("GET", "/../metrics", ""); err != nil || a.status == 200 {
		t.Errorf("metrics at the main address: %d, %v", a.status, err)
	}
	s.stop()
}

// TestLogsNoContent sends content in every place a request has and looks for it
// in what the server writes to its log.
func TestLogsNoContent(t *testing.T) {
	s := startServer(t, t.TempDir(), "--log-level", "debug")
	const secret = "Xq7Secret"
	body := `{"resourceType":"Patient","id":"p","name":[{"family":"` + secret + `"}]}`
	s.must(201, "PUT", "/Patient/p", body)
	s.must(400, "PUT", "/Patient/p", strings.Replace(body, "family", secret, 1))
	s.must(400, "PUT", "/Patient/p", body[:len(body)-3])
	s.must(400, "POST", "/Patient", strings.Replace(body, `"p"`, `"p","gender":"`+secret+`"`, 1))
	s.must(200, "GET", "/Patient?name="+secret, "")
	s.must(400, "GET", "/Patient?name:not="+secret, "")
	s.must(400, "GET", "/Patient?birthdate="+secret, "")
	s.must(200, "GET", "/Patient?"+secret+"="+secret, "")
	s.must(404, "GET", "/"+secret+"/"+secret, "")
	s.must(204, "DELETE", "/Patient/none?hardDelete=true", "", "X-Reason: "+secret, "User-Agent: "+secret)
	s.must(400, "DELETE", "/Patient/none?hardDelete=true", "", "X-Reason: "+secret+strings.Repeat("x", 1000))
	s.must(200, "POST", "/", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?name=`+secret+`"}},{"resource":`+body+`,"request":{"method":"PUT","url":"Patient/p"}}]}`)
	s.must(404, "POST", "/", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"`+secret+`/x"}}]}`)
	s.stop()
	log := s.stderr.String()
	if !strings.Contains(log, `"request_id"`) {
		t.Errorf("no line about a request at debug level:\n%s", log)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, secret) {
			t.Errorf("the log has content: %s", line)
		}
	}
}
