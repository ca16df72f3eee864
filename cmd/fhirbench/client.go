package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A target is the server under load: its base URL taken apart, and the header
// lines that every request repeats.
type target struct {
	address string // host:port to dial
	name    string // for TLS
	secure  bool
	base    string // path of the base URL, without a slash at its end
	headers string // constant header lines, each ended
	timeout time.Duration
	// reconnects counts connections that the server closed between requests.
	reconnects atomic.Int64
}

// newTarget takes a base URL apart. Headers are lines such as "Prefer:
// return=minimal".
func newTarget(base string, headers []string, timeout time.Duration) (*target, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no http or https URL", base)
	}
	t := &target{name: u.Hostname(), secure: u.Scheme == "https", base: strings.TrimRight(u.EscapedPath(), "/"), timeout: timeout}
	port := u.Port()
	if port == "" {
		port = u.Scheme // a service name is as good as a number
	}
	t.address = net.JoinHostPort(u.Hostname(), port)
	lines := append([]string{"Host: " + u.Host, "User-Agent: fhirbench", "Accept: application/fhir+json"}, headers...)
	for _, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); !ok || name == "" || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("%q is no header line", line)
		}
	}
	t.headers = strings.Join(lines, "\r\n") + "\r\n"
	return t, nil
}

// A payload is the body of a request, appended where it is sent from.
type payload interface {
	appendTo(dst []byte) []byte
}

// raw is a payload that exists already.
type raw []byte

func (b raw) appendTo(dst []byte) []byte { return append(dst, b...) }

// An answer is a response read to its end. Its slices hold until the next
// request on the connection.
type answer struct {
	status   int
	location []byte
	body     []byte
	sent     int // bytes of the request's body
}

// A connection is one HTTP/1.1 connection that is kept open: one write and
// usually one read per request, with buffers that are reused. It is not safe
// for concurrent use; net/http's client costs two goroutines and a dozen
// allocations more per request.
type connection struct {
	target   *target
	nc       net.Conn
	deadline time.Time // set on nc
	unwatch  func() bool
	out      []byte // the request
	in       []byte // the answer: in[:have] is filled
	have     int
}

// errClosedEarly tells that the server had closed the connection before it saw
// the request.
var errClosedEarly = errors.New("connection closed before an answer began")

// do sends a request and reads the whole answer. Body may be nil. A connection
// that was closed since its last answer is opened again, once.
func (c *connection) do(ctx context.Context, method string, path []byte, body payload) (answer, error) {
	reused := c.nc != nil
	a, err := c.try(ctx, method, path, body)
	if reused && errors.Is(err, errClosedEarly) {
		c.target.reconnects.Add(1)
		a, err = c.try(ctx, method, path, body)
	}
	return a, err
}

func (c *connection) try(ctx context.Context, method string, path []byte, body payload) (answer, error) {
	if c.nc == nil {
		if err := c.dial(ctx); err != nil {
			return answer{}, err
		}
	}
	// A deadline that is late by up to a quarter saves most of the timers.
	if now := time.Now(); c.deadline.Sub(now) < c.target.timeout*3/4 {
		c.deadline = now.Add(c.target.timeout)
		if err := c.nc.SetDeadline(c.deadline); err != nil {
			c.close()
			return answer{}, err
		}
	}
	sent := c.compose(method, path, body)
	_, err := c.nc.Write(c.out)
	var a answer
	if err == nil {
		a, err = c.receive()
	} else if !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		err = errClosedEarly
	}
	a.sent = sent
	if err != nil {
		c.close()
	}
	return a, err
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func (c *connection) dial(ctx context.Context) error {
	dialer := net.Dialer{Timeout: c.target.timeout}
	nc, err := dialer.DialContext(ctx, "tcp", c.target.address)
	if err != nil {
		return err
	}
	if c.target.secure {
		secure := tls.Client(nc, &tls.Config{ServerName: c.target.name, NextProtos: []string{"http/1.1"}})
		if err := secure.HandshakeContext(ctx); err != nil {
			nc.Close()
			return err
		}
		nc = secure
	}
	c.nc, c.deadline = nc, time.Time{}
	c.unwatch = context.AfterFunc(ctx, func() { nc.Close() }) // breaks what is in flight
	return nil
}

// close drops the connection; the next request opens another.
func (c *connection) close() {
	if c.nc != nil {
		c.unwatch()
		c.nc.Close()
		c.nc = nil
	}
}

// compose writes the request into c.out and tells the size of its body. The
// length stands before the body it counts, so room is left for it: white space
// before a field's value means nothing.
func (c *connection) compose(method string, path []byte, body payload) int {
	out := append(c.out[:0], method...)
	out = append(out, ' ')
	out = append(out, path...)
	out = append(out, " HTTP/1.1\r\n"...)
	out = append(out, c.target.headers...)
	if body == nil {
		c.out = append(out, "\r\n"...)
		return 0
	}
	out = append(out, "Content-Type: application/fhir+json\r\nContent-Length:            "...)
	end := len(out)
	out = append(out, "\r\n\r\n"...)
	start := len(out)
	out = body.appendTo(out)
	for n := len(out) - start; ; n /= 10 {
		end--
		out[end] = '0' + byte(n%10)
		if n < 10 {
			break
		}
	}
	c.out = out
	return len(out) - start
}

// maxAnswer bounds what is kept of one answer.
const maxAnswer = 1 << 30

// receive reads one answer.
func (c *connection) receive() (answer, error) {
	c.have = 0
	for {
		end, err := c.fillHead()
		if err != nil {
			return answer{}, err
		}
		h, err := parseHead(c.in[:end])
		if err != nil {
			return answer{}, err
		}
		if h.status >= 100 && h.status < 200 {
			c.have = copy(c.in, c.in[end:c.have])
			continue
		}
		last, err := c.fillBody(h, end)
		if err != nil {
			return answer{}, fmt.Errorf("read the body: %w", err)
		}
		if h.closing {
			c.close()
		}
		// The head is looked at again: the buffer may have moved since.
		return answer{status: h.status, location: c.in[h.location.start:h.location.end], body: c.in[end:last]}, nil
	}
}

// fillHead reads until the empty line after the header and returns where the
// body starts.
func (c *connection) fillHead() (int, error) {
	seen := 0
	for {
		if at := bytes.Index(c.in[seen:c.have], []byte("\r\n\r\n")); at >= 0 {
			return seen + at + 4, nil
		}
		if c.have > 1<<20 {
			return 0, errors.New("the header of the answer has no end")
		}
		seen = max(0, c.have-3)
		if err := c.fill(c.have + 1); err != nil {
			if c.have == 0 && !isTimeout(err) {
				return 0, errClosedEarly
			}
			return 0, fmt.Errorf("read the answer: %w", err)
		}
	}
}

// fill reads until at least n bytes of the answer are there.
func (c *connection) fill(n int) error {
	for c.have < n {
		if c.have == len(c.in) || n > len(c.in) {
			if n > maxAnswer {
				return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
			}
			larger := make([]byte, max(n, 2*len(c.in), 8<<10))
			copy(larger, c.in[:c.have])
			c.in = larger
		}
		got, err := c.nc.Read(c.in[c.have:])
		c.have += got
		if err != nil && c.have < n {
			return err
		}
	}
	return nil
}

// fillBody reads the body that begins at start and returns its end.
func (c *connection) fillBody(h head, start int) (int, error) {
	switch {
	case h.status == 204 || h.status == 304:
		return start, nil
	case h.chunked:
		return c.fillChunks(start)
	case h.length >= 0:
		return start + h.length, c.fill(start + h.length)
	}
	for { // until the server closes
		if err := c.fill(c.have + 1); err != nil {
			c.close()
			if errors.Is(err, io.EOF) {
				return c.have, nil
			}
			return 0, err
		}
	}
}

// fillChunks reads a chunked body and moves its chunks together.
func (c *connection) fillChunks(start int) (int, error) {
	at, end := start, start // the next chunk's line; the end of what was joined
	for {
		line := -1
		for seen := at; ; {
			if i := bytes.IndexByte(c.in[seen:c.have], '\n'); i >= 0 {
				line = seen + i + 1
				break
			}
			seen = c.have
			if err := c.fill(c.have + 1); err != nil {
				return 0, err
			}
		}
		digits, _, _ := bytes.Cut(bytes.TrimSpace(c.in[at:line]), []byte{';'})
		size, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
		if err != nil {
			return 0, fmt.Errorf("chunk size: %w", err)
		}
		next := line + int(size) + 2
		if err := c.fill(next); err != nil {
			return 0, err
		}
		copy(c.in[end:], c.in[line:line+int(size)])
		end += int(size)
		at = next
		if size == 0 {
			return end, nil // no server of FHIR sends trailers
		}
	}
}
