package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
)

// told is a log of a few events.
type told struct {
	entries []feed.Entry
	endless bool // the last one again and again
	failure error

	asked   atomic.Pointer[feed.Query]
	walking atomic.Int64
	ended   chan error // the results of walks, if not nil
}

func (l *told) Source() string { return "urn:x" }

func (l *told) Walk(ctx context.Context, q feed.Query, to feed.Listener) (err error) {
	l.asked.Store(&q)
	l.walking.Add(1)
	defer l.walking.Add(-1)
	if l.ended != nil {
		defer func() { l.ended <- err }()
	}
	accounted := q.From
	for _, e := range l.entries {
		if e.Position < q.From || !q.Filter.Wants(&e.Event) {
			continue
		}
		e.From = accounted
		accounted = e.Position + 1
		if err := to.Entry(&e); err != nil {
			return err
		}
	}
	if _, err := to.Reached(accounted, uint64(len(l.entries))); err != nil {
		return err
	}
	for l.endless && ctx.Err() == nil {
		e := l.entries[len(l.entries)-1]
		e.Body = []byte(`"` + strings.Repeat("x", 16<<10) + `"`)
		if err := to.Entry(&e); err != nil {
			return err
		}
	}
	if q.Follow {
		<-ctx.Done()
		return ctx.Err()
	}
	return l.failure
}

func newTold() *told {
	of := func(position uint64, t domain.ResourceType, v domain.VersionID) feed.Entry {
		return feed.Entry{Position: position, Instant: 1000, CommitEnd: true, Content: feed.Present, Event: event.Event{
			Kind: event.Written, Interaction: event.Update, Type: t, ID: "a", Version: v, Previous: event.NoPosition, RequestID: "r"}}
	}
	return &told{entries: []feed.Entry{of(0, "Patient", 1), of(1, "Observation", 1), of(2, "Patient", 2)}}
}

// newFeedService serves a log; the model behind it has as many records.
func newFeedService(t testing.TB, l *told, o Options) *service {
	t.Helper()
	sv := newServiceOf(t, definitions.R4, o, func(d *Dependencies) { d.Events = l })
	for i := range l.entries {
		sv.do(fmt.Sprintf("PUT /fhir/Patient/%d", i), fmt.Sprintf(`{"resourceType":"Patient","id":"%d"}`, i)).want(201)
	}
	return sv
}

const (
	firstLine = `{"specversion":"1.0","id":"0","source":"urn:x","type":"fhirlog.resource.created","subject":"Patient/a","time":"1970-01-01T00:00:01.000Z","datacontenttype":"application/json","data":{"from":0,"position":0,"commitEnd":true,"interaction":"update","version":"1","requestId":"r","content":"present"}}`
	thirdLine = `{"specversion":"1.0","id":"2","source":"urn:x","type":"fhirlog.resource.updated","subject":"Patient/a","time":"1970-01-01T00:00:01.000Z","datacontenttype":"application/json","data":{"from":1,"position":2,"commitEnd":true,"interaction":"update","version":"2","requestId":"r","content":"present"}}`
	lastMark  = `{"specversion":"1.0","id":"reached-3","source":"urn:x","type":"fhirlog.log.reached","datacontenttype":"application/json","data":{"from":3,"next":3}}`
)

func TestLogEvents(t *testing.T) {
	sv := newFeedService(t, newTold(), Options{})
	t.Run("as lines", func(t *testing.T) {
		for _, accept := range []string{"", "*/*", "application/x-ndjson", "text/html, application/*;q=0.5"} {
			sv.do("GET /log/events?type=Patient", "Accept: "+accept).want(200).header("Content-Type", "application/x-ndjson").
				header("Cache-Control", "no-store").body(firstLine + "\n" + thirdLine + "\n" + lastMark + "\n")
		}
	})
	t.Run("as server-sent events", func(t *testing.T) {
		sv.do("GET /log/events?type=Patient", "Accept: text/event-stream").want(200).header("Content-Type", "text/event-stream").
			body("id: 0\ndata: " + firstLine + "\n\nid: 2\ndata: " + thirdLine + "\n\nid: 2\nevent: reached\ndata: " + lastMark + "\n\n")
	})
	t.Run("nothing yet", func(t *testing.T) {
		newFeedService(t, &told{}, Options{}).do("GET /log/events", "Accept: text/event-stream").want(200).
			body("event: reached\ndata: " + `{"specversion":"1.0","id":"reached-0","source":"urn:x","type":"fhirlog.log.reached","datacontenttype":"application/json","data":{"from":0,"next":0}}` + "\n\n")
	})
	t.Run("only the headers", func(t *testing.T) {
		sv.do("HEAD /log/events").want(200).header("Content-Type", "application/x-ndjson").body("")
	})
	t.Run("in no other format", func(t *testing.T) {
		sv.do("GET /log/events", "Accept: text/html").want(406)
	})
	t.Run("with no other verb", func(t *testing.T) {
		sv.do("POST /log/events", `{}`).want(405).header("Allow", "GET, HEAD")
	})
	t.Run("not where it is switched off", func(t *testing.T) {
		newService(t, Options{}).do("GET /log/events").want(404)
	})
	t.Run("where the metrics are", func(t *testing.T) {
		apart := newFeedService(t, newTold(), Options{SeparateMetrics: true})
		apart.do("GET /log/events").want(404)
		w := httptest.NewRecorder()
		apart.s.EventsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/log/events?from=2", nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"id":"2"`) || strings.Contains(w.Body.String(), `"id":"1"`) {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
	t.Run("not in a Bundle", func(t *testing.T) {
		sv.do("POST /fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"/log/events"}}]}`).want(200)
		if strings.Contains(sv.do("POST /fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"/log/events"}}]}`).Body.String(), "specversion") {
			t.Error("a Bundle reads the log")
		}
	})
}

func TestLogEventsQuery(t *testing.T) {
	l := newTold()
	sv := newFeedService(t, l, Options{})
	for query, want := range map[string]feed.Query{
		"":                  {Until: 3},
		"from=2":            {From: 2, Until: 3},
		"from=3&until=1":    {From: 3, Until: 2},
		"from=now":          {From: 3, Until: 3},
		"until=now":         {Until: 3},
		"bodies=true":       {Until: 3, Bodies: true},
		"all=true&from=1":   {From: 1, Until: 3, Filter: feed.Filter{All: true}},
		"type=Patient,Flag": {Until: 3, Filter: feed.Filter{Types: []domain.ResourceType{"Patient", "Flag"}}},
		"resource=Basic/1&author=a%20b&interaction=patch": {Until: 3, Filter: feed.Filter{Type: "Basic", ID: "1", Author: "a b", Interactions: 1 << event.Patch}},
		"from=2999-01-01T00:00:00Z":                       {From: 3, Until: 3},
		"until=2001-01-01T00:00:00Z":                      {},
		"from=1|2":                                        {From: 3, Until: 3}, // Last-Event-ID, behind the bar, wins
	} {
		t.Run(query, func(t *testing.T) {
			query, last, _ := strings.Cut(query, "|")
			sv.do("GET /log/events?"+query, "Last-Event-ID: "+last).want(200)
			want.Heartbeat = feedHeartbeat
			if got := *l.asked.Load(); !reflect.DeepEqual(got, want) {
				t.Errorf("asked for %+v, want %+v", got, want)
			}
		})
	}
	for query, says := range map[string]string{
		"from=4":                  "holds 3 records",
		"until=3":                 "holds 3 records",
		"from=x":                  "from is wrong",
		"from=2026-01-01":         "an instant such as",
		"follow=yes":              "true or false",
		"follow=true&until=2":     "do not go together",
		"follow=true&follow=true": "once",
		"type=Pateint":            "type must name",
		"resource=Patient":        "Patient/1",
		"interaction=read":        "interaction must be",
		"position=3":              "'position' is none of them",
		"|3":                      "Last-Event-ID",
		"|x":                      "Last-Event-ID",
		"|-1":                     "Last-Event-ID",
		"from=%zz":                "",
	} {
		t.Run("not "+query, func(t *testing.T) {
			query, last, _ := strings.Cut(query, "|")
			a := sv.do("GET /log/events?"+query, "Last-Event-ID: "+last).want(400)
			if !strings.Contains(a.Body.String(), says) {
				t.Errorf("%q: %s", query, a.Body)
			}
		})
	}
}

// listening serves on a port of this machine.
func (sv *service) listening() *httptest.Server {
	sv.t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = sv.s.HTTPServer()
	server.Start()
	sv.t.Cleanup(server.Close)
	return server
}

// open begins to read a feed and reads its first lines.
func open(t *testing.T, server *httptest.Server, lines int) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/log/events?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v, %v", answer, err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	reader := bufio.NewReader(answer.Body)
	for range lines {
		if _, err := reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return reader
}

// TestAFeedEndsWithTheServer has a last line that says how far it came.
func TestAFeedEndsWithTheServer(t *testing.T) {
	server := newFeedService(t, newTold(), Options{}).listening()
	reader := open(t, server, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Fatalf("Shutdown: %v", err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil || string(rest) != lastMark+"\n" {
		t.Errorf("the feed ends with %q, %v", rest, err)
	}
}

// TestAFeedThatFailsDoesNotLookWhole breaks off.
func TestAFeedThatFailsDoesNotLookWhole(t *testing.T) {
	l := newTold()
	l.failure = errors.New("the disk is gone")
	server := newFeedService(t, l, Options{}).listening()
	answer, err := http.Get(server.URL + "/log/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err == nil || strings.Contains(string(text), feed.MarkType) {
		t.Errorf("%q, %v", text, err)
	}
}

// TestFeedsAreBounded refuses one more than there may be, until one ends.
func TestFeedsAreBounded(t *testing.T) {
	l := newTold()
	sv := newFeedService(t, l, Options{QueueWait: time.Millisecond})
	server := sv.listening()
	for range feedsAtOnce {
		open(t, server, 1)
	}
	sv.do("GET /log/events").want(429).header("Retry-After", "1")
	sv.s.EndFeeds()
	for range 1000 {
		if l.walking.Load() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	sv.do("GET /log/events").want(200)
}

// TestASlowReaderIsCutOff does not read at all: its feed ends, and what it holds until
// then is a buffer.
func TestASlowReaderIsCutOff(t *testing.T) {
	l := newTold()
	l.endless, l.ended = true, make(chan error, 1)
	server := newFeedService(t, l, Options{SlowGrace: 100 * time.Millisecond, MinBytesPerSecond: 1 << 30}).listening()
	open(t, server, 3)
	select {
	case err := <-l.ended:
		if err == nil {
			t.Error("the feed ended without an error")
		}
	case <-time.After(time.Minute):
		t.Error("the feed of a client that does not read goes on")
	}
}

func FuzzLogEventsQuery(f *testing.F) {
	for _, query := range []string{"", "from=2&follow=false", "until=2026-01-01T00:00:00Z&type=Patient", "resource=Patient/1&author=x&interaction=create,update", "bodies=true&all=true", "from=%31"} {
		f.Add(query, "")
		f.Add(query, "1")
	}
	sv := newFeedService(f, newTold(), Options{})
	f.Fuzz(func(t *testing.T, query, last string) {
		h := &http.Request{Method: "GET", URL: &url.URL{Path: "/log/events", RawQuery: query}, Header: http.Header{"Last-Event-Id": {last}}}
		q, err := sv.s.parseFeed(h)
		if err != nil {
			if domain.KindOf(err) != domain.Invalid {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if q.From > 3 || q.Until > 3 {
			t.Fatalf("%q: %+v of a log of 3", query, q)
		}
	})
}
