package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts runs every script of testdata/http. Those without @serve share
// one server and use ids of their own. At the end the server must give the same
// answers after a restart, and after its projections were deleted.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../../testdata/http/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	shared := startServer(t, t.TempDir())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			s, err := readScript(file)
			if err != nil {
				t.Fatal(err)
			}
			on := shared
			if s.serve != nil {
				on = startServer(t, t.TempDir(), s.serve...)
			}
			s.run(t, on)
			if s.serve != nil {
				on.stop()
			}
		})
	}
	checkRestarts(t, shared)
}

// TestFits and TestScriptFaults show that a script can fail.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*b", "ab", true}, {"a*b*c", "a1b2c", true},
		{"a*b*c", "a1c", false}, {"*", "", true}, {"ab*b", "ab", false}, {"*x*", "axb", true}, {"*x*", "ab", false},
	} {
		if got := fits(c.pattern, c.text); got != c.want {
			t.Errorf("fits(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}

func TestScriptFaults(t *testing.T) {
	body := []byte(`{"a":[{"b":"text","n":1.0},{"b":"other"}],"z":true}`)
	parsed, err := parseTree(body)
	if err != nil {
		t.Fatal(err)
	}
	r := &reply{header: http.Header{"Etag": {`W/"1"`}}, body: body, tree: parsed}
	for _, c := range []struct {
		line string
		ok   bool
	}{
		{`a[0].b = "text"`, true}, {`a[0].b = "texts"`, false}, {`a[0].n = 1.0`, true}, {`a[0].n = 1.00`, false}, {`a[0].n = 1`, false},
		{`a[b=other] = {"b":"other"}`, true}, {`a[b=none] absent`, true}, {`a[b=other] absent`, false}, {`a has 2`, true}, {`a has 3`, false},
		{`a[0] = {"n":1.0,"b":"text"}`, false}, {`z = true`, true}, {`z = false`, false}, {`a[2] absent`, true}, {`q = 1`, false},
		{`a[0].b ~ t*t`, true}, {`a[0].b ~ t*s`, false}, {`body ~ *"z":true}`, true}, {`body ~ *"y"*`, false}, {`body empty`, false},
		{`a[0].b -> captured`, true}, {`a[0].c -> captured`, false},
		{`< ETag: W/"1"`, true}, {`< ETag: W/"2"`, false}, {`< ETag absent`, false}, {`< Location absent`, true}, {`< Location: *`, false},
		{`< ETag -> tag`, true}, {`body = {"z":true,"a":[]}`, false},
	} {
		var st step
		if err := st.readWant(1, c.line); err != nil {
			t.Fatal(err)
		}
		if fault := r.check(&st.wants[0], map[string]string{}); (fault == "") != c.ok {
			t.Errorf("%s: %q", c.line, fault)
		}
	}
}
