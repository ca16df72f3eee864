package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"
)

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

// beginAnswer sets the deadlines for an answer. One without a body, or one that
// does not go through a pacedWriter, has to be taken within the grace.
//
// If the body of the request was not read to its end, net/http reads on for a
// while before it sends the answer, and a slow client must not hold it up.
func (x *exchange) beginAnswer() {
	control := http.NewResponseController(x.w)
	_ = control.SetWriteDeadline(time.Now().Add(x.s.options.SlowGrace))
	if x.h.ContentLength == 0 || x.body.whole {
		return
	}
	patience := min(x.s.options.SlowGrace/2, 2*time.Second)
	if x.status == http.StatusRequestTimeout {
		patience = 0
	}
	_ = control.SetReadDeadline(time.Now().Add(patience))
}

// timeFor is how long n bytes take at a rate in bytes per second.
func timeFor(n, rate int64) time.Duration {
	return time.Duration(float64(n) / float64(rate) * float64(time.Second))
}

// pacedWriter writes to a client as long as it takes the bytes at a minimum
// rate. Only the time spent writing counts: that the server needs time to make
// the bytes is not the client's fault. However steady a client is, there is an
// end to its time as well, since a large answer takes up memory.
type pacedWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	grace   time.Duration
	most    time.Duration // that the client may take for all of it
	rate    int64
	written int64
	spent   time.Duration
}

// Write gives the client the grace and the time for all bytes so far, less what
// it has used up.
func (p *pacedWriter) Write(b []byte) (int, error) {
	total := 0
	for len(b) > 0 {
		piece := b[:min(len(b), 256<<10)]
		started := time.Now()
		_ = p.control.SetWriteDeadline(started.Add(min(p.most, p.grace+timeFor(p.written+int64(len(piece)), p.rate)) - p.spent))
		n, err := p.w.Write(piece)
		p.spent += time.Since(started)
		total += n
		p.written += int64(n)
		if err != nil {
			return total, err
		}
		b = b[n:]
	}
	return total, nil
}
