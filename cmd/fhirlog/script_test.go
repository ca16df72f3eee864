package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An HTTP script is a conversation with a server in plain text; README.md in
// testdata/http tells how one is written.

// script is one file.
type script struct {
	name  string
	serve []string // flags for a server of its own; nil shares one
	steps []step
}

// step is a request and what the answer must be.
type step struct {
	line    int
	method  string
	path    string
	headers []headerLine
	pack    bool // compress the body
	until   bool // ask again as long as the answer is another one
	body    string
	status  int
	wants   []want
}

type headerLine struct{ name, value string }

// want is one expectation of a step.
type want struct {
	line   int
	header bool
	place  string // a header's name, or a path in the body, or "body"
	verb   string // = ~ -> has absent
	value  string
}

func readScript(file string) (*script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &script{name: file}
	answered := true // the last step has its answer
	for i, line := range strings.Split(string(text), "\n") {
		var err error
		n := len(s.steps) - 1
		switch {
		case strings.HasPrefix(line, "#"), line == "" && answered:
		case strings.HasPrefix(line, "@serve") && len(s.steps) == 0:
			s.serve = append([]string{}, strings.Fields(line)[1:]...)
		case strings.HasPrefix(line, "> ") && answered:
			method, path, _ := strings.Cut(line[2:], " ")
			s.steps = append(s.steps, step{line: i + 1, method: method, path: path})
			answered = false
		case n < 0:
			err = fmt.Errorf("a script begins with a request: > GET /Patient/a")
		case strings.HasPrefix(line, "> "):
			err = s.steps[n].readHeader(line[2:])
		case strings.HasPrefix(line, "< ") && !answered:
			answered = true
			s.steps[n].status, err = strconv.Atoi(line[2:])
		case !answered:
			s.steps[n].body += strings.TrimSpace(line) + "\n"
		default:
			err = s.steps[n].readWant(i+1, line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	return s, nil
}

func (st *step) readHeader(line string) error {
	switch line {
	case "@gzip":
		st.pack = true
		return nil
	case "@until":
		st.until = true
		return nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("%q is no header", line)
	}
	st.headers = append(st.headers, headerLine{name, strings.TrimSpace(value)})
	return nil
}

var wantForm = regexp.MustCompile(`^(\S+) (=|~|->|has|absent|empty)(?: (.*))?$`)

func (st *step) readWant(number int, line string) error {
	w := want{line: number}
	if line, w.header = strings.CutPrefix(line, "< "); w.header {
		if name, value, ok := strings.Cut(line, ": "); ok {
			w.place, w.verb, w.value = name, "~", value
			st.wants = append(st.wants, w)
			return nil
		}
	}
	m := wantForm.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("%q is no expectation", line)
	}
	w.place, w.verb, w.value = m[1], m[2], m[3]
	st.wants = append(st.wants, w)
	return nil
}

// conversation is a script being run.
type conversation struct {
	t      *testing.T
	server *server
	script *script
	known  map[string]string // what {name} stands for
}

// run carries a script out against a server.
func (s *script) run(t *testing.T, on *server) {
	c := &conversation{t: t, server: on, script: s, known: map[string]string{
		"base": on.base, "root": on.root(),
		"kilobyte": strings.Repeat("x", 1<<10), "megabyte": strings.Repeat("x", 1<<20),
	}}
	for i := range s.steps {
		c.take(&s.steps[i])
	}
}

var placeholder = regexp.MustCompile(`\{[a-z][A-Za-z0-9]*\}`)

// fill puts captured values in place of their names.
func (c *conversation) fill(line int, text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := c.known[name[1:len(name)-1]]
		if !ok {
			c.t.Fatalf("%s:%d: nothing was captured as %s", c.script.name, line, name)
		}
		return value
	})
}

// take sends one request and checks its answer. A step that waits for something
// is sent again until the answer is right; if it never is, the script ends.
func (c *conversation) take(st *step) {
	deadline := time.Now().Add(patience)
	faults, got := c.attempt(st)
	for st.until && len(faults) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		faults, got = c.attempt(st)
	}
	for _, fault := range faults {
		c.t.Errorf("%s:%s", c.script.name, fault)
	}
	if len(faults) > 0 {
		c.t.Logf("the answer was %d %v\n%.3000s", got.status, got.header, got.body)
		if st.until {
			c.t.FailNow()
		}
	}
}

// attempt sends a request once, and tells how the answer differs from what is
// wanted.
func (c *conversation) attempt(st *step) (faults []string, got *reply) {
	request := c.request(st)
	response, err := client.Do(request)
	if err != nil {
		c.t.Fatalf("%s:%d: %s %s: %v\n%s", c.script.name, st.line, st.method, st.path, err, c.server.stderr.String())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s:%d: %s %s: %v", c.script.name, st.line, st.method, st.path, err)
	}
	if response.Header.Get("Content-Encoding") == "gzip" && len(body) > 0 {
		if body, err = unpack(body); err != nil {
			c.t.Fatalf("%s:%d: %s %s: %v", c.script.name, st.line, st.method, st.path, err)
		}
	}
	got = &reply{status: response.StatusCode, header: response.Header, body: body}
	if len(body) > 0 {
		got.tree, got.broken = parseTree(body)
	}
	if response.StatusCode != st.status {
		faults = append(faults, fmt.Sprintf("%d: %s %s: status %d, want %d", st.line, st.method, st.path, response.StatusCode, st.status))
	}
	for _, w := range st.wants {
		w.value = c.fill(w.line, w.value)
		if fault := got.check(&w, c.known); fault != "" {
			faults = append(faults, fmt.Sprintf("%d: %s %s: %s %s", w.line, st.method, st.path, w.place, fault))
		}
	}
	return faults, got
}

func (c *conversation) request(st *step) *http.Request {
	target := c.fill(st.line, st.path)
	if !strings.HasPrefix(target, "http://") {
		target = c.server.base + target
	}
	body := c.fill(st.line, strings.TrimSuffix(st.body, "\n"))
	if st.pack {
		body = pack(body)
	}
	request, err := http.NewRequest(st.method, target, strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s:%d: %v", c.script.name, st.line, err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	if st.pack {
		request.Header.Set("Content-Encoding", "gzip")
	}
	for _, h := range st.headers {
		request.Header.Del(h.name) // what is set above
	}
	for _, h := range st.headers {
		if value := c.fill(st.line, h.value); h.name == "Host" {
			request.Host = value
		} else if value != "" {
			request.Header.Add(h.name, value)
		}
	}
	return request
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
	tree   *tree
	broken error
}

// check says how the reply differs from what is wanted, "" if it does not.
func (r *reply) check(w *want, known map[string]string) string {
	if w.header {
		return checkText(w, r.header.Get(w.place), r.header.Values(w.place) != nil, known)
	}
	if w.place == "body" && w.verb != "=" {
		return checkText(w, string(r.body), len(r.body) > 0, known)
	}
	if r.broken != nil {
		return fmt.Sprintf("is in a body that is not JSON: %v", r.broken)
	}
	place := r.tree
	if w.place != "body" {
		var err error
		if place, err = r.tree.at(w.place); err != nil {
			return err.Error()
		}
	}
	switch w.verb {
	case "=":
		wanted, err := parseTree([]byte(w.value))
		if err != nil {
			return fmt.Sprintf("is compared with %s, which is not JSON: %v", w.value, err)
		}
		if place.String() != wanted.String() {
			return fmt.Sprintf("is %s, want %s", place, wanted)
		}
		return ""
	case "has":
		if place == nil || strconv.Itoa(len(place.children)) != w.value {
			return fmt.Sprintf("is %s, want it with %s parts", place, w.value)
		}
		return ""
	}
	return checkText(w, place.string(), place != nil, known)
}

func checkText(w *want, got string, there bool, known map[string]string) string {
	switch w.verb {
	case "absent", "empty":
		if there {
			return fmt.Sprintf("is %q, want none", got)
		}
	case "->":
		if got == "" {
			return "is not there and cannot be captured"
		}
		known[w.value] = got
	case "=", "~":
		if !there || !fits(w.value, got) {
			return fmt.Sprintf("is %q, want %q", got, w.value)
		}
	default:
		return "cannot be asked " + w.verb
	}
	return ""
}

// fits compares with a pattern in which * stands for any text.
func fits(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	last := parts[len(parts)-1]
	if !strings.HasPrefix(text, parts[0]) || !strings.HasSuffix(text[len(parts[0]):], last) {
		return false
	}
	text = text[len(parts[0]) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

func pack(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text) // a buffer takes everything
	_ = w.Close()
	return b.String()
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack the answer: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack the answer: %w", err)
	}
	return text, nil
}
