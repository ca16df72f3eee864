package httpapi

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/feed"
)

// Events tells what is in the log; see package feed.
type Events interface {
	// Source names the log.
	Source() string
	// Walk tells the events that a query asks for, in order, each once and none left
	// out, at the pace of whoever listens. If it follows, it ends with ctx. What is told
	// can be read from then on. It is called concurrently.
	Walk(ctx context.Context, q feed.Query, to feed.Listener) error
}

// GET /log/events tells the log, outside of FHIR: to auditors, and to programs that
// follow it. Whoever may read it may read everything, so it has a right of access of
// its own: Options.EventTokens, and it is served where /metrics is served.
//
//	from         a position, an instant, or now; by default the beginning
//	until        the moment to end with, inclusive; by default what there is
//	follow       true: go on with what comes
//	type, resource, author, agent, address, interaction
//	             what is asked for: Patient,Observation; Patient/1; …; 192.0.2.7; create,update
//	bodies       true: with the contents that can still be read
//	all          true: with what is about no resource, and what is left of erased versions
//
// The answer is a line of JSON for each event (application/x-ndjson), or server-sent
// events (text/event-stream, https://html.spec.whatwg.org/multipage/server-sent-events.html),
// of which Last-Event-ID goes on with the next one.
const eventsPath = logPath + "/events"

// Feeds that are read at once, and how often they tell that nothing has come. Each
// holds some thousand events of the log, or those of one commit, and a buffer.
const (
	feedsAtOnce   = 32
	feedHeartbeat = 5 * time.Second
)

// The formats of the feed.
const (
	mediaLines = "application/x-ndjson"
	mediaSSE   = "text/event-stream"
)

// eventPlaces are what Events is for.
func (s *Server) eventPlaces() []place {
	if s.events == nil || s.options.SeparateMetrics {
		return nil
	}
	return []place{{template: eventsPath, root: true, outside: true, public: len(s.tokens) > 0, handler: s.EventsHandler()}}
}

// EventsHandler serves the events of the log, for the listener of the metrics; see
// Options.SeparateMetrics. It answers 404 if there are none.
func (s *Server) EventsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		if err := s.tellEvents(w, h); err != nil {
			s.plainFailure(w, err)
		}
	})
}

// EndFeeds ends all feeds, with all that was told told to the end.
func (s *Server) EndFeeds() { s.endFeeds() }

// tellEvents answers a request; an error says that the answer has not begun.
func (s *Server) tellEvents(w http.ResponseWriter, h *http.Request) error {
	header := w.Header()
	if err := s.tokens.check(h); err != nil {
		return err
	}
	if err := s.lockedOut(); err != nil {
		return err
	}
	if s.events == nil {
		return domain.NewError(domain.NotFound, "The events of the log are not served here.")
	}
	if h.Method != http.MethodGet && h.Method != http.MethodHead {
		header["Allow"] = []string{"GET, HEAD"}
		return domain.NewError(domain.MethodNotAllowed, "Here is only something to GET.")
	}
	sse, err := feedFormat(h.Header["Accept"])
	if err != nil {
		return err
	}
	q, err := s.parseFeed(h)
	if err != nil {
		return err
	}
	if err := s.feeds.enter(h.Context()); err != nil {
		return err
	}
	defer s.feeds.leave()
	header["Cache-Control"] = []string{"no-store"}
	header["Content-Type"] = []string{mediaLines}
	if sse {
		header["Content-Type"] = []string{mediaSSE}
	}
	header["X-Accel-Buffering"] = []string{"no"} // a proxy would hold events back
	if h.Method == http.MethodHead {
		return nil
	}
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	defer context.AfterFunc(s.feeding, cancel)()
	t := s.newTeller(w, sse, q.From)
	if err := t.flush(); err != nil { // the headers: who follows knows that it does
		panic(http.ErrAbortHandler)
	}
	if err := s.events.Walk(ctx, q, t); err != nil && ctx.Err() == nil {
		if t.err == nil && domain.KindOf(err) == domain.Internal {
			s.log.Error().Err(err).Str("request_id", header.Get("X-Request-Id")).Msg("feed broken off")
		}
		panic(http.ErrAbortHandler) // it must not look as if it had come to its end
	}
	if h.Context().Err() == nil {
		t.end()
	}
	return nil
}

// feedFormat chooses a format by Accept.
func feedFormat(accept []string) (sse bool, err error) {
	if len(accept) == 0 || accept[0] == "" {
		return false, nil
	}
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			switch asked, _, _ := mime.ParseMediaType(item); asked {
			case mediaSSE:
				return true, nil
			case mediaLines, "application/*", "*/*":
				return false, nil
			}
		}
	}
	return false, notAcceptable("The formats offered are " + mediaLines + " and " + mediaSSE + ".")
}

// parseFeed reads what is asked for. A client that has lost its connection sends
// Last-Event-ID along with the URL of before.
func (s *Server) parseFeed(h *http.Request) (feed.Query, error) {
	q := feed.Query{Heartbeat: feedHeartbeat}
	given, err := parsePlainQuery(h, "from", "until", "follow", "type", "resource", "author", "agent", "address", "interaction", "bodies", "all")
	if err != nil {
		return q, err
	}
	words := feed.Words{
		Type: given.values["type"], Resource: given.values["resource"], Author: given.values["author"],
		Agent: given.values["agent"], Address: given.values["address"], Interaction: given.values["interaction"],
	}
	if q.Filter, err = words.Parse(s.isType); err != nil {
		return q, err
	}
	for name, to := range map[string]*bool{"follow": &q.Follow, "bodies": &q.Bodies, "all": &q.Filter.All} {
		if *to, err = given.truth(name); err != nil {
			return q, err
		}
	}
	if until, ok := given.values["until"]; ok && q.Follow {
		return q, invalid("until and follow do not go together: what follows has no end.")
	} else if q.Until, err = s.feedMoment("until", until, feed.Moment.Snapshot, s.reader.Applied()); err != nil {
		return q, err
	}
	if lastID := h.Header.Get("Last-Event-ID"); lastID != "" {
		last, err := strconv.ParseUint(lastID, 10, 63)
		if err != nil || last >= s.reader.Applied() {
			return q, invalid("Last-Event-ID is no position that this log has.")
		}
		q.From = last + 1
		return q, nil
	}
	q.From, err = s.feedMoment("from", given.values["from"], feed.Moment.First, 0)
	return q, err
}

// feedMoment reads a parameter that is a moment.
func (s *Server) feedMoment(name, text string, position func(feed.Moment, feed.Timeline) (uint64, error), standard uint64) (uint64, error) {
	if text == "" {
		return standard, nil
	}
	m, err := feed.ParseMoment(text)
	if err != nil {
		return 0, invalid(name + " is wrong. " + err.Error())
	}
	return position(m, s.reader)
}

func (s *Server) isType(name string) bool { return s.types[name] != nil }

// truth reads a parameter that is true or false.
func (q plainQuery) truth(name string) (bool, error) {
	switch q.values[name] {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, invalid(name + " must be true or false.")
}
