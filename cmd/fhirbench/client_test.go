package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// connect gives a connection to a server of the test.
func connect(t *testing.T, base string, headers ...string) *connection {
	t.Helper()
	target, err := newTarget(base, headers, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c := &connection{target: target}
	t.Cleanup(c.close)
	return c
}

func TestConnection(t *testing.T) {
	large := strings.Repeat("0123456789", 100_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/fhir/echo":
			w.Header().Set("Location", "http://x/fhir/Patient/17/_history/1")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, "%s %s %s %d", r.Method, r.Header.Get("Prefer"), got, r.ContentLength)
		case "/fhir/large":
			w.Header().Set("Content-Length", fmt.Sprint(len(large)))
			io.WriteString(w, large)
		case "/fhir/chunks":
			for part := range strings.SplitSeq("one two three", " ") {
				io.WriteString(w, part)
				w.(http.Flusher).Flush()
			}
		case "/fhir/largechunks":
			for range 3 {
				io.WriteString(w, large)
				w.(http.Flusher).Flush()
			}
		case "/fhir/none":
			w.WriteHeader(http.StatusNoContent)
		case "/fhir/early":
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "late")
		case "/fhir/bye":
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		}
	}))
	defer server.Close()
	c := connect(t, server.URL+"/fhir/", "Prefer: return=minimal")
	for _, step := range []struct {
		method, path string
		body         payload
		status       int
		want         string
	}{
		{"POST", "/fhir/echo", raw("hello"), 201, "POST return=minimal hello 5"},
		{"GET", "/fhir/echo", nil, 201, "GET return=minimal  0"},
		{"PUT", "/fhir/echo", raw(large), 201, "PUT return=minimal " + large + " 1000000"},
		{"GET", "/fhir/large", nil, 200, large},
		{"GET", "/fhir/chunks", nil, 200, "onetwothree"},
		{"GET", "/fhir/largechunks", nil, 200, large + large + large},
		{"DELETE", "/fhir/none", nil, 204, ""},
		{"GET", "/fhir/early", nil, 200, "late"},
		{"GET", "/fhir/bye", nil, 200, "bye"},
		{"GET", "/fhir/chunks", nil, 200, "onetwothree"},
	} {
		a, err := c.do(context.Background(), step.method, []byte(step.path), step.body)
		if err != nil {
			t.Fatalf("%s %s: %v", step.method, step.path, err)
		}
		if a.status != step.status || string(a.body) != step.want {
			t.Errorf("%s %s = %d %.60q, want %d %.60q", step.method, step.path, a.status, a.body, step.status, step.want)
		}
		if step.path == "/fhir/echo" {
			if got := string(createdID(a, "Patient")); got != "17" {
				t.Errorf("createdID = %q, want 17", got)
			}
		}
	}
	if n := c.target.reconnects.Load(); n != 0 {
		t.Errorf("%d reconnects that no broken connection asked for", n)
	}
	t.Run("opens again what the server closed", func(t *testing.T) {
		server.CloseClientConnections()
		a, err := c.do(context.Background(), "GET", []byte("/fhir/chunks"), nil)
		if err != nil || string(a.body) != "onetwothree" {
			t.Fatalf("got %q, %v", a.body, err)
		}
		if n := c.target.reconnects.Load(); n != 1 {
			t.Errorf("%d reconnects, want 1", n)
		}
	})
}

// TestBrokenAnswers feeds answers that no server should give: each is an error
// and never a hang or a panic.
func TestBrokenAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	answers := make(chan string, 1)
	go func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
				io.WriteString(nc, <-answers)
			}
			nc.Close()
		}
	}()
	for _, text := range []string{"", "x", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le"} {
		answers <- text
		c := connect(t, "http://"+listener.Addr().String())
		if a, err := c.do(context.Background(), "GET", []byte("/"), nil); err == nil {
			t.Errorf("%q was read as %d %q", text, a.status, a.body)
		}
	}
	t.Run("without a length the end is the connection's", func(t *testing.T) {
		answers <- "HTTP/1.0 200 OK\r\n\r\nall of it"
		a, err := connect(t, "http://"+listener.Addr().String()).do(context.Background(), "GET", []byte("/"), nil)
		if err != nil || string(a.body) != "all of it" {
			t.Errorf("got %q, %v", a.body, err)
		}
	})
}

func TestNewTarget(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:80", "ftp://x", "http://"} {
		if _, err := newTarget(bad, nil, time.Second); err == nil {
			t.Errorf("newTarget(%q) was taken", bad)
		}
	}
	if _, err := newTarget("http://x", []string{"a: b\r\nc: d"}, time.Second); err == nil {
		t.Error("a header of two lines was taken")
	}
	got, err := newTarget("http://x:81/fhir/", nil, time.Second)
	if err != nil || got.address != "x:81" || got.base != "/fhir" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCreatedID(t *testing.T) {
	for _, c := range []struct{ location, body, want string }{
		{"http://h/fhir/Patient/a-1/_history/1", "", "a-1"},
		{"Patient/a-1", "", "a-1"},
		{"http://Patient/fhir/Patient/Patient", "", "Patient"},
		{"", `{"resourceType":"Patient","id":"b2"}`, "b2"},
		{"", "{\n  \"id\" : \"b2\"\n}", "b2"},
		{"http://h/fhir/Observation/1", `{}`, ""},
		{"", `{"id":7}`, ""},
	} {
		a := answer{location: []byte(c.location), body: []byte(c.body)}
		if got := string(createdID(a, "Patient")); got != c.want {
			t.Errorf("createdID(%q, %q) = %q, want %q", c.location, c.body, got, c.want)
		}
	}
}

func TestCountEntries(t *testing.T) {
	body := `{"entry":[{"resource":{"status":"final"},"response":{"status":"201 Created"}},{"response":{"status" : "404"}},
		{"response":{"status":"200"}}],"status":`
	if done, failed := countEntries([]byte(body)); done != 2 || failed != 1 {
		t.Errorf("got %d and %d, want 2 and 1", done, failed)
	}
}

// oneRead hands over everything that is there in a single Read.
type oneRead struct {
	net.Conn
	rest []byte
}

func (r *oneRead) Read(p []byte) (int, error) {
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (*oneRead) SetReadDeadline(time.Time) error { return nil }
func (*oneRead) SetDeadline(time.Time) error     { return nil }

// TestHeaderAndLargeBodyAtOnce has an answer whose header and first megabytes
// arrive together: once the buffer has grown, one read takes them all.
func TestHeaderAndLargeBodyAtOnce(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"
	c := &connection{in: make([]byte, 4<<20), nc: &oneRead{rest: []byte(head + strings.Repeat("x", 2_000_000))}}
	if end, err := c.fillHead(); err != nil || end != len(head) {
		t.Errorf("fillHead: %d, %v; want %d", end, err, len(head))
	}
}
