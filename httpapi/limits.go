package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"fhirlog/domain"
)

// gate lets a bounded number of requests through at once.
type gate struct {
	turns *semaphore.Weighted
	wait  time.Duration
}

func newGate(most int, wait time.Duration) *gate {
	return &gate{turns: semaphore.NewWeighted(int64(most)), wait: wait}
}

// enter waits for a turn; leave ends it.
func (g *gate) enter(ctx context.Context) error {
	if g.turns.TryAcquire(1) {
		return nil
	}
	return acquire(ctx, g.turns, 1, g.wait, "Too many requests are being answered.")
}

func (g *gate) leave() { g.turns.Release(1) }

func acquire(ctx context.Context, w *semaphore.Weighted, n int64, wait time.Duration, message string) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if w.Acquire(waiting, n) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return domain.NewError(domain.Throttled, message+" Try again later.")
}

// budget bounds the memory that the bodies of all requests take.
type budget struct {
	bytes *semaphore.Weighted
	wait  time.Duration
	used  atomic.Int64
}

func newBudget(most int64, wait time.Duration) *budget {
	return &budget{bytes: semaphore.NewWeighted(most), wait: wait}
}

// share is the part of the budget that one request holds.
type share struct {
	of   *budget
	held int64
}

// grow raises the share to n bytes, waiting for room.
func (h *share) grow(ctx context.Context, n int64) error {
	more := n - h.held
	if more <= 0 {
		return nil
	}
	if !h.of.bytes.TryAcquire(more) {
		if err := acquire(ctx, h.of.bytes, more, h.of.wait, "The bodies of the requests being answered fill the memory set aside for them."); err != nil {
			return err
		}
	}
	h.held = n
	h.of.used.Add(more)
	return nil
}

func (h *share) release() {
	if h.held > 0 {
		h.of.bytes.Release(h.held)
		h.of.used.Add(-h.held)
		h.held = 0
	}
}

// pooledBody is the size up to which buffers for bodies are used again.
const pooledBody = 64 << 10

var bodyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// body is a request body in memory. The bytes may be used until free.
type body struct {
	bytes  []byte
	share  share
	pooled *[]byte
	whole  bool // it came to its end
}

// free gives memory and budget back. reuse must be false if something may
// still look at the bytes.
func (b *body) free(reuse bool) {
	if b.pooled != nil && reuse && cap(b.bytes) <= pooledBody {
		*b.pooled = b.bytes[:0]
		bodyBuffers.Put(b.pooled)
	}
	b.bytes, b.pooled = nil, nil
	b.share.release()
}

// readBody reads the body of a request into b: decompressed, at most
// MaxBodyBytes, as long as the client keeps up.
func (s *Server) readBody(ctx context.Context, w http.ResponseWriter, h *http.Request, b *body) error {
	b.share.of = s.bodies
	limit := s.options.MaxBodyBytes
	coded, err := contentCoding(w, h)
	if err != nil {
		return err
	}
	announced := h.ContentLength
	if coded {
		announced = -1
	}
	if announced > limit {
		return tooLarge(limit)
	}
	paced := s.newPace(ctx, w, h.Body)
	var source io.Reader = paced
	if coded {
		unzipped, err := openGzip(paced)
		if err != nil {
			return readFault(err)
		}
		defer closeGzip(unzipped)
		source = unzipped
	}
	b.pooled = bodyBuffers.Get().(*[]byte)
	b.bytes = (*b.pooled)[:0]
	if err := b.share.grow(ctx, min(int64(cap(b.bytes)), limit)); err != nil {
		return err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.enlarge(ctx, limit, announced); err != nil {
				return err
			}
		}
		n, err := source.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > limit {
			return tooLarge(limit)
		}
		if err == io.EOF {
			paced.stop()
			b.whole = true
			return nil
		}
		if err != nil {
			return readFault(err)
		}
	}
}

// enlarge doubles the buffer, at most to what is announced or allowed, and one
// byte to see the end. What a client merely announces takes no memory.
func (b *body) enlarge(ctx context.Context, limit, announced int64) error {
	size, full := 2*int64(cap(b.bytes)), limit
	if announced >= int64(cap(b.bytes)) {
		full = announced
	}
	size = max(min(size, full+1), int64(cap(b.bytes))+1)
	if err := b.share.grow(ctx, min(size, limit)); err != nil {
		return err
	}
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	return nil
}

// nodeBytes is what fhirjson needs for a value.
const nodeBytes = 20

// reserveTree takes room in the budget for the tree of the body: a body of
// brackets and commas becomes ten times its size.
func (b *body) reserveTree(ctx context.Context, most int64) error {
	values := int64(1 + bytes.Count(b.bytes, []byte{','}) + bytes.Count(b.bytes, []byte{'['}) + bytes.Count(b.bytes, []byte{'{'}))
	need := b.share.held + nodeBytes*values
	if need > most {
		return domain.NewError(domain.TooLarge, "The body has more values than there is memory for.")
	}
	return b.share.grow(ctx, need)
}

func tooLarge(limit int64) error {
	return domain.NewError(domain.TooLarge, "The body is larger than the "+bytesText(limit)+" that are read here.")
}

// readFault says what went wrong while a body was read.
func readFault(err error) error {
	var known *domain.Error
	var network net.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &domain.Error{Kind: domain.Timeout, Issues: []domain.Issue{{Message: "The body arrived too slowly."}}, Err: err}
	case isGzipFault(err):
		return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{Message: "The body is not valid gzip, although Content-Encoding says so."}}, Err: err}
	}
	return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{{Message: "The body ended too early."}}, Err: err}
}

// pace reads from a client as long as it sends at a minimum rate: the deadline
// of the connection moves on with the bytes that came.
type pace struct {
	source  io.Reader
	control *http.ResponseController
	started time.Time
	grace   time.Duration
	rate    int64
	latest  time.Time // of the whole request, zero without a limit
	came    int64
	granted int64 // bytes that the deadline already reckons with
}

func (s *Server) newPace(ctx context.Context, w http.ResponseWriter, source io.Reader) *pace {
	p := &pace{source: source, control: http.NewResponseController(w), started: time.Now(), grace: s.options.SlowGrace, rate: int64(s.options.MinBytesPerSecond)}
	p.latest, _ = ctx.Deadline()
	p.extend()
	return p
}

// extend moves the deadline to when the client, at the minimum rate, would have
// sent what it has sent, and the grace more; never beyond the request's own.
func (p *pace) extend() {
	p.granted = p.came
	deadline := p.started.Add(p.grace + timeFor(p.came, p.rate))
	if !p.latest.IsZero() && p.latest.Before(deadline) {
		deadline = p.latest
	}
	_ = p.control.SetReadDeadline(deadline)
}

// Read reads and moves the deadline on after every second's worth of bytes.
func (p *pace) Read(b []byte) (int, error) {
	n, err := p.source.Read(b)
	p.came += int64(n)
	if err == nil && p.came-p.granted >= p.rate {
		p.extend()
	}
	return n, err
}

// stop takes the deadline off: the server goes on to watch the connection
// while the request is worked on, and must not take a deadline for its end.
func (p *pace) stop() { _ = p.control.SetReadDeadline(time.Time{}) }

// leaveBody prepares for an answer to a request whose body was not read to its
// end: net/http reads on for a while before it sends the answer, and a slow
// client must not hold it up.
func (x *exchange) leaveBody() {
	if x.h.ContentLength == 0 || x.body.whole {
		return
	}
	patience := min(x.s.options.SlowGrace/2, 2*time.Second)
	if x.status == http.StatusRequestTimeout {
		patience = 0
	}
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(patience))
}

// timeFor is how long n bytes take at a rate in bytes per second.
func timeFor(n, rate int64) time.Duration {
	return time.Duration(float64(n) / float64(rate) * float64(time.Second))
}

// pacedWriter writes to a client as long as it takes the bytes at a minimum
// rate.
type pacedWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	started time.Time
	grace   time.Duration
	rate    int64
	written int64
}

// Write gives the client the grace and the time for all that was written.
func (p *pacedWriter) Write(b []byte) (int, error) {
	total := 0
	for len(b) > 0 {
		piece := b[:min(len(b), 256<<10)]
		if p.started.IsZero() {
			p.started = time.Now()
		}
		_ = p.control.SetWriteDeadline(p.started.Add(p.grace + timeFor(p.written+int64(len(piece)), p.rate)))
		n, err := p.w.Write(piece)
		total += n
		p.written += int64(n)
		if err != nil {
			return total, err
		}
		b = b[n:]
	}
	return total, nil
}
