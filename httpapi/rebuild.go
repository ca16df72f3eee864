package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// Rebuilder computes everything that reads and searches need anew from the log,
// while the server answers. Its methods fail with a *domain.Error for what a client
// may be told. They are called concurrently.
type Rebuilder interface {
	// BeginRebuild begins a rebuild, or returns the one that is active.
	BeginRebuild() (Rebuild, error)
	// ActiveRebuild is the one that has not ended; ok is false if there is none.
	ActiveRebuild() (r Rebuild, ok bool)
	// RebuildByID returns one of the latest; ok is false for any other.
	RebuildByID(id string) (r Rebuild, ok bool)
	// CancelRebuild asks for the end of an active one. It completes all the same if
	// it is about to.
	CancelRebuild(id string) error
}

// RebuildState is how far a rebuild is.
type RebuildState string

// The states of a rebuild, as they are told.
const (
	RebuildRunning   RebuildState = "Running"
	RebuildCompleted RebuildState = "Completed"
	RebuildFailed    RebuildState = "Failed"
	RebuildCanceled  RebuildState = "Canceled"
)

// Rebuild is what is told of a rebuild.
type Rebuild struct {
	ID             string
	State          RebuildState
	Began, Ended   int64  // in milliseconds since 1970; 0: not yet
	Applied, Total uint64 // records of the log
	Failure        string // why it failed, fit for a client
}

// rebuildPath is where the rebuilds are.
const rebuildPath = "/_operations/rebuild/"

// rebuildPlaces are what a Rebuilder is for.
func (s *Server) rebuildPlaces() []place {
	if s.rebuilder == nil {
		return nil
	}
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []place{
		{template: "/$rebuild", outside: true, calls: []call{
			{method: post, kind: rebuildKind, content: true, optional: true, answer: (*Server).rebuild},
			{method: get, kind: rebuildKind, answer: (*Server).activeRebuild},
		}},
		{template: rebuildPath + "{id}", outside: true, calls: []call{
			{method: get, answer: (*Server).rebuildByID},
			{method: del, answer: (*Server).cancelRebuild},
		}},
	}
}

// rebuild answers POST /$rebuild: it begins a rebuild. If one is active, that is
// the answer.
func (s *Server) rebuild(_ context.Context, r *request) (response, error) {
	if err := r.bodyParameters(func(string, fhirjson.Value, string) error { return nil }); err != nil {
		return response{}, err
	}
	begun, err := s.rebuilder.BeginRebuild()
	if err != nil {
		return response{}, err
	}
	answer, err := describeRebuild(http.StatusCreated, &begun)
	answer.contentLocation = r.base + rebuildPath + begun.ID
	return answer, err
}

// activeRebuild answers GET /$rebuild.
func (s *Server) activeRebuild(_ context.Context, _ *request) (response, error) {
	active, ok := s.rebuilder.ActiveRebuild()
	if !ok {
		return response{}, domain.NewError(domain.MethodNotAllowed, "No rebuild is active; POST begins one.")
	}
	return describeRebuild(http.StatusOK, &active)
}

// rebuildByID answers GET /_operations/rebuild/{id}.
func (s *Server) rebuildByID(_ context.Context, r *request) (response, error) {
	found, ok := s.rebuilder.RebuildByID(r.id)
	if !ok {
		return response{}, noRebuild()
	}
	return describeRebuild(http.StatusOK, &found)
}

// cancelRebuild answers DELETE /_operations/rebuild/{id}.
func (s *Server) cancelRebuild(_ context.Context, r *request) (response, error) {
	if _, ok := s.rebuilder.RebuildByID(r.id); !ok {
		return response{}, noRebuild()
	}
	if err := s.rebuilder.CancelRebuild(r.id); err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted}, nil
}

// noRebuild is the failure for a rebuild that is not known.
func noRebuild() error {
	return domain.NewError(domain.NotFound, "There is no such rebuild here. Rebuilds are not on the log: a restart of the server ends and forgets them, and only the latest are remembered.")
}

// describeRebuild tells of a rebuild in a Parameters resource.
func describeRebuild(status int, of *Rebuild) (response, error) {
	p := parametersOf(nil)
	p.ID = of.ID
	p.add(resultParameter{Name: "id", String: of.ID})
	p.addInstant("startTime", of.Began)
	p.addInstant("endTime", of.Ended)
	p.addCount("recordsTotal", of.Total)
	p.addCount("recordsApplied", of.Applied)
	p.add(resultParameter{Name: "progress", Decimal: rebuildPercent(of)})
	p.add(resultParameter{Name: "status", String: string(of.State)})
	p.add(resultParameter{Name: "failureDetails", String: of.Failure})
	return madeOf(status, p)
}

// rebuildPercent is how much is done, as of a reindex job.
func rebuildPercent(of *Rebuild) json.Number {
	if of.State == RebuildCompleted {
		return percent("", 1, 1)
	}
	return percent("", of.Total, of.Applied)
}
