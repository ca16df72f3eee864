package commit

import (
	"context"
	"errors"

	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// patience is how many plans that rest on searches or on the content of resources a
// commit may lose before it holds up the others: a search among much that is written
// all the time, or a patch of what is written all the time, might never be up to date
// otherwise. Patches that take long have no such right.
const patience = 4

// attempt makes a plan and has it decided. If the plan does not hold, it returns
// how many records must be applied before the next attempt.
func (s *Service) attempt(ctx context.Context, caller Caller, w *work) (p *plan, a eventlog.Appended, waitFor uint64, err error) {
	alone := (w.searches || w.patches) && w.plans >= patience && !w.slow
	if alone {
		if err := s.decider.enter(ctx); err != nil {
			return nil, a, 0, refusal(err)
		}
		defer s.decider.leave()
		caller.Reserve = nil // it might wait for those who wait for the turn
		// Nobody can append now, so the plan sees everything there is and holds.
		if err := s.catchUp(ctx); err != nil {
			return nil, a, 0, refusal(err)
		}
	}
	p, err = s.plan(ctx, caller, w)
	if stale, ok := errors.AsType[*staleError](err); ok && s.state.Applied() > stale.snapshot {
		return nil, a, stale.snapshot + 1, nil
	}
	if err != nil || len(p.writes) == 0 {
		return p, a, 0, err
	}
	batch := w.packing.pack(s.log, p)
	c := s.claim(p, w)
	var values []*search.Values
	if s.options.Handoff != nil {
		values = p.values()
	}
	if !alone {
		if err := s.decider.enter(ctx); err != nil {
			return nil, a, 0, refusal(err)
		}
		defer s.decider.leave()
	}
	if waitFor = s.decider.conflict(&c); waitFor != 0 {
		return p, a, waitFor, nil
	}
	if a, err = s.log.Append(ctx, batch); err != nil {
		return nil, a, 0, refusal(err)
	}
	s.decider.remember(&c, uint64(a.First))
	if s.options.Handoff != nil {
		s.options.Handoff(a.First, w.set, values)
	}
	return p, a, 0, nil
}

// catchUp waits until all that is ordered is applied. The caller has the turn.
func (s *Service) catchUp(ctx context.Context) error {
	s.alone.Add(1)
	defer s.alone.Add(-1)
	return s.state.WaitApplied(ctx, uint64(s.log.Next()))
}

// claim puts together what the decider has to know of a plan.
func (s *Service) claim(p *plan, w *work) claim {
	c := claim{snapshot: p.snapshot, relied: p.relied, set: w.set, written: make([]uint64, len(p.writes))}
	size := 0
	for i := range p.writes {
		if v := p.writes[i].values; v != nil {
			size += 1 + v.Bytes()/bytesPerMark
		}
	}
	c.marks = make([]uint64, 0, min(size, ringMarks+1))
	if w.searches {
		p.reliance.index()
		c.searched = &p.reliance
	}
	for i := range p.writes {
		write := &p.writes[i]
		c.written[i] = s.decider.key(write.event.Type, write.event.ID)
		if write.values != nil && len(c.marks) <= ringMarks {
			c.marks = s.decider.appendMarks(c.marks, write.event.Type, write.values)
		}
	}
	return c
}

// bytesPerMark is about how much of the index values goes with one mark.
const bytesPerMark = 32

// release lets go of what is not needed once the plan is decided: others have it
// now, and a large commit waits for a while.
func (p *plan) release() {
	for i := range p.writes {
		p.writes[i].values = nil
	}
}

// values returns the index values of the events.
func (p *plan) values() []*search.Values {
	values := make([]*search.Values, len(p.writes))
	for i := range p.writes {
		values[i] = p.writes[i].values
	}
	return values
}
