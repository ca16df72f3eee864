package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/feed"
)

// lockable is a service whose key can be taken away.
type lockable struct {
	*service
	gone atomic.Bool
}

func newLockable(t *testing.T, events Events) *lockable {
	t.Helper()
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m, l := newModel(d), &lockable{}
	locked := func() error {
		if l.gone.Load() {
			return errors.New("the file of the key is gone")
		}
		return nil
	}
	checks := []HealthCheck{{Name: "key", Check: func(context.Context) error { return locked() }}}
	s, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d, Proofs: &testProofs{}, Events: events, Checks: checks, Locked: locked},
		Options{Clock: m.now})
	if err != nil {
		t.Fatal(err)
	}
	l.service = &service{t: t, s: s, model: m}
	return l
}

// TestNothingIsAnsweredWithoutTheKey: all that reads or writes is refused and says what
// to do; what describes the server, and how it is, is told; and when the key is back all
// is as before.
func TestNothingIsAnsweredWithoutTheKey(t *testing.T) {
	sv := newLockable(t, newTold())
	requests := map[string]int{
		"PUT /fhir/Patient/a": 201, "GET /fhir/Patient/a": 200, "GET /fhir/Patient/a/_history/1": 200, "GET /fhir/Patient/a/_history": 200,
		"GET /fhir/_history": 200, "GET /fhir/Patient": 200, "DELETE /fhir/Patient/b": 204, "POST /fhir/Patient/$validate": 200,
		"POST /fhir/Patient": 201, "POST /fhir/": 400, "GET /log/proof?position=1": 200, "GET /log/events": 200,
	}
	ask := func(line string) *answer {
		sv.t.Helper()
		if method, _, _ := strings.Cut(line, " "); method == "PUT" || method == "POST" {
			return sv.do(line, patient("a", ""))
		}
		return sv.do(line)
	}
	ask("PUT /fhir/Patient/a")
	sv.gone.Store(true)
	for line := range requests {
		a := ask(line).want(http.StatusForbidden)
		text := a.Body.String()
		if !strings.Contains(text, "the file of the key is gone") || !strings.Contains(text, "give the key back") {
			t.Errorf("%s does not say what to do: %s", line, text)
		}
		if strings.Contains(line, "/fhir") {
			a.want(http.StatusForbidden, "invalid")
		}
	}
	if a := sv.do("GET /fhir/Patient/a", "Accept: application/fhir+xml").want(http.StatusForbidden); !strings.Contains(a.Body.String(), "<OperationOutcome") {
		t.Errorf("in XML: %s", a.Body)
	}
	sv.do("GET /fhir/metadata").want(200)
	sv.do("GET /metrics").want(200)
	sv.do("GET /").want(200)
	if a := sv.do("GET /fhir/health/check").want(503); !strings.Contains(a.Body.String(), "the file of the key is gone") {
		t.Errorf("health: %s", a.Body)
	}
	sv.gone.Store(false)
	for line, want := range requests {
		if a := ask(line); a.Code == http.StatusForbidden || want < 300 && a.Code >= 300 {
			t.Errorf("%s with the key: %d, want %d\n%s", line, a.Code, want, a.Body)
		}
	}
	sv.do("GET /fhir/health/check").want(200)
}

// taking is a log whose key goes after its first event.
type taking struct {
	*told
	take func()
}

func (l *taking) Walk(ctx context.Context, q feed.Query, to feed.Listener) error {
	for i := range l.entries {
		if err := to.Entry(&l.entries[i]); err != nil {
			return err
		}
		l.take()
	}
	return nil
}

// TestAFeedIsCutOffWithoutTheKey: it must not look as if it had come to its end.
func TestAFeedIsCutOffWithoutTheKey(t *testing.T) {
	events := &taking{told: newTold(), take: func() {}}
	sv := newLockable(t, events)
	if told := sv.do("GET /log/events").want(200).Body.String(); strings.Count(told, "\n") != 4 {
		t.Errorf("with the key:\n%s", told)
	}
	events.take = func() { sv.gone.Store(true) }
	defer func() {
		if fault := recover(); fault != http.ErrAbortHandler {
			t.Errorf("the feed ends with %v", fault)
		}
	}()
	sv.do("GET /log/events")
	t.Error("the feed comes to an end")
}
