package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"fhirlog/domain"
)

// JobState is how far a job is.
type JobState string

// The states of a job.
const (
	Queued    JobState = "queued"
	Running   JobState = "running"
	Completed JobState = "completed"
	Failed    JobState = "failed"
	Canceled  JobState = "canceled"
)

// Ended says that nothing follows.
func (s JobState) Ended() bool { return s == Completed || s == Failed || s == Canceled }

// reindexKind is the only kind of job that the registry knows.
const reindexKind = "reindex"

// Job brings the index up to date with the search parameters.
type Job struct {
	ID    string
	State JobState
	Scope
	Limits Limits

	// Instants of its events in milliseconds since 1970; 0: not yet.
	QueuedAt, StartedAt, EndedAt, ChangedAt int64
	Began                                   uint64 // position of its first event

	Total, Done uint64 // versions of resources; of a job that has not ended, as of its last event
	Failure     string // why it failed
}

// Scope is what a job covers: as it was when the job began, since nothing changes
// while one is active.
type Scope struct {
	Fill       []uint32              `json:"fill,omitempty"`       // numbers whose entries are to be completed
	Remove     []uint32              `json:"remove,omitempty"`     // numbers whose entries are to be removed
	Standard   []string              `json:"standard,omitempty"`   // URLs of the specification that were switched
	Parameters []string              `json:"parameters,omitempty"` // URLs of all of these
	Types      []domain.ResourceType `json:"types,omitempty"`      // types of the resources concerned
}

// Limits are what a client asked for.
type Limits struct {
	PerQuery    int `json:"perQuery,omitempty"`          // told back; blocks of the index are what is read at once
	PerWrite    int `json:"perWrite,omitempty"`          // told back
	DelayMillis int `json:"delayMilliseconds,omitempty"` // pause between blocks
}

// jobBody is a Job in the body of an event. Instants are those of the events.
type jobBody struct {
	Kind  string   `json:"kind"`
	State JobState `json:"state"`
	Scope          // with state queued
	Limits
	Total   uint64 `json:"resources,omitempty"`
	Done    uint64 `json:"done,omitempty"`
	Failure string `json:"failure,omitempty"`
}

// Body is what the event that brings the job to its state carries.
func (j *Job) Body() ([]byte, error) {
	b := jobBody{Kind: reindexKind, State: j.State, Total: j.Total, Done: j.Done, Failure: j.Failure}
	if j.State == Queued {
		b.Scope, b.Limits = j.Scope, j.Limits
	}
	return json.Marshal(b)
}

// parseStrict reads JSON without unknown members.
func parseStrict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("registry: the body of an administrative event cannot be read: %w", err)
	}
	return nil
}

// jobChanged takes an event of a job into account.
func (r *Registry) jobChanged(position uint64, instant int64, id string, body []byte) error {
	var b jobBody
	if err := parseStrict(body, &b); err != nil {
		return err
	}
	if b.Kind != reindexKind {
		return fmt.Errorf("registry: unknown kind of job %q", b.Kind)
	}
	at := slices.IndexFunc(r.Jobs, func(j *Job) bool { return j.ID == id })
	job := &Job{ID: id, QueuedAt: instant, Began: position}
	if at >= 0 {
		copied := *r.Jobs[at]
		job = &copied
		r.Jobs[at] = job
	} else {
		r.Jobs = append(r.Jobs, job)
		if len(r.Jobs) > jobsKept {
			r.Jobs = r.Jobs[1:]
		}
	}
	job.State, job.ChangedAt = b.State, instant
	job.Total, job.Done, job.Failure = b.Total, b.Done, b.Failure
	switch b.State {
	case Queued:
		job.Scope, job.Limits = b.Scope, b.Limits
	case Running:
		job.StartedAt = instant
	case Completed, Failed, Canceled:
		job.EndedAt = instant
	default:
		return fmt.Errorf("registry: unknown state of a job %q", b.State)
	}
	if b.State == Completed {
		r.settle(&job.Scope)
	}
	return nil
}

// settle takes into account that a job has completed: what was pending is done.
func (r *Registry) settle(done *Scope) {
	for i, n := range r.Numbers {
		if slices.Contains(done.Fill, n.Number) {
			complete := *n
			complete.Complete = true
			r.Numbers[i] = &complete
		}
	}
	var removed []*Number
	r.Numbers = slices.DeleteFunc(r.Numbers, func(n *Number) bool {
		if !slices.Contains(done.Remove, n.Number) {
			return false
		}
		removed = append(removed, n)
		return true
	})
	for _, n := range removed {
		r.forget(n)
	}
	for _, url := range done.Standard {
		switch r.Standard[url] {
		case PendingDisable:
			r.Standard[url] = Disabled
		case Supported:
			delete(r.Standard, url)
		}
	}
}

// forget brings the parameter of a number that is out of the index to its last
// state.
func (r *Registry) forget(n *Number) {
	if resource := r.Resources[n.ID]; resource != nil && resource.Switched == PendingDisable {
		disabled := *resource
		disabled.Switched = Disabled
		r.Resources[n.ID] = &disabled
	}
	if n.End == PendingDelete || n.End == PendingHardDelete {
		r.gone(n.Definition.URL)
	}
}

// gone remembers a URL as that of a deleted parameter.
func (r *Registry) gone(url string) {
	r.Gone = slices.DeleteFunc(r.Gone, func(there string) bool { return there == url })
	r.Gone = append(r.Gone, url)
	if len(r.Gone) > goneKept {
		r.Gone = r.Gone[1:]
	}
}

// Active returns the job that is not over, or nil.
func (r *Registry) Active() *Job {
	for _, j := range slices.Backward(r.Jobs) {
		if !j.State.Ended() {
			return j
		}
	}
	return nil
}

// Job returns a job by its id, or nil.
func (r *Registry) Job(id string) *Job {
	for _, j := range r.Jobs {
		if j.ID == id {
			return j
		}
	}
	return nil
}
