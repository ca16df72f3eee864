package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/httpapi"
)

func newTestRuns() *runs {
	return &runs{
		noun: "test", failure: "general words",
		may:   func() error { return nil },
		begun: func(told *httpapi.Run) { told.Total = 10 },
		now:   func(told *httpapi.Run) { told.Done = 5 },
		next:  make(chan *knownRun, 1),
	}
}

// carryOutOne begins a run and carries it out with a result.
func (s *runs) carryOutOne(t *testing.T, state httpapi.RunState, result error) httpapi.Run {
	t.Helper()
	begun, err := s.Begin(commit.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	s.carryOut(t.Context(), <-s.next, func(*knownRun) (httpapi.RunState, error) { return state, result })
	ended, ok := s.ByID(begun.ID)
	if !ok {
		t.Fatal("it is not known after its end")
	}
	return ended
}

func TestRunsHaveOneActive(t *testing.T) {
	s := newTestRuns()
	if r, ok := s.Active(); ok {
		t.Fatalf("active at the beginning: %+v", r)
	}
	first, err := s.Begin(commit.Caller{})
	if err != nil || first.State != httpapi.RunActive || first.Total != 10 || first.Done != 5 {
		t.Fatalf("Begin = %+v, %v", first, err)
	}
	if again, err := s.Begin(commit.Caller{}); err != nil || again.ID != first.ID {
		t.Errorf("a second Begin = %+v, %v", again, err)
	}
	r := <-s.next
	s.carryOut(t.Context(), r, func(*knownRun) (httpapi.RunState, error) {
		if active, ok := s.Active(); !ok || active.ID != first.ID {
			t.Errorf("active while it runs: %+v, %t", active, ok)
		}
		if err := s.Cancel("another"); domain.KindOf(err) != domain.Invalid {
			t.Errorf("Cancel of another = %v", err)
		}
		if err := s.Cancel(first.ID); err != nil || r.ctx.Err() == nil {
			t.Errorf("Cancel = %v, its context %v", err, r.ctx.Err())
		}
		return httpapi.RunCanceled, r.ctx.Err()
	})
	ended, _ := s.ByID(first.ID)
	if ended.State != httpapi.RunCanceled || ended.Ended == 0 || ended.Failure != "" || ended.Done != 0 {
		t.Errorf("after its end: %+v", ended)
	}
	if err := s.Cancel(first.ID); domain.KindOf(err) != domain.Invalid || !strings.Contains(err.Error(), "The test has ended") {
		t.Errorf("Cancel after the end = %v", err)
	}
	if next, err := s.Begin(commit.Caller{}); err != nil || next.ID == first.ID {
		t.Errorf("Begin after the end = %+v, %v", next, err)
	}
}

// TestRunsEndWhenTheServerStops: the context of a run ends with that of the server.
func TestRunsEndWhenTheServerStops(t *testing.T) {
	s := newTestRuns()
	if _, err := s.Begin(commit.Caller{}); err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(t.Context())
	s.carryOut(stopping, <-s.next, func(r *knownRun) (httpapi.RunState, error) {
		stop()
		<-r.ctx.Done()
		return httpapi.RunCanceled, r.ctx.Err()
	})
	if r, ok := s.Active(); ok {
		t.Errorf("active: %+v", r)
	}
}

// TestRunsTellWhyTheyFailed, without what is not for clients.
func TestRunsTellWhyTheyFailed(t *testing.T) {
	known := domain.NewError(domain.Unavailable, "no room")
	for _, c := range []struct {
		name  string
		state httpapi.RunState
		err   error
		want  string
	}{
		{"for a client", httpapi.RunFailed, errors.Join(known, errors.New("secret")), "no room"},
		{"internal", httpapi.RunFailed, errors.New("secret"), "general words"},
		{"internal, with words", httpapi.RunFailed, domain.NewError(domain.Internal, "secret"), "general words"},
		{"completed with something left", httpapi.RunCompleted, errors.New("secret"), ""},
		{"completed", httpapi.RunCompleted, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestRuns()
			if ended := s.carryOutOne(t, c.state, c.err); ended.Failure != c.want || ended.State != c.state {
				t.Errorf("ended as %+v, want the failure %q", ended, c.want)
			}
			if got := s.known[0].err; !errors.Is(got, c.err) {
				t.Errorf("the error is %v, want %v", got, c.err)
			}
		})
	}
}

func TestRunsThatMayNotBegin(t *testing.T) {
	s := newTestRuns()
	s.may = func() error { return domain.NewError(domain.Conflict, "not now") }
	if r, err := s.Begin(commit.Caller{}); domain.KindOf(err) != domain.Conflict {
		t.Errorf("Begin = %+v, %v", r, err)
	}
	if _, ok := s.Active(); ok || len(s.known) > 0 || len(s.next) > 0 {
		t.Error("it began all the same")
	}
}

// TestRunsAreForgotten: only so many are remembered.
func TestRunsAreForgotten(t *testing.T) {
	s := newTestRuns()
	var ids []string
	for range runsKept + 3 {
		ids = append(ids, s.carryOutOne(t, httpapi.RunCompleted, nil).ID)
	}
	for i, id := range ids {
		if _, ok := s.ByID(id); ok != (i >= 3) {
			t.Errorf("run %d of %d is known: %t", i, len(ids), ok)
		}
	}
}
