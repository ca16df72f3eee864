package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// Compactor removes for good what hard deletes and $purge-history have hidden,
// while the server answers. Its methods fail with a *domain.Error for what a client
// may be told. They are called concurrently.
type Compactor interface {
	// BeginCompaction begins a compaction, or returns the one that is active.
	BeginCompaction() (Compaction, error)
	// ActiveCompaction is the one that has not ended; ok is false if there is none.
	ActiveCompaction() (c Compaction, ok bool)
	// CompactionByID returns one of the latest; ok is false for any other.
	CompactionByID(id string) (c Compaction, ok bool)
	// CancelCompaction asks for the end of an active one. It completes all the same
	// if it is about to.
	CancelCompaction(id string) error
}

// Compaction is what is told of a compaction.
type Compaction struct {
	ID           string
	State        RebuildState // as of a rebuild
	Began, Ended int64        // in milliseconds since 1970; 0: not yet
	Erased       uint64       // versions whose content is gone from the log
	Freed        uint64       // bytes of the log
	Total, Done  uint64       // records of the log that are looked at, those of each pass counted
	Failure      string       // why it failed, fit for a client
}

// compactPath is where the compactions are.
const compactPath = "/_operations/compact/"

// compactPlaces are what a Compactor is for.
func (s *Server) compactPlaces() []place {
	if s.compactor == nil {
		return nil
	}
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []place{
		{template: "/$compact", outside: true, calls: []call{
			{method: post, kind: compactKind, content: true, optional: true, answer: (*Server).compact},
			{method: get, kind: compactKind, answer: (*Server).activeCompaction},
		}},
		{template: compactPath + "{id}", outside: true, calls: []call{
			{method: get, answer: (*Server).compactionByID},
			{method: del, answer: (*Server).cancelCompaction},
		}},
	}
}

// compact answers POST /$compact: it begins a compaction. If one is active, that
// is the answer.
func (s *Server) compact(_ context.Context, r *request) (response, error) {
	if err := r.bodyParameters(func(string, fhirjson.Value, string) error { return nil }); err != nil {
		return response{}, err
	}
	begun, err := s.compactor.BeginCompaction()
	if err != nil {
		return response{}, err
	}
	answer, err := describeCompaction(http.StatusCreated, &begun)
	answer.contentLocation = r.base + compactPath + begun.ID
	return answer, err
}

// activeCompaction answers GET /$compact.
func (s *Server) activeCompaction(_ context.Context, _ *request) (response, error) {
	active, ok := s.compactor.ActiveCompaction()
	if !ok {
		return response{}, domain.NewError(domain.MethodNotAllowed, "No compaction is active; POST begins one.")
	}
	return describeCompaction(http.StatusOK, &active)
}

// compactionByID answers GET /_operations/compact/{id}.
func (s *Server) compactionByID(_ context.Context, r *request) (response, error) {
	found, ok := s.compactor.CompactionByID(r.id)
	if !ok {
		return response{}, noCompaction()
	}
	return describeCompaction(http.StatusOK, &found)
}

// cancelCompaction answers DELETE /_operations/compact/{id}.
func (s *Server) cancelCompaction(_ context.Context, r *request) (response, error) {
	if _, ok := s.compactor.CompactionByID(r.id); !ok {
		return response{}, noCompaction()
	}
	if err := s.compactor.CancelCompaction(r.id); err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted}, nil
}

// noCompaction is the failure for a compaction that is not known.
func noCompaction() error {
	return domain.NewError(domain.NotFound, "There is no such compaction here. Compactions are not on the log: only the latest are remembered, and none from before a restart of the server, which goes on with one that had not ended under a new id.")
}

// describeCompaction tells of a compaction in a Parameters resource.
func describeCompaction(status int, of *Compaction) (response, error) {
	p := parametersOf(nil)
	p.ID = of.ID
	p.add(resultParameter{Name: "id", String: of.ID})
	p.addInstant("startTime", of.Began)
	p.addInstant("endTime", of.Ended)
	p.addCount("versionsErased", of.Erased)
	p.addCount("logBytesFreed", of.Freed)
	p.add(resultParameter{Name: "progress", Decimal: compactionPercent(of)})
	p.add(resultParameter{Name: "status", String: string(of.State)})
	p.add(resultParameter{Name: "failureDetails", String: of.Failure})
	return madeOf(status, p)
}

// compactionPercent is how much is done, as of a reindex job.
func compactionPercent(of *Compaction) json.Number {
	if of.State == RebuildCompleted {
		return percent("", 1, 1)
	}
	return percent("", of.Total, of.Done)
}
