package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain/event"
)

// TestWhoAskedIsToldEverywhere erases for a reason, and looks for it in all that tells
// of the log.
func TestWhoAskedIsToldEverywhere(t *testing.T) {
	s := startServer(t, t.TempDir(), "--author-header", "X-User")
	by := []string{"X-User: ida", "User-Agent: desk/4 \"é\"", "X-Reason: ticket 12"}
	s.must(201, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`, by...)
	s.must(204, "DELETE", "/Patient/a?hardDelete=true", "", by...)
	key := filepath.Join(t.TempDir(), "log.pub")
	proof := filepath.Join(t.TempDir(), "proof.json")
	for file, path := range map[string]string{key: "/log/key", proof: "/log/proof?position=1"} {
		request, err := http.NewRequest("GET", s.root()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-User", "ida")
		answer, err := client.Do(request)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("GET %s: %v, %v", path, answer, err)
		}
		text, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close(), os.WriteFile(file, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	const line = `author ida  request 01`
	const rest = `address 127.0.0.1  agent "desk/4 \"é\""  reason "ticket 12"`
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"replay":           {[]string{"replay", "--data", s.data}, []string{line, rest}},
		"replay by agent":  {[]string{"replay", "--data", s.data, "--agent", `desk/4 "é"`, "--address", "::ffff:127.0.0.1"}, []string{line, rest}},
		"replay as lines":  {[]string{"replay", "--data", s.data, "--format", "ndjson"}, []string{`"agent":"desk/4 \"é\"","address":"127.0.0.1","reason":"ticket 12"`}},
		"show":             {[]string{"show", "Patient/a", "--data", s.data, "--history"}, []string{line, rest}},
		"a proof in words": {[]string{"verify", "--proof", proof, "--key", key}, []string{"author       \"ida\"\n", "address      127.0.0.1\n", "agent        \"desk/4 \\\"é\\\"\"\n", "reason       \"ticket 12\"\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, stderr, err := runProgram(t, c.args...)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("it does not tell\n%s\nbut\n%s", want, out)
				}
			}
		})
	}
	if out, _, err := runProgram(t, "replay", "--data", s.data, "--agent", "desk"); err != nil || out != "" {
		t.Errorf("replay of another agent: %v\n%s", err, out)
	}
}

// TestTokensOpenTheLog has an auditor read from a running server, on the main address
// and on one of its own.
func TestTokensOpenTheLog(t *testing.T) {
	const old, present = "old-0123456789abcdef", "new-0123456789abcdef"
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	both := file(old + "\n" + present + "\n")
	s := startServer(t, t.TempDir(), "--log-events-token", both, "--log-level", "debug")
	s.must(201, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`)
	for _, with := range []string{both, file(present)} {
		if out, stderr, err := runProgram(t, "replay", "--url", s.root(), "--token", with); err != nil || !strings.Contains(out, "Patient/a") {
			t.Errorf("with a token: %v\n%s\n%s", err, out, stderr)
		}
	}
	for name, args := range map[string][]string{
		"none":          {"replay", "--url", s.root()},
		"a wrong one":   {"replay", "--url", s.root(), "--token", file("bad-0123456789abcdef")},
		"none in there": {"replay", "--url", s.root(), "--token", file("\n")},
	} {
		out, stderr, err := runProgram(t, args...)
		if err == nil || out != "" || !strings.Contains(stderr, "token") || strings.Contains(stderr, "bad-") {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, stderr)
		}
	}
	s.stop()
	if log := s.stderr.String(); strings.Contains(log, "0123456789abcdef") {
		t.Errorf("a token is in the log of the server:\n%s", log)
	}
	for name, flags := range map[string][]string{
		"a short token":    {"--log-events-token", file("secret")},
		"no file":          {"--log-events-token", filepath.Join(t.TempDir(), "none")},
		"no events at all": {"--log-events-token", both, "--no-log-events"},
		"a secret header":  {"--author-header", "Authorization"},
	} {
		_, stderr, err := runProgram(t, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, flags...)...)
		if err == nil || strings.Contains(stderr, "secret\n") {
			t.Errorf("%s: %v\n%s", name, err, stderr)
		}
	}
}

// TestRestoreIsAnAuthor has a restore erase what a compaction had taken.
func TestRestoreIsAnAuthor(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.must(201, "PUT", "/Patient/a", `{"resourceType":"Patient","id":"a"}`)
	s.must(204, "DELETE", "/Patient/a?hardDelete=true", "")
	s.stop()
	target, restored := t.TempDir(), filepath.Join(t.TempDir(), "restored")
	for _, args := range [][]string{
		{"compact", "--data", s.data}, {"backup", "--data", s.data, "--to", target}, {"restore", "--from", target, "--data", restored, "--until", "0"},
	} {
		if out, stderr, err := runProgram(t, args...); err != nil {
			t.Fatalf("%v: %v\n%s\n%s", args, err, out, stderr)
		}
	}
	out, stderr, err := runProgram(t, "replay", "--data", restored, "--author", event.ByRestore)
	if err != nil || !strings.Contains(out, "erased          Patient/a version 1  author fhirlog restore  request ") {
		t.Errorf("replay: %v\n%s\n%s", err, out, stderr)
	}
}
