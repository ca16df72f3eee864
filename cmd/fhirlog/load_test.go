package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alecthomas/kong"
)

// parseLoad reads flags as the program does.
func parseLoad(t *testing.T, args ...string) *loadCommand {
	t.Helper()
	var c loadCommand
	parser, err := kong.New(&c, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestLoad(t *testing.T) {
	var puts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Header.Get("X-Test") != "a: b" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/bad") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"resourceType":"OperationOutcome","issue":[{"diagnostics":"it is bad"}]}`)
			return
		}
		puts.Add(1)
	}))
	defer server.Close()
	dir := t.TempDir()
	failures := filepath.Join(dir, "failed.ndjson")
	c := parseLoad(t, "--to", server.URL+"/fhir", "--failures", failures, "-H", "X-Test: a: b", "--skip", "1", "-")
	var out, progress bytes.Buffer
	c.Stdin = strings.NewReader(`{"resourceType":"Patient","id":"skipped"}
{"resourceType":"Patient","id":"good"}
{"resourceType":"Patient","id":"bad"}
`)
	c.Stdout, c.Stderr = &out, &progress
	err := c.Run(t.Context())
	if err == nil || err.Error() != "1 failed" {
		t.Errorf("Run = %v", err)
	}
	if puts.Load() != 1 {
		t.Errorf("%d resources arrived, want 1", puts.Load())
	}
	for _, want := range []string{"1 resources in 2 requests", "1 × 422 Unprocessable Entity: it is bad", "-:3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if progress.Len() != 0 {
		t.Errorf("shown without a terminal: %q", progress.String())
	}
	if got, _ := os.ReadFile(failures); string(got) != `{"resourceType":"Patient","id":"bad"}`+"\n" {
		t.Errorf("failures: %q", got)
	}
}

func TestLoadStops(t *testing.T) {
	file := filepath.Join(t.TempDir(), "many.ndjson")
	if err := os.WriteFile(file, []byte(strings.Repeat(`{"resourceType":"Patient"}`+"\n", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	run := func(t *testing.T, act func(c *loadCommand, cancel func())) (output string) {
		c := parseLoad(t, "--to", server.URL, "-p", "2", file)
		var out bytes.Buffer
		told, tell := io.Pipe()
		c.Stdout, c.Stderr, c.Signals = &out, tell, make(chan os.Signal)
		go io.Copy(io.Discard, told)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		<-arrived
		<-arrived
		act(c, cancel)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "stopped") {
			t.Errorf("Run = %v, want that it was stopped", err)
		}
		return out.String()
	}
	t.Run("a second signal breaks off", func(t *testing.T) {
		got := run(t, func(c *loadCommand, _ func()) {
			c.Signals <- os.Interrupt
			c.Signals <- os.Interrupt
		})
		if !strings.Contains(got, "0 resources") || !strings.Contains(got, "--skip 0") {
			t.Errorf("printed %s", got)
		}
	})
	t.Run("one signal lets finish what is under way", func(t *testing.T) {
		got := run(t, func(c *loadCommand, _ func()) {
			c.Signals <- os.Interrupt
			release <- struct{}{}
			release <- struct{}{}
		})
		if !strings.Contains(got, "2 resources") || !strings.Contains(got, "--skip 2") {
			t.Errorf("printed %s", got)
		}
	})
}

func TestLoadFlags(t *testing.T) {
	t.Run("the address comes from the environment", func(t *testing.T) {
		t.Setenv("FHIRLOG_TO", "http://elsewhere/fhir")
		if c := parseLoad(t, "x"); c.To != "http://elsewhere/fhir" || c.Parallel != 4 {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("a header needs a name and a value", func(t *testing.T) {
		if err := parseLoad(t, "-H", "nonsense", "-").Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--header") {
			t.Errorf("Run = %v", err)
		}
	})
	t.Run("failures are not written over what is loaded", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "a.ndjson")
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := parseLoad(t, "--failures", file, file).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "overwritten") {
			t.Errorf("Run = %v", err)
		}
		if got, _ := os.ReadFile(file); string(got) != "{}" {
			t.Errorf("the file became %q", got)
		}
	})
	t.Run("files that are missing are named before anything is sent", func(t *testing.T) {
		c := parseLoad(t, "/nowhere/a", "/nowhere/b")
		c.Stdout = io.Discard
		err := c.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "/nowhere/a") || !strings.Contains(err.Error(), "/nowhere/b") {
			t.Errorf("Run = %v", err)
		}
	})
}
