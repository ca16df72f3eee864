package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/fhirjson"
)

// Runs are the rebuilds, or the compactions: long work for an operator, beside what
// the server answers. Of each at most one is active. Methods fail with a
// *domain.Error for what a client may be told. They are called concurrently.
type Runs interface {
	// Begin begins a run on behalf of somebody, or returns the one that is active.
	Begin(by commit.Caller) (Run, error)
	// Active is the one that has not ended; ok is false if there is none.
	Active() (r Run, ok bool)
	// ByID returns one of the latest; ok is false for any other.
	ByID(id string) (r Run, ok bool)
	// Cancel asks for the end of the active one. It completes all the same if it is
	// about to.
	Cancel(id string) error
}

// IDEraser is implemented by compactions.
type IDEraser interface {
	// BeginErasingIDs is Begin of a run that erases the ids of what was hard deleted as
	// well, on behalf of whoever asks: the log tells of that. It fails while one is
	// active that does not.
	BeginErasingIDs(by commit.Caller) (Run, error)
}

// RunState is how far a run is.
type RunState string

// The states of a run, as they are told.
const (
	RunActive    RunState = "Running"
	RunCompleted RunState = "Completed"
	RunFailed    RunState = "Failed"
	RunCanceled  RunState = "Canceled"
)

// Run is what is told of a rebuild or a compaction.
type Run struct {
	ID           string
	State        RunState
	Began, Ended int64  // in milliseconds since 1970; 0: not yet
	Total, Done  uint64 // records of the log; those of each pass of a compaction are counted
	Failure      string // why it failed, fit for a client

	Erased uint64 // of a compaction: versions whose content is gone from the log
	IDs    uint64 // of a compaction: records whose id is gone from the log
	Freed  uint64 // of a compaction: bytes of the log
}

// runKind is how runs are called and told of.
type runKind struct {
	kind    kind   // the operation that begins one
	noun    string // what one is called
	unknown string // what is said of one that is not known
	counts  func(*resultParameters, *Run)
}

var rebuild = runKind{
	kind: rebuildKind, noun: "rebuild",
	unknown: "There is no such rebuild here. Rebuilds are not on the log: a restart of the server ends and forgets them, and only the latest are remembered.",
	counts: func(p *resultParameters, r *Run) {
		p.addCount("recordsTotal", r.Total)
		p.addCount("recordsApplied", r.Done)
	},
}

var compaction = runKind{
	kind: compactKind, noun: "compaction",
	unknown: "There is no such compaction here. Compactions are not on the log: only the latest are remembered, and none from before a restart of the server, which goes on with one that had not ended under a new id.",
	counts: func(p *resultParameters, r *Run) {
		p.addCount("versionsErased", r.Erased)
		p.addCount("idsErased", r.IDs)
		p.addCount("logBytesFreed", r.Freed)
	},
}

// path is where the runs are.
func (k runKind) path() string { return "/_operations/" + k.kind.code() + "/" }

// runPlaces are where runs are begun, looked at and canceled; none without runs.
func runPlaces(runs Runs, k runKind) []place {
	if runs == nil {
		return nil
	}
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []place{
		{template: "/$" + k.kind.code(), outside: true, calls: []call{
			{method: post, kind: k.kind, content: true, optional: true, answer: k.begin(runs)},
			{method: get, kind: k.kind, answer: k.active(runs)},
		}},
		{template: k.path() + "{id}", outside: true, calls: []call{
			{method: get, answer: k.byID(runs)},
			{method: del, answer: k.cancel(runs)},
		}},
	}
}

// answerFunc is what answers a call.
type answerFunc = func(*Server, context.Context, *request) (response, error)

// begin begins a run. If one is active, that is the answer.
func (k runKind) begin(runs Runs) answerFunc {
	return func(_ *Server, _ context.Context, r *request) (response, error) {
		begin := runs.Begin
		eraser, erases := runs.(IDEraser)
		err := r.bodyParameters(func(name string, p fhirjson.Value, expression string) error {
			if !erases || name != "eraseIds" {
				return nil // unknown ones are ignored
			}
			value := valueIn(p)
			if value.Kind() != fhirjson.True && value.Kind() != fhirjson.False {
				return invalid("eraseIds has a valueBoolean: true erases the ids of what was hard deleted, for good.", expression)
			}
			if value.Kind() == fhirjson.True {
				begin = eraser.BeginErasingIDs
			}
			return nil
		})
		if err != nil {
			return response{}, err
		}
		begun, err := begin(r.signer())
		if err != nil {
			return response{}, err
		}
		answer, err := k.describe(http.StatusCreated, &begun)
		answer.contentLocation = r.base + k.path() + begun.ID
		return answer, err
	}
}

func (k runKind) active(runs Runs) answerFunc {
	return func(*Server, context.Context, *request) (response, error) {
		active, ok := runs.Active()
		if !ok {
			return response{}, domain.NewError(domain.MethodNotAllowed, "No "+k.noun+" is active; POST begins one.")
		}
		return k.describe(http.StatusOK, &active)
	}
}

func (k runKind) byID(runs Runs) answerFunc {
	return func(_ *Server, _ context.Context, r *request) (response, error) {
		found, ok := runs.ByID(r.id)
		if !ok {
			return response{}, domain.NewError(domain.NotFound, k.unknown)
		}
		return k.describe(http.StatusOK, &found)
	}
}

func (k runKind) cancel(runs Runs) answerFunc {
	return func(_ *Server, _ context.Context, r *request) (response, error) {
		if _, ok := runs.ByID(r.id); !ok {
			return response{}, domain.NewError(domain.NotFound, k.unknown)
		}
		if err := runs.Cancel(r.id); err != nil {
			return response{}, err
		}
		return response{status: http.StatusAccepted}, nil
	}
}

// describe tells of a run in a Parameters resource.
func (k runKind) describe(status int, of *Run) (response, error) {
	p := parametersOf(nil)
	p.ID = of.ID
	p.add(resultParameter{Name: "id", String: of.ID})
	p.addInstant("startTime", of.Began)
	p.addInstant("endTime", of.Ended)
	k.counts(&p, of)
	p.add(resultParameter{Name: "progress", Decimal: of.percent()})
	p.add(resultParameter{Name: "status", String: string(of.State)})
	p.add(resultParameter{Name: "failureDetails", String: of.Failure})
	return madeOf(status, p)
}

// percent is how much is done, as of a reindex job.
func (r *Run) percent() json.Number {
	if r.State == RunCompleted {
		return percent("", 1, 1)
	}
	return percent("", r.Total, r.Done)
}
