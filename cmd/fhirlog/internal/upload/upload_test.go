package upload

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is a server that notes requests and answers as told.
type recorder struct {
	*httptest.Server
	mu     sync.Mutex // guards got
	got    []string   // "METHOD path", in the order of arrival
	bodies []string
	answer func(n int, path string, w http.ResponseWriter) // nil: 200 with nothing
}

func record(t *testing.T, answer func(n int, path string, w http.ResponseWriter)) *recorder {
	s := &recorder{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Prefer") != "return=minimal" || r.Header.Get("Content-Type") != "application/fhir+json" {
			t.Errorf("headers %v", r.Header)
		}
		s.mu.Lock()
		s.got = append(s.got, r.Method+" "+r.URL.Path)
		s.bodies = append(s.bodies, string(body))
		n := len(s.got)
		s.mu.Unlock()
		if s.answer != nil {
			s.answer(n, r.URL.Path, w)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// write writes a file of the test, gzipped when its name says so.
func write(t *testing.T, name, text string) string {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		io.WriteString(w, text)
		w.Close()
		text = zipped.String()
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, o Options, files ...string) Summary {
	t.Helper()
	u, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := u.Run(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatBecomesOfEachForm(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"NDJSON of resources", "a.ndjson", `{"resourceType":"Patient","id":"1"}` + "\n\n" + `{"resourceType":"Observation"}`,
			[]string{"PUT /fhir/Patient/1", "POST /fhir/Observation"}},
		{"gzip", "a.json.gz", `{"resourceType":"Patient","id":"1"}`, []string{"PUT /fhir/Patient/1"}},
		{"a resource over many lines after a byte order mark", "a.json", "\xef\xbb\xbf{\n \"id\" : \"1\",\n \"x\":\"}{\\\"\",\n\"resourceType\":\"Patient\"\n}\n",
			[]string{"PUT /fhir/Patient/1"}},
		{"several over many lines", "a.json", "{\n\"resourceType\":\"A1\"}\n{\"resourceType\":\"Patient\"}\n{\n\"resourceType\":\"Group\"\n}", []string{"POST /fhir/Group", "POST /fhir/Patient"}},
		{"a transaction", "a.json", `{"resourceType":"Bundle","id":"9","type":"transaction","entry":[{}]}`, []string{"POST /fhir"}},
		{"a batch whose type comes last", "a.json", `{"entry":[{}],"type":"batch","resourceType":"Bundle"}`, []string{"POST /fhir"}},
		{"a collection", "a.json", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"1"}},
			{"fullUrl":"x"},{"resource":{"resourceType":"Group"}}]}`, []string{"POST /fhir/Group", "PUT /fhir/Patient/1"}},
		{"a search without its outcome", "a.json", `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"OperationOutcome"}},
			{"resource":{"resourceType":"Patient","id":"1"}}]}`, []string{"PUT /fhir/Patient/1"}},
		{"the newest of a history", "a.json", `{"resourceType":"Bundle","type":"history","entry":[{"resource":{"resourceType":"Patient","id":"1","active":true}},
			{"resource":{"resourceType":"Patient","id":"1"}}]}`, []string{"PUT /fhir/Patient/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := record(t, nil)
			load(t, Options{To: s.URL + "/fhir/", Parallel: 1}, write(t, c.file, c.text))
			slices.Sort(s.got)
			slices.Sort(c.want)
			if !slices.Equal(s.got, c.want) {
				t.Errorf("got %q, want %q", s.got, c.want)
			}
		})
	}
}

func TestSupportComesFirst(t *testing.T) {
	var inFlight sync.Mutex
	supports := 0
	s := record(t, nil)
	s.answer = func(n int, path string, _ http.ResponseWriter) {
		inFlight.Lock()
		defer inFlight.Unlock()
		if path == "/Organization" {
			time.Sleep(5 * time.Millisecond)
			supports++
		} else if supports != 5 {
			t.Errorf("%s came when %d of 5 supports were done", path, supports)
		}
	}
	patients := write(t, "x.patients.ndjson", strings.Repeat(`{"resourceType":"Patient"}`+"\n", 5))
	support := write(t, "x.support.ndjson", strings.Repeat(`{"resourceType":"Organization"}`+"\n", 5))
	if got := load(t, Options{To: s.URL}, patients, support); got.Resources != 10 || got.Failed != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestFailures(t *testing.T) {
	s := record(t, func(_ int, path string, w http.ResponseWriter) {
		switch path {
		case "/Patient/bad":
			w.WriteHeader(422)
			io.WriteString(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","diagnostics":"unknown member","expression":["Patient.foo"]}]}`)
		case "/":
			io.WriteString(w, `{"resourceType":"Bundle","entry":[{"response":{"status":"201 Created"}},{"response":{"status":"404","outcome":{"issue":[{"details":{"text":"not here"}}]}}},{"response":{"status":"200"}}]}`)
		}
	})
	file := write(t, "a.ndjson", `{"resourceType":"Patient","id":"bad"}
{"resourceType":"Patient","id":"good"}
{"resourceType":"Patient", "id":"bad","second":1}
{"resourceType":"Patient"
{"resourceType":"Bundle","type":"batch","entry":[{"a":1},{ "b":2 },{"c":3}]}
[1]
{"resourceType":"patient/../x"}
{"resourceType":"Patient","id":"a b"}
{"resourceType":"Bundle"}
{"resourceType":"Patient","id":"last"} {}
`)
	var failures bytes.Buffer
	got := load(t, Options{To: s.URL, Failures: &failures, Parallel: 1}, file)
	if got.Requests != 4 || got.Resources != 3 || got.Failed != 9 || got.Resume != 10 {
		t.Errorf("got %+v", got)
	}
	var said []string
	for _, g := range got.Groups {
		said = append(said, fmt.Sprintf("%d %s %s %s", g.Count, g.Status, g.Reason, strings.ReplaceAll(strings.Join(g.Places, ","), file, "F")))
	}
	for _, want := range []string{"2 422 Unprocessable Entity Patient.foo: unknown member F:1,F:3", "1 404 not here F:5 entry 2", "1  not a JSON object F:6",
		`1  no FHIR resource: resourceType is "patient/../x" F:7`, `1  "a b" is no id F:8`, "1  a Bundle without a type F:9"} {
		if !slices.Contains(said, want) {
			t.Errorf("no group %q in\n%s", want, strings.Join(said, "\n"))
		}
	}
	for _, want := range []string{"F:4", "F:10"} {
		if !slices.ContainsFunc(said, func(g string) bool { return strings.Contains(g, "not JSON") && strings.HasSuffix(g, want) }) {
			t.Errorf("%s is not told to be no JSON in\n%s", want, strings.Join(said, "\n"))
		}
	}
	lines := strings.Split(strings.TrimSpace(failures.String()), "\n")
	slices.Sort(lines)
	if len(lines) != 9 || !slices.Contains(lines, `{"resourceType":"Bundle","type":"batch","entry":[{"b":2}]}`) ||
		!slices.Contains(lines, `{"resourceType":"Patient","id":"bad","second":1}`) || !slices.Contains(lines, `{"resourceType":"Patient"`) {
		t.Errorf("failures:\n%s", strings.Join(lines, "\n"))
	}
	var out bytes.Buffer
	got.Print(&out)
	for _, want := range []string{"3 resources in 4 requests", "9 failed:", "2 × 422 Unprocessable Entity: Patient.foo: unknown member", file + ":3\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestRetries(t *testing.T) {
	t.Run("busy servers are asked again", func(t *testing.T) {
		s := record(t, func(n int, _ string, w http.ResponseWriter) {
			if n <= 2 {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader([]int{429, 503}[n-1])
			}
		})
		got := load(t, Options{To: s.URL, MaxWait: time.Millisecond}, write(t, "a.json", `{"resourceType":"Patient"}`))
		if got.Retries != 2 || got.Resources != 1 || got.Failed != 0 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		s := record(t, func(_ int, _ string, w http.ResponseWriter) { w.WriteHeader(503) })
		got := load(t, Options{To: s.URL, MaxWait: time.Millisecond, Retries: 3}, write(t, "a.json", `{"resourceType":"Patient"}`))
		if len(s.got) != 4 || got.Failed != 1 || got.Groups[0].Status != "503 Service Unavailable" {
			t.Errorf("%d requests, %+v", len(s.got), got)
		}
	})
	t.Run("other failures are not", func(t *testing.T) {
		s := record(t, func(_ int, _ string, w http.ResponseWriter) { w.WriteHeader(500) })
		if got := load(t, Options{To: s.URL}, write(t, "a.json", `{"resourceType":"Patient"}`)); len(s.got) != 1 || got.Failed != 1 {
			t.Errorf("%d requests, %+v", len(s.got), got)
		}
	})
	t.Run("a server that was never there ends the load", func(t *testing.T) {
		s := record(t, nil)
		s.Close()
		u, err := New(Options{To: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		got, err := u.Run(t.Context(), []string{write(t, "a.ndjson", strings.Repeat(`{"resourceType":"Patient"}`+"\n", 100))})
		if err == nil || !strings.Contains(err.Error(), "cannot be reached") || got.Resume != 0 || got.Failed != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestStop(t *testing.T) {
	var u *Uploader
	release := make(chan struct{})
	s := record(t, func(n int, _ string, w http.ResponseWriter) {
		if n == 3 {
			u.Stop()
			close(release)
		}
		<-release // the first two are in flight when the stop comes
	})
	file := write(t, "a.ndjson", strings.Repeat(`{"resourceType":"Patient"}`+"\n", 50))
	u, err := New(Options{To: s.URL, Parallel: 3, Skip: 10})
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.Run(t.Context(), []string{file})
	if err != nil || !got.Stopped || got.Resources < 3 || got.Resources > 6 || got.Resume != 10+got.Resources {
		t.Errorf("got %+v, %v", got, err)
	}
	var out bytes.Buffer
	if got.Print(&out); !strings.Contains(out.String(), fmt.Sprintf("--skip %d", got.Resume)) {
		t.Errorf("printed %s", out.String())
	}
	rest := record(t, nil)
	after := load(t, Options{To: rest.URL, Skip: int(got.Resume)}, file)
	if after.Resources != 40-got.Resources || after.Stopped {
		t.Errorf("the rest: %+v", after)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	blocked := make(chan struct{})
	s := record(t, func(n int, _ string, _ http.ResponseWriter) {
		if n == 2 {
			cancel()
			<-blocked
		}
	})
	defer close(blocked)
	u, err := New(Options{To: s.URL, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.Run(ctx, []string{write(t, "a.ndjson", strings.Repeat(`{"resourceType":"Patient"}`+"\n", 50))})
	if err == nil || got.Resume != 1 || !got.Stopped || got.Failed != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLargeValues(t *testing.T) {
	s := record(t, nil)
	large := `{"resourceType":"Binary","data":"` + strings.Repeat("A", 3<<20) + `"}`
	tooLarge := `{"resourceType":"Binary","data":"` + strings.Repeat("A", 5<<20) + `"}`
	file := write(t, "a.ndjson.gz", strings.Join([]string{large, tooLarge, large, large, `{"resourceType":"Patient"}`}, "\n"))
	got := load(t, Options{To: s.URL, MaxValueBytes: 4 << 20, MemoryBytes: 4 << 20}, file)
	if got.Resources != 4 || got.Failed != 1 || len(got.Groups) != 1 || got.Groups[0].Places[0] != file+":2" {
		t.Errorf("got %+v", got)
	}
}

func TestWholeBodyArrives(t *testing.T) {
	s := record(t, nil)
	text := `{"resourceType":"Patient","id":"1","multipleBirthInteger":1.00,"name":[{"family":"Ü\u00fc"}]}`
	load(t, Options{To: s.URL}, write(t, "a.ndjson", text+"\r\n"))
	if s.bodies[0] != text {
		t.Errorf("got %s, want %s", s.bodies[0], text)
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Options{To: "127.0.0.1:8080", Parallel: -1, Skip: -1})
	for _, want := range []string{"base URL", "parallel", "skip"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "5": 5 * time.Second, "-5": 0, "x": 0,
		"Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Thu, 01 Jan 2025 00:01:00 GMT": 0} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestGroupsAreBounded(t *testing.T) {
	var p problems
	for i := range 10 * maxGroups {
		p.add(problem{reason: fmt.Sprint(i)})
	}
	if got := p.groups(); len(got) != maxGroups+1 || got[0].Count != 9*maxGroups || len(got[0].Places) != maxPlaces {
		t.Errorf("%d groups, first %+v", len(got), got[0])
	}
}

// FuzzPlan: whatever a file holds, planning ends, and what is sent is JSON.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{`{"resourceType":"Patient","id":"1"}`, `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}},{}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[1, {"a":[]} ]}`, `{"entry":[]`, `[]`, `{}`, `{"resource":{}} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, err := plan(data, place{})
		if err != nil {
			return
		}
		for _, r := range requests {
			if !json.Valid(r.body) {
				t.Errorf("%q from %q", r.body, data)
			}
			for i := range r.entries {
				if one := batchOf(r.body, i); !json.Valid(one) {
					t.Errorf("batchOf(%q, %d) = %q", r.body, i, one)
				}
			}
		}
	})
}
