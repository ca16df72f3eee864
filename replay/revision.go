package replay

import (
	"context"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/domain/jsondiff"
)

// Outcome says what became of a resource between two moments.
type Outcome string

// The outcomes.
const (
	Created Outcome = "created" // it was not there, or deleted, before
	Updated Outcome = "updated"
	Deleted Outcome = "deleted"
	Gone    Outcome = "erased" // what it became is erased and cannot be told
)

// Revision is what became of one resource between two moments.
type Revision struct {
	Type    domain.ResourceType
	ID      domain.LogicalID
	Outcome Outcome
	// Before and After are the events that made it what it was; nil where there was
	// nothing. Their bodies are in the form in which they are stored.
	Before, After *feed.Entry
	// Changes are those of an update, unless the former content is erased.
	Changes []jsondiff.Change
}

// span is what is known of a resource between two moments.
type span struct {
	first uint64 // the position before its first event; event.NoPosition if there is none
	last  uint64 // its last event that leaves another state
}

type place struct {
	t  domain.ResourceType
	id domain.LogicalID
}

// spans is a Listener that gathers the changes of each resource.
type spans struct {
	of    map[place]*span
	order []place // as they changed first
}

// Entry takes an event.
func (s *spans) Entry(e *feed.Entry) error {
	if e.Event.Kind == event.HistoryPurged || e.Event.Kind.Administrative() {
		return nil // what is current stays what it was
	}
	if e.Event.IDErased {
		return nil // of which resource, nobody knows
	}
	p := place{e.Event.Type, e.Event.ID}
	known := s.of[p]
	if known == nil {
		known = &span{first: e.Event.Previous}
		s.of[p] = known
		s.order = append(s.order, p)
	}
	known.last = e.Position
	return nil
}

// Reached is not needed.
func (s *spans) Reached(uint64, uint64) (bool, error) { return true, nil }

// Revisions tells what became of each resource between two numbers of records, in the
// order in which they changed first. tell may keep what it is given.
func (a *Archive) Revisions(ctx context.Context, from, to uint64, f feed.Filter, tell func(*Revision) error) error {
	s := spans{of: map[place]*span{}}
	f.All = true
	if err := a.Walk(ctx, feed.Query{From: from, Until: to, Filter: f}, &s); err != nil {
		return err
	}
	for i, p := range s.order {
		if i%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := a.revisionOf(p, s.of[p])
		if err == nil && r != nil {
			err = tell(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) revisionOf(p place, s *span) (*Revision, error) {
	var before, after *feed.Entry
	var err error
	if s.first != event.NoPosition {
		if before, err = a.entryAt(s.first); err != nil {
			return nil, err
		}
	}
	if after, err = a.entryAt(s.last); err != nil {
		return nil, err
	}
	r, err := a.Revise(before, after)
	if r != nil {
		r.Type, r.ID = p.t, p.id
	}
	return r, err
}

// Revise compares two states of a resource, as Life.At gives them. It returns nil if
// there was nothing at both.
func (a *Archive) Revise(before, after *feed.Entry) (*Revision, error) {
	r := &Revision{Before: before, After: after}
	for _, e := range []*feed.Entry{before, after} {
		if e == nil {
			continue
		}
		r.Type, r.ID = e.Event.Type, e.Event.ID
		if e.Content == feed.Present {
			stored, err := a.Stored(e)
			if err != nil {
				return nil, err
			}
			e.Body = stored
		}
	}
	r.Outcome = outcomeOf(before, after)
	if r.Outcome == Updated && before.Content == feed.Present {
		former, err := parse(before.Body)
		if err != nil {
			return nil, err
		}
		latter, err := parse(after.Body)
		if err != nil {
			return nil, err
		}
		r.Changes = jsondiff.Of(former, latter)
	}
	if r.Outcome == "" {
		return nil, nil
	}
	return r, nil
}

// outcomeOf says what became of a resource; "" for nothing.
func outcomeOf(before, after *feed.Entry) Outcome {
	was := before != nil && before.Event.Kind == event.Written
	switch {
	case after == nil:
		return ""
	case after.Event.Kind == event.Erased, after.Content == feed.Erased:
		return Gone
	case after.Event.Kind == event.Deleted && was:
		return Deleted
	case after.Event.Kind == event.Deleted:
		return ""
	case was:
		return Updated
	}
	return Created
}
