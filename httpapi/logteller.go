package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"fhirlog/domain/feed"
)

// teller writes a feed to a client. It gathers what comes at once, and waits for a
// slow client as long as that takes its bytes at the slowest pace permitted: nothing
// waits for it but itself.
type teller struct {
	s       *Server
	w       http.ResponseWriter
	control *http.ResponseController
	source  string
	sse     bool
	grace   time.Duration
	rate    int64

	buf        []byte
	from, next uint64    // what was reached and not told
	sent       time.Time // when something was told last
	err        error
}

func (s *Server) newTeller(w http.ResponseWriter, sse bool, from uint64) *teller {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // nothing more is to come from the client
	return &teller{
		s: s, w: w, control: control, source: s.events.Source(), sse: sse,
		grace: s.options.SlowGrace, rate: int64(s.options.MinBytesPerSecond),
		from: from, next: from, sent: time.Now(),
	}
}

// Entry writes an event.
func (t *teller) Entry(e *feed.Entry) error {
	if err := t.s.lockedOut(); err != nil {
		return err // to read on, ask again when the key is back
	}
	if t.sse {
		t.buf = append(t.buf, "id: "...)
		t.buf = strconv.AppendUint(t.buf, e.Position, 10)
		t.buf = append(t.buf, "\ndata: "...)
	}
	t.buf = e.AppendJSON(t.buf, t.source)
	t.endLine()
	t.from, t.next = e.Position+1, e.Position+1
	if len(t.buf) >= streamAbove {
		return t.flush()
	}
	return nil
}

// endLine ends what stands in one line. JSON, as it is stored, has no other ends of
// lines in it.
func (t *teller) endLine() {
	t.buf = append(t.buf, '\n')
	if t.sse {
		t.buf = append(t.buf, '\n')
	}
}

// Reached sends what has gathered. Where nothing was told for a while, it says how far
// the feed is: that also finds out whether the client is still there.
func (t *teller) Reached(from, next uint64) (told bool, err error) {
	t.from, t.next = from, next
	if len(t.buf) == 0 && time.Since(t.sent) >= feedHeartbeat*9/10 {
		t.mark()
		told = true
	}
	if len(t.buf) == 0 {
		return false, nil
	}
	return told, t.flush()
}

// mark writes how far the feed is.
func (t *teller) mark() {
	if t.sse {
		if t.next > 0 {
			t.buf = append(t.buf, "id: "...)
			t.buf = strconv.AppendUint(t.buf, t.next-1, 10)
			t.buf = append(t.buf, '\n')
		}
		t.buf = append(t.buf, "event: reached\ndata: "...)
	}
	t.buf = feed.AppendMark(t.buf, t.source, t.from, t.next)
	t.endLine()
	t.from = t.next
}

// end tells how far the feed has come, last of all: what lacks it was cut off.
func (t *teller) end() {
	if t.err == nil {
		t.mark()
		_ = t.flush()
	}
}

// flush sends what has gathered. Its error says that the client is gone, or too slow.
func (t *teller) flush() error {
	if t.err != nil {
		return t.err
	}
	_ = t.control.SetWriteDeadline(time.Now().Add(t.grace + timeFor(int64(len(t.buf)), t.rate)))
	if _, t.err = t.w.Write(t.buf); t.err == nil {
		t.err = t.control.Flush()
	}
	if cap(t.buf) > 4*streamAbove {
		t.buf = nil
	}
	t.buf, t.sent = t.buf[:0], time.Now()
	return t.err
}
