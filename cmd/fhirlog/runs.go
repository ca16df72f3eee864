package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/httpapi"
)

// runsKept is how many runs of one kind are remembered.
const runsKept = 20

// runs are the rebuilds, or the compactions: the latest, of which at most one is
// active. They are no events of the log, since they change nothing that it tells,
// but for ids that are erased, which are an event of their own.
// The functions are set once, and called with mu held.
type runs struct {
	noun    string             // what one is called
	failure string             // what a client is told of one that failed for reasons that are not for it
	may     func() error       // why none can begin now, or nil
	begun   func(*httpapi.Run) // completes what is told of one that begins
	now     func(*httpapi.Run) // completes what is told of one that is active
	next    chan *knownRun     // from whoever asked for it to what carries it out; capacity 1

	mu    sync.Mutex  // guards the fields below, and what is told of the runs
	known []*knownRun // the latest last
}

// knownRun is one of them.
type knownRun struct {
	told      httpapi.Run
	scheduled bool            // by the server itself
	by        commit.Caller   // who asked for it, if somebody did
	ctx       context.Context // ends when it is canceled; handed from the call to what carries it out
	cancel    context.CancelFunc
	ended     chan struct{} // closed at its end
	err       error         // of its end
}

func (s *runs) activeLocked() *knownRun {
	if n := len(s.known); n > 0 && s.known[n-1].told.State == httpapi.RunActive {
		return s.known[n-1]
	}
	return nil
}

func (s *runs) beginLocked(scheduled bool) (*knownRun, error) {
	if err := s.may(); err != nil {
		return nil, err
	}
	r := &knownRun{
		told:      httpapi.Run{ID: ulid.Make().String(), State: httpapi.RunActive, Began: time.Now().UnixMilli()},
		scheduled: scheduled, ended: make(chan struct{}),
	}
	s.begun(&r.told)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	s.known = append(s.known, r)
	if len(s.known) > runsKept {
		s.known = slices.Clone(s.known[1:])
	}
	s.next <- r // there is room: the one before has ended
	return r, nil
}

// tellLocked is what is told of a run now.
func (s *runs) tellLocked(r *knownRun) httpapi.Run {
	told := r.told
	if told.State == httpapi.RunActive {
		s.now(&told)
	}
	return told
}

// Begin begins a run, or returns the one that is active.
func (s *runs) Begin(by commit.Caller) (httpapi.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.activeLocked()
	if r == nil {
		var err error
		if r, err = s.beginLocked(false); err != nil {
			return httpapi.Run{}, err
		}
		r.by = by
	}
	return s.tellLocked(r), nil
}

// Active returns the run that has not ended.
func (s *runs) Active() (httpapi.Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.activeLocked()
	if r == nil {
		return httpapi.Run{}, false
	}
	return s.tellLocked(r), true
}

// ByID returns one of the latest runs.
func (s *runs) ByID(id string) (httpapi.Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.known {
		if r.told.ID == id {
			return s.tellLocked(r), true
		}
	}
	return httpapi.Run{}, false
}

// Cancel asks for the end of the active run.
func (s *runs) Cancel(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.activeLocked()
	if r == nil || r.told.ID != id {
		return domain.NewError(domain.Invalid, "The "+s.noun+" has ended, and cannot be canceled any more.")
	}
	r.cancel()
	return nil
}

// carryOut does the work of r, which is canceled when stopping ends. work tells
// how it ended, and logs it.
func (s *runs) carryOut(stopping context.Context, r *knownRun, work func(*knownRun) (httpapi.RunState, error)) {
	unlink := context.AfterFunc(stopping, r.cancel)
	defer unlink()
	defer r.cancel()
	state, err := work(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.told.State, r.told.Ended, r.err = state, time.Now().UnixMilli(), err
	if state == httpapi.RunFailed {
		r.told.Failure = s.failure
		if known, ok := errors.AsType[*domain.Error](err); ok && known.Kind != domain.Internal {
			r.told.Failure = known.Issues[0].Message
		}
	}
	close(r.ended)
}
