package registry

import (
	"encoding/json"
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// ReindexRequest is what a client wants of a reindex.
type ReindexRequest struct {
	Limits
	Types          []domain.ResourceType  // only parameters of these types of resource; none given: of all
	ParameterTypes []search.ParameterType // only parameters of these types; none given: of all
}

// NewReindex makes the job that a request asks for, or returns the one that is
// active. id is that of a new one.
func (r *Registry) NewReindex(id string, wanted ReindexRequest) (job *Job, isNew bool) {
	if active := r.Active(); active != nil {
		return active, false
	}
	job = &Job{ID: id, State: Queued, Limits: wanted.Limits}
	concerned := map[string]bool{}
	for _, n := range r.Numbers {
		switch {
		case n.Until != InForce:
			job.Remove = append(job.Remove, n.Number)
			job.name(n.Definition.URL)
		case !n.Complete && n.Fault == "" && wanted.covers(r, n):
			job.Fill = append(job.Fill, n.Number)
			job.name(n.Definition.URL)
			for _, resource := range r.definitions.Resources() {
				concerned[resource] = concerned[resource] || r.applies(&n.Definition, resource)
			}
		}
	}
	for url, status := range r.Standard {
		if status == PendingDisable || status == Supported {
			job.Standard = append(job.Standard, url)
			job.name(url)
		}
	}
	slices.Sort(job.Standard)
	slices.Sort(job.Parameters)
	for _, resource := range r.definitions.Resources() {
		if concerned[resource] {
			job.Types = append(job.Types, domain.ResourceType(resource))
		}
	}
	return job, true
}

func (j *Job) name(url string) {
	if !slices.Contains(j.Parameters, url) {
		j.Parameters = append(j.Parameters, url)
	}
}

// covers says whether a request is about a number.
func (w *ReindexRequest) covers(r *Registry, n *Number) bool {
	if len(w.ParameterTypes) > 0 && !slices.Contains(w.ParameterTypes, search.ParameterType(n.Definition.Type)) {
		return false
	}
	return len(w.Types) == 0 || slices.ContainsFunc(w.Types, func(t domain.ResourceType) bool { return r.applies(&n.Definition, string(t)) })
}

// Cancel returns the job as it is when it was canceled. It fails with a
// domain.Error for one that is not there, or has ended.
func (r *Registry) Cancel(id string) (*Job, error) {
	job := r.Job(id)
	switch {
	case job == nil:
		return nil, NoSuchJob()
	case job.State.Ended():
		return nil, domain.NewError(domain.Invalid, fmt.Sprintf("the job has ended already: it is %s", job.State))
	}
	canceled := *job
	canceled.State = Canceled
	return &canceled, nil
}

// NoSuchJob is the error for an unknown id.
func NoSuchJob() error {
	return domain.NewError(domain.NotFound, "there is no such reindex job here; old ones are forgotten")
}

// StatusChange wants a parameter to be switched.
type StatusChange struct {
	URL    string
	Status Status
}

// StatusResult is what becomes of a StatusChange.
type StatusResult struct {
	StatusChange
	Err error // why it was refused: a *domain.Error
}

// Switch judges changes of states and tells what is to be written: the body of
// an event.ParameterStatus, nil if nothing changes. The results have the state
// that each parameter has then.
func (r *Registry) Switch(changes []StatusChange) (results []StatusResult, body []byte, err error) {
	if job := r.Active(); job != nil {
		return nil, nil, domain.NewError(domain.Conflict, fmt.Sprintf(
			"search parameters cannot be switched while a reindex job is active: wait until %s has ended, or cancel it", job.ID))
	}
	wanted := map[string]Status{}
	for _, c := range changes {
		result := StatusResult{StatusChange: c, Err: r.checkSwitch(c)}
		if _, twice := wanted[c.URL]; twice {
			result.Err = domain.NewError(domain.Invalid, "the url stands here twice", "Parameters.parameter")
		}
		if result.Err == nil {
			wanted[c.URL] = c.Status
		}
		results = append(results, result)
	}
	after := r.clone()
	if body, err = json.Marshal(wanted); err == nil {
		err = after.switched(r.Through, body)
	}
	if err != nil {
		return nil, nil, err
	}
	changed := map[string]Status{}
	for i := range results {
		c := &results[i]
		if c.Err != nil {
			continue
		}
		before, now := r.switchable(c.URL), after.switchable(c.URL)
		if before != now {
			changed[c.URL] = c.Status
		}
		c.Status = now
	}
	if len(changed) == 0 {
		return results, nil, nil
	}
	body, err = json.Marshal(changed)
	return results, body, err
}

// switchable returns the state of a parameter that exists, else nothing.
func (r *Registry) switchable(url string) Status {
	if _, resource := r.resourceOf(url); resource != nil {
		return r.statusOf(resource)
	}
	if status, switched := r.Standard[url]; switched {
		return status
	}
	if r.isStandard(url) {
		return Enabled
	}
	return ""
}

func (r *Registry) checkSwitch(c StatusChange) error {
	switch {
	case c.Status != Supported && c.Status != Disabled:
		return domain.NewError(domain.Invalid, "the status of a search parameter can be set to Supported or Disabled only", "Parameters.parameter.part")
	case r.switchable(c.URL) == "":
		return domain.NewError(domain.NotFound, "there is no search parameter with this url", "Parameters.parameter.part")
	}
	return nil
}
