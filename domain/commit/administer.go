package commit

import (
	"context"
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/eventlog"
)

// Search parameters and the jobs that index them depend on each other, so all
// changes to them, of a SearchParameter as well as administrative events, share
// one key of the decider (decider.key): each is decided on a state that has all
// before it, and two that clash cannot both be written.

// ErrNotAdministered: the service was made without a registry.
var errNotAdministered = domain.NewError(domain.NotSupported, "search parameters cannot be administered here")

// administrative is an event to be written, its body included.
type administrative struct {
	event event.Event
	body  []byte
}

// reviewParameters judges what a plan changes in search parameters.
func (s *Service) reviewParameters(p *plan) error {
	if s.options.Registry == nil {
		return nil
	}
	var review *registry.Review
	for i := range p.writes {
		write := &p.writes[i]
		if concerned, _ := registry.Concerns(&write.event); !concerned {
			continue
		}
		if review == nil {
			p.relyOn(s.decider.key(registry.SearchParameter, ""))
			review = s.options.Registry().Review()
		}
		if err := review.Check(&write.event, write.body); err != nil {
			return &CommandError{Index: write.command, Err: err}
		}
	}
	return nil
}

// administer writes one administrative event. decide is asked what to write,
// with the registry in force, and again if that has changed meanwhile; nil is
// nothing. When administer returns without an error, the event is durable and
// applied.
func (s *Service) administer(ctx context.Context, caller Caller, decide func(r *registry.Registry) (*administrative, error)) error {
	if s.options.Registry == nil {
		return errNotAdministered
	}
	if err := s.state.WaitApplied(ctx, s.begin); err != nil {
		return refusal(err)
	}
	for {
		a, waitFor, err := s.administerOnce(ctx, caller, decide)
		switch {
		case err != nil:
			return err
		case waitFor != 0:
			err = s.state.WaitApplied(ctx, waitFor)
		case a.Count == 0:
			return nil
		default:
			if err := s.state.WaitApplied(ctx, uint64(a.First)+uint64(a.Count)); err != nil {
				return unknownOutcome(err)
			}
			return nil
		}
		if err != nil {
			return refusal(err)
		}
	}
}

func (s *Service) administerOnce(ctx context.Context, caller Caller, decide func(r *registry.Registry) (*administrative, error)) (a eventlog.Appended, waitFor uint64, err error) {
	key := s.decider.key(registry.SearchParameter, "")
	c := &claim{snapshot: s.state.Applied(), relied: []uint64{key}, written: []uint64{key}, set: s.state.Parameters()}
	what, err := decide(s.options.Registry())
	if err != nil || what == nil {
		return a, 0, err
	}
	what.event.Interaction, what.event.Previous = event.Administer, event.NoPosition
	caller.sign(&what.event)
	batch := eventlog.Batch{Metadata: [][]byte{what.event.Append(nil)}, Bodies: s.log.Pack([][]byte{what.body})}
	if err := s.decider.enter(ctx); err != nil {
		return a, 0, refusal(err)
	}
	defer s.decider.leave()
	if waitFor = s.decider.conflict(c); waitFor != 0 {
		return a, waitFor, nil
	}
	if a, err = s.log.Append(ctx, batch); err != nil {
		return a, 0, refusal(err)
	}
	s.decider.remember(c, uint64(a.First))
	return a, 0, nil
}

// jobEvent is the event that brings a job to its state.
func jobEvent(job *registry.Job) (*administrative, error) {
	body, err := job.Body()
	if err != nil {
		return nil, fmt.Errorf("write the state of a job: %w", err)
	}
	return &administrative{event.Event{Kind: event.JobChanged, ID: domain.LogicalID(job.ID)}, body}, nil
}

// Reindex begins a job that brings the index up to date with the search
// parameters, and returns it; or the one that is active, if there is one.
func (s *Service) Reindex(ctx context.Context, caller Caller, wanted registry.ReindexRequest) (registry.Job, error) {
	id := string(s.options.NewID())
	var begun *registry.Job
	err := s.administer(ctx, caller, func(r *registry.Registry) (*administrative, error) {
		job, isNew := r.NewReindex(id, wanted)
		if begun = job; !isNew {
			return nil, nil
		}
		return jobEvent(job)
	})
	if err != nil {
		return registry.Job{}, err
	}
	if now := s.options.Registry().Job(begun.ID); now != nil {
		begun = now
	}
	return *begun, nil
}

// CancelJob ends a job. It fails with a domain.Error for one that is unknown or
// has ended.
func (s *Service) CancelJob(ctx context.Context, caller Caller, id string) error {
	return s.administer(ctx, caller, func(r *registry.Registry) (*administrative, error) {
		job, err := r.Cancel(id)
		if err != nil {
			return nil, err
		}
		return jobEvent(job)
	})
}

// errJobEnded: a job cannot be changed any more.
var errJobEnded = errors.New("commit: the job has ended")

// ChangeJob brings a job to a new state on behalf of the server itself. It
// changes nothing, and answers false, if the job has ended meanwhile.
func (s *Service) ChangeJob(ctx context.Context, job *registry.Job) (changed bool, err error) {
	err = s.administer(ctx, Caller{Author: event.ByJobs}, func(r *registry.Registry) (*administrative, error) {
		if now := r.Job(job.ID); now == nil || now.State.Ended() {
			return nil, errJobEnded
		}
		return jobEvent(job)
	})
	if errors.Is(err, errJobEnded) {
		return false, nil
	}
	return err == nil, err
}

// SwitchParameters switches search parameters on and off. The results say what
// became of each; those that are refused do not keep the others from taking
// effect.
func (s *Service) SwitchParameters(ctx context.Context, caller Caller, changes []registry.StatusChange) (results []registry.StatusResult, err error) {
	err = s.administer(ctx, caller, func(r *registry.Registry) (*administrative, error) {
		var body []byte
		if results, body, err = r.Switch(changes); err != nil || body == nil {
			return nil, err
		}
		return &administrative{event.Event{Kind: event.ParameterStatus}, body}, nil
	})
	return results, err
}
