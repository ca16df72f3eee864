package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirlog/domain/commit"
)

func TestBodyLimit(t *testing.T) {
	sv := newService(t, Options{MaxBodyBytes: 100, MaxBodyBytesInFlight: 1000})
	fits := patient("a", `"gender":"male"`)
	fits += strings.Repeat(" ", 100-len(fits))
	sv.do("PUT /fhir/Patient/a", fits).want(201)
	sv.do("PUT /fhir/Patient/a", fits+" ").want(413, "invalid")

	t.Run("without a length", func(t *testing.T) {
		for extra, status := range map[string]int{"": 200, " ": 413} {
			h := httptest.NewRequest("PUT", "/fhir/Patient/a", io.MultiReader(strings.NewReader(fits), strings.NewReader(extra)))
			h.Header.Set("Content-Type", "application/json")
			sv.send(h).want(status)
		}
	})
	t.Run("the tree counts as well", func(t *testing.T) {
		sv.do("PUT /fhir/Patient/a", patient("a", `"x":[`+strings.Repeat(",", 50)+"]")).want(413, "invalid")
	})
	t.Run("all is given back", func(t *testing.T) {
		if n := sv.s.bodies.used.Load(); n != 0 {
			t.Errorf("%d bytes are still held", n)
		}
	})
}

func TestBodiesGrowInSteps(t *testing.T) {
	sv := newService(t, Options{})
	for _, size := range []int{1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64 << 10, 1 << 20} {
		body := patient("a", "")
		body += strings.Repeat(" ", max(0, size-len(body)))
		sv.do("PUT /fhir/Patient/a", body)
		sv.sendZipped(t, "PUT", "/fhir/Patient/a", zipped(body)).want(200)
	}
}

func TestMemoryForBodiesIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sv := newService(t, Options{MaxBodyBytes: 100, MaxBodyBytesInFlight: 190, QueueWait: 3 * time.Second})
		source, sink := io.Pipe()
		var first *answer
		done := make(chan bool)
		go func() {
			h := httptest.NewRequest("PUT", "/fhir/Patient/a", source)
			h.Header.Set("Content-Type", "application/json")
			first = sv.send(h)
			close(done)
		}()
		_, _ = sink.Write([]byte(patient("a", "")))
		synctest.Wait()

		started := time.Now()
		sv.do("PUT /fhir/Patient/b", patient("b", "")).want(429, "throttled").header("Retry-After", "1").header("X-Ms-Retry-After-Ms", "1000")
		if waited := time.Since(started); waited != 3*time.Second {
			t.Errorf("waited %v", waited)
		}
		sv.do("GET /fhir/Patient/a").want(404) // no body, no memory

		_ = sink.Close()
		<-done
		first.want(201)
		sv.do("PUT /fhir/Patient/b", patient("b", "")).want(201)
	})
}

// slowWriter waits for release before each commit.
type slowWriter struct {
	Writer
	release chan bool
}

func (w slowWriter) Commit(ctx context.Context, c commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	<-w.release
	return w.Writer.Commit(ctx, c, commands)
}

func TestConcurrentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sv := newService(t, Options{MaxConcurrent: 2, QueueWait: time.Second})
		release := make(chan bool)
		sv.s.writer = slowWriter{sv.model, release}
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				id := fmt.Sprint("p", i)
				sv.do("PUT /fhir/Patient/"+id, patient(id, "")).want(201)
			})
		}
		synctest.Wait()
		sv.do("GET /fhir/Patient/x").want(429, "throttled")
		sv.do("GET /fhir/metadata").want(200) // needs no turn
		sv.do("GET /health/check").want(200)
		wg.Go(func() { sv.do("GET /fhir/Patient/x").want(404) })
		synctest.Wait()
		close(release)
		wg.Wait()
	})
}

// pipeListener hands one connection to a server.
type pipeListener struct {
	connections chan net.Conn
	closed      chan bool
	once        sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// connected runs the test with a connection to the service, in a bubble where
// time passes at once.
func connected(t *testing.T, o Options, test func(t *testing.T, sv *service, conn net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		sv := newService(t, o)
		client, server := net.Pipe()
		l := &pipeListener{connections: make(chan net.Conn, 1), closed: make(chan bool)}
		l.connections <- server
		h := sv.s.HTTPServer()
		stopped := make(chan error)
		go func() { stopped <- h.Serve(l) }()
		test(t, sv, client)
		_ = client.Close()
		_ = h.Close()
		<-stopped
	})
}

func TestLargeAnswers(t *testing.T) {
	const most = 4 << 20
	sv := newService(t, Options{MaxBodyBytes: most, MaxBodyBytesInFlight: most, QueueWait: time.Millisecond})
	const size = 300_000
	for range 50 {
		sv.do("POST /fhir/Basic", "Prefer: return=minimal", `{"resourceType":"Basic","code":{"text":"`+strings.Repeat("x", size)+`"}}`).want(201)
	}
	sv.do("PUT /fhir/Patient/small", patient("small", "")).want(201)

	t.Run("a history holds few of them at once", func(t *testing.T) {
		var most int64
		sv.model.onRead = func(uint64) { most = max(most, sv.s.BodyBytes()) }
		defer func() { sv.model.onRead = nil }()
		a := sv.do("GET /fhir/Basic/_history?_count=50").want(200)
		if n := len(versionsOf(a)); n != 50 {
			t.Errorf("%d entries", n)
		}
		if most < size || most > 3*size {
			t.Errorf("%d bytes are set aside at once for resources of %d", most, size)
		}
		page := sv.do("GET /fhir/Basic/_history?_count=20").want(200)
		page = sv.do("GET " + sv.do("GET "+page.link("next")).want(200).link("previous")).want(200)
		if n := len(versionsOf(page)); n != 20 || page.link("previous") != "" {
			t.Errorf("%d entries on the first page again", n)
		}
	})
	t.Run("they count against the memory for bodies", func(t *testing.T) {
		if !sv.s.bodies.bytes.TryAcquire(most) {
			t.Fatal("some of the memory is not given back")
		}
		sv.do("GET /fhir/Basic/new1").want(429, "throttled")
		sv.do("GET /fhir/Basic/new1/_history/1").want(429, "throttled")
		sv.do("GET /fhir/Basic/_history").want(429, "throttled")
		sv.do("GET /fhir/Patient/small").want(200)
		sv.do("GET /fhir/Patient/_history").want(200)
		sv.s.bodies.bytes.Release(most)
		sv.do("GET /fhir/Basic/new1").want(200)
	})
	t.Run("what could be written can be read", func(t *testing.T) {
		sv.do("PUT /fhir/Basic/huge", "Prefer: return=minimal", `{"resourceType":"Basic","id":"huge","code":{"coding":[`+strings.Repeat(`{"display":"`+strings.Repeat("x", 1<<20-1)+`"},`, 3)+`{"code":"x"}]}}`).want(201)
		sv.do("GET /fhir/Basic/huge").want(200)
	})
}

func TestConnectionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sv := newService(t, Options{MaxConnections: 2})
		l := &pipeListener{connections: make(chan net.Conn, 1), closed: make(chan bool)}
		h := sv.s.HTTPServer()
		stopped := make(chan error)
		go func() { stopped <- h.Serve(l) }()
		connect := func() net.Conn {
			client, server := net.Pipe()
			l.connections <- server
			synctest.Wait()
			return client
		}
		answers := func(conn net.Conn) bool {
			go func() { _, _ = conn.Write([]byte("HEAD /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")) }()
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			return err == nil && answer.StatusCode == 200
		}
		first, second := connect(), connect()
		if third := connect(); answers(third) {
			t.Error("a third connection is answered")
		}
		if !answers(first) || !answers(second) {
			t.Error("the first two are not answered")
		}
		_ = first.Close()
		synctest.Wait()
		if again := connect(); !answers(again) {
			t.Error("there is no room after a connection has ended")
		}
		if text := sv.do("GET /metrics").want(200).Body.String(); !strings.Contains(text, "fhirlog_http_connections 2\n") || !strings.Contains(text, "fhirlog_http_connections_refused_total 1\n") {
			t.Errorf("metrics:\n%s", text)
		}
		_ = h.Close()
		<-stopped
	})
}

// drip writes a text at a rate in bytes per second, piece by piece, until it is
// done or refused.
func drip(conn net.Conn, text string, rate int) {
	for len(text) > 0 {
		n := min(rate, len(text))
		if _, err := conn.Write([]byte(text[:n])); err != nil {
			return
		}
		text = text[n:]
		time.Sleep(time.Second)
	}
}

func TestSlowClients(t *testing.T) {
	options := Options{MinBytesPerSecond: 100, SlowGrace: 10 * time.Second, RequestTimeout: time.Minute}
	body := patient("a", "") + strings.Repeat(" ", 5000)
	head := fmt.Sprintf("PUT /fhir/Patient/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))

	for _, c := range []struct {
		name    string
		rate    int
		options Options
		status  int
		atLeast time.Duration
		atMost  time.Duration
	}{
		{"fast enough", 200, options, 201, 20 * time.Second, 30 * time.Second},
		{"too slow", 10, options, 408, 10 * time.Second, 12 * time.Second},
		{"slow, within the grace", 4000, options, 201, 0, 3 * time.Second},
		{"fast enough, and longer than a request may take", 200, Options{MinBytesPerSecond: 100, SlowGrace: 10 * time.Second, RequestTimeout: 15 * time.Second}, 408, 15 * time.Second, 17 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			connected(t, c.options, func(t *testing.T, _ *service, conn net.Conn) {
				started := time.Now()
				var sending sync.WaitGroup
				sending.Go(func() {
					_, _ = conn.Write([]byte(head))
					drip(conn, body, c.rate)
				})
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if answer.StatusCode != c.status {
					t.Errorf("status %d, want %d", answer.StatusCode, c.status)
				}
				if took := time.Since(started); took < c.atLeast || took > c.atMost {
					t.Errorf("took %v, want %v to %v", took, c.atLeast, c.atMost)
				}
				_ = conn.Close()
				sending.Wait()
			})
		})
	}

	t.Run("a body that nobody reads", func(t *testing.T) {
		connected(t, options, func(t *testing.T, _ *service, conn net.Conn) {
			started := time.Now()
			var sending sync.WaitGroup
			sending.Go(func() {
				_, _ = conn.Write([]byte(strings.Replace(head, "/Patient/", "/Nothing/", 1)))
				drip(conn, body, 1)
			})
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || answer.StatusCode != 404 {
				t.Errorf("%v, %v", answer, err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			_ = conn.Close()
			sending.Wait()
		})
	})

	t.Run("headers that never end", func(t *testing.T) {
		connected(t, options, func(t *testing.T, _ *service, conn net.Conn) {
			started := time.Now()
			go func() { _, _ = conn.Write([]byte("GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-A: ")) }()
			_, _ = io.ReadAll(conn)
			if took := time.Since(started); took > 11*time.Second {
				t.Errorf("cut off after %v", took)
			}
		})
	})

	t.Run("an answer that is not taken", func(t *testing.T) {
		connected(t, options, func(t *testing.T, sv *service, conn net.Conn) {
			for i := range 200 {
				id := fmt.Sprint("p", i)
				sv.do("PUT /fhir/Basic/"+id, `{"resourceType":"Basic","id":"`+id+`","code":{"text":"`+strings.Repeat("x", 1000)+`"}}`).want(201)
			}
			_, _ = conn.Write([]byte("GET /fhir/_history?_count=200 HTTP/1.1\r\nHost: x\r\n\r\n"))
			_, _ = io.ReadFull(conn, make([]byte, 100))
			time.Sleep(time.Hour)
			synctest.Wait()
			rest, err := io.ReadAll(conn)
			if len(rest) > 64<<10 {
				t.Errorf("%d bytes came after an hour, %v", len(rest), err)
			}
		})
	})

	for name, request := range map[string]string{
		"without a body":  "DELETE /fhir/Basic/b HTTP/1.1\r\nHost: x\r\n\r\n",
		"outside of FHIR": "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"to a preflight":  "OPTIONS /fhir HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
	} {
		t.Run("an answer that is not taken, "+name, func(t *testing.T) {
			options := options
			options.CORS.Origins = []string{"http://a.example"}
			connected(t, options, func(t *testing.T, _ *service, conn net.Conn) {
				_, _ = conn.Write([]byte(request))
				time.Sleep(time.Hour)
				synctest.Wait()
				if rest, err := io.ReadAll(conn); len(rest) > 0 {
					t.Errorf("%d bytes came after an hour, %v", len(rest), err)
				}
			})
		})
	}

	t.Run("an answer that takes longer than any may", func(t *testing.T) {
		options := options
		options.BundleTimeout = time.Minute
		connected(t, options, func(t *testing.T, sv *service, conn net.Conn) {
			sv.do("PUT /fhir/Basic/b", `{"resourceType":"Basic","id":"b","code":{"text":"`+strings.Repeat("x", 100_000)+`"}}`).want(201)
			go func() { _, _ = conn.Write([]byte("GET /fhir/Basic/b HTTP/1.1\r\nHost: x\r\n\r\n")) }()
			started, piece := time.Now(), make([]byte, 200)
			for {
				if _, err := conn.Read(piece); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(started); took > 62*time.Second {
				t.Errorf("cut off after %v", took)
			}
		})
	})

	t.Run("an answer that is taken steadily", func(t *testing.T) {
		connected(t, options, func(t *testing.T, sv *service, conn net.Conn) {
			sv.do("PUT /fhir/Basic/b", `{"resourceType":"Basic","id":"b","code":{"text":"`+strings.Repeat("x", 20_000)+`"}}`).want(201)
			go func() {
				_, _ = conn.Write([]byte("GET /fhir/Basic/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
			}()
			total, piece := 0, make([]byte, 200)
			for {
				n, err := conn.Read(piece)
				total += n
				if err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if total < 20_000 {
				t.Errorf("only %d bytes came", total)
			}
		})
	})
}

func TestExpectContinue(t *testing.T) {
	connected(t, Options{MaxBodyBytes: 100, MaxBodyBytesInFlight: 1000}, func(t *testing.T, _ *service, conn net.Conn) {
		go func() {
			_, _ = conn.Write([]byte("PUT /fhir/Patient/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"))
		}()
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != 413 {
			t.Fatalf("%v, %v: a body that is too large must be refused before it is sent", answer, err)
		}
	})
}
