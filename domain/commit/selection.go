package commit

import (
	"context"
	"errors"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// selection is what the criteria of a conditional command select.
type selection struct {
	reliance reliance
	bodyID   domain.LogicalID // of the content of an update; empty if it has none
	newID    domain.LogicalID // for what is created; made when it is needed first

	// With the present plan: in the order of positions, one more than allowed at
	// most.
	matches  []search.Found
	included []search.Found // what a deletion takes along
}

// limit is how many matches the command may have.
func (c *Command) limit() int {
	if c.deletes() && c.Limit > 1 {
		return c.Limit
	}
	return 1
}

func (c *Command) deletes() bool {
	return c.Interaction == event.Delete || c.Interaction == event.HardDelete
}

// prepareSelection checks a conditional command.
func (s *Service) prepareSelection(p *prepared) error {
	c := p.command
	switch {
	case c.Interaction == event.PurgeHistory || c.ID != "":
		return fmt.Errorf("criteria cannot go with interaction %d or with an id", c.Interaction)
	case c.Limit < 0 || c.Limit > MaxLimit:
		return domain.NewError(domain.Invalid, fmt.Sprintf("a deletion by criteria may be asked for 1 to %d resources", MaxLimit))
	case c.IfMatch != nil && c.limit() > 1:
		return domain.NewError(domain.Invalid, "If-Match names the version of one resource, and cannot go with a deletion of several: leave it or _count out")
	}
	if err := checkCriteria(c.Criteria); err != nil {
		return err
	}
	if c.Criteria.Criteria == 0 {
		return withoutCriteria(c)
	}
	p.selection = &selection{reliance: s.decider.reliance(c.Type, c.Criteria)}
	if c.deletes() && includes(c.Criteria) {
		p.selection.reliance = reliance{anything: true} // a new resource may refer to a match
	}
	if id := c.Resource.Get("id"); c.Interaction == event.Update && id.Exists() {
		var err error
		if p.selection.bodyID, err = domain.ParseLogicalID(id.String()); err != nil {
			return domain.NewError(domain.Invalid, "the id of the resource cannot be used: "+err.Error(), string(c.Type)+".id")
		}
	}
	return nil
}

// checkCriteria refuses what has no place in a search that decides a write.
func checkCriteria(q *search.Query) error {
	if q.AsOf != "" || q.Token != "" {
		return domain.NewError(domain.Invalid, "what to write is decided by the present state: the criteria cannot ask for a past one or for a later page")
	}
	return nil
}

// withoutCriteria refuses a conditional command that selects nothing in
// particular.
func withoutCriteria(c *Command) error {
	q := c.Criteria
	if !c.deletes() && c.Interaction != event.Patch && len(q.Applied) == 0 && len(q.Warnings) == 0 {
		return domain.NewError(domain.Invalid, "the condition is empty: name at least one search parameter with a value, such as identifier=system|value")
	}
	return domain.NewError(domain.PreconditionFailed, fmt.Sprintf(
		"the condition selects no %s in particular: name at least one search parameter with a value, such as identifier=system|value; nothing was changed", c.Type))
}

// resolve finds what the plan rests on, at its snapshot: what criteria select, what
// patches lead to, and what conditional references mean.
func (s *Service) resolve(ctx context.Context, p *plan, w *work) error {
	selects := false
	for i := range w.commands {
		if w.commands[i].selection == nil {
			continue
		}
		selects = true
		if err := s.choose(ctx, p, w, &w.commands[i]); err != nil {
			return &CommandError{Index: i, Err: err}
		}
	}
	if selects {
		if err := refuseDuplicates(w.commands); err != nil {
			return err
		}
	}
	if err := s.applyPatches(ctx, p, w); err != nil {
		return err
	}
	w.searches = selects || len(w.references.list) > 0
	return s.resolveReferences(ctx, p, w)
}

// choose finds what a conditional command is about.
func (s *Service) choose(ctx context.Context, p *plan, w *work, of *prepared) error {
	c, sel := of.command, of.selection
	limit := c.limit()
	// Of several that may be deleted, those beyond the limit do not matter.
	ask := limit
	if limit == 1 {
		ask = 2
	}
	var err error
	if sel.matches, err = s.find(ctx, c.Criteria, p.snapshot, ask); err != nil {
		return err
	}
	if len(sel.matches) > limit {
		return domain.NewError(domain.PreconditionFailed, fmt.Sprintf(
			"the criteria select more than one %s: give more of them; nothing was changed", c.Type))
	}
	for i := range sel.matches {
		if sel.matches[i].Type != c.Type {
			return fmt.Errorf("the criteria of a command for %s select resources of other types", c.Type)
		}
	}
	p.relyOnSearch(&sel.reliance)
	if c.deletes() {
		of.id = ""
		if len(sel.matches) == 1 {
			of.id = sel.matches[0].ID
		}
		return s.include(ctx, p, of)
	}
	switch {
	case len(sel.matches) == 0 && c.Interaction == event.Patch:
		return domain.NewError(domain.NotFound, fmt.Sprintf("the criteria select no %s, so there is nothing to patch", c.Type))
	case len(sel.matches) == 0 && sel.bodyID != "":
		of.id = sel.bodyID
	case len(sel.matches) == 0:
		if sel.newID == "" {
			sel.newID = s.options.NewID()
		}
		of.id = sel.newID
	case sel.bodyID != "" && sel.bodyID != sel.matches[0].ID:
		return domain.NewError(domain.Invalid, fmt.Sprintf(
			"the criteria select a %s with another id than the one in the resource: leave the id out, or update by id", c.Type), string(c.Type)+".id")
	default:
		of.id = sel.matches[0].ID
	}
	if of.place != nil {
		of.place.found(placeOf(c.Type, of.id), w.plans)
	}
	return nil
}

// find searches at the snapshot of a plan.
func (s *Service) find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, refusal(err)
	}
	found, err := s.state.Find(ctx, q, snapshot, limit)
	return found, searchFailure(err)
}

// searchFailure tells that the time was up.
func searchFailure(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return refusal(err)
	}
	return err
}

// errGoneMeanwhile: what a search has found was hard deleted since, and the log does not
// have its id any more.
var errGoneMeanwhile = domain.NewError(domain.Unavailable, "Something that the criteria select was erased while they were looked for. Ask again.")

// maxIncluded is how many included resources a deletion takes along at most.
const maxIncluded = 1000

func includes(q *search.Query) bool { return len(q.Include)+len(q.RevInclude) > 0 }

// include finds what a deletion takes along.
func (s *Service) include(ctx context.Context, p *plan, of *prepared) error {
	sel, q := of.selection, of.command.Criteria
	sel.included = nil
	if !includes(q) || len(sel.matches) == 0 {
		return nil
	}
	request := search.IncludeRequest{Query: q, Snapshot: p.snapshot, Limit: maxIncluded}
	if q.IncludesCount > 0 {
		request.Limit = min(q.IncludesCount, maxIncluded)
	}
	for i := range sel.matches {
		request.Matches = append(request.Matches, sel.matches[i].Position)
	}
	included, err := s.state.Include(ctx, request)
	if err != nil {
		return searchFailure(err)
	}
	if included.More {
		return domain.NewError(domain.Invalid, fmt.Sprintf(
			"the matches include more than %d other resources, which is too much for one deletion: nothing was deleted", request.Limit))
	}
	for _, position := range included.Positions {
		record, err := s.log.Read(eventlog.Position(position))
		if err != nil {
			return fmt.Errorf("read an included resource: %w", err)
		}
		e, err := event.Decode(record.Metadata)
		if err != nil {
			return fmt.Errorf("read an included resource: %w", err)
		}
		if e.IDErased {
			return errGoneMeanwhile
		}
		sel.included = append(sel.included, search.Found{Type: e.Type, ID: e.ID, Position: position, Version: e.Version})
	}
	return nil
}
