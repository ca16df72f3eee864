package commit

import (
	"fmt"

	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// planDeletion plans the deletion or the erasure of one resource. It answers
// false if there is nothing to do.
func (s *Service) planDeletion(p *plan, i int, before resource.State, e event.Event) bool {
	if !before.Exists || before.Deleted && e.Interaction == event.Delete {
		return false
	}
	if e.Interaction == event.HardDelete {
		e.Kind = event.Erased
		p.writes = append(p.writes, planned{command: i, event: e})
		return true
	}
	e.Kind, e.Version = event.Deleted, before.Version+1
	e.DropsPrevious = s.options.policy(e.Type) == NoVersion
	p.outcomes[i].Version = resource.FromEvent(&e, 0, 0, nil)
	p.writes = append(p.writes, planned{command: i, event: e})
	return true
}

// planDeletions plans what a deletion by criteria takes: included resources
// first, so that nothing ever refers to what is gone.
func (s *Service) planDeletions(p *plan, w *work, i int) error {
	c := &w.commands[i]
	sel, outcome := c.selection, &p.outcomes[i]
	outcome.Change = Nothing
	if len(sel.matches) == 0 {
		return s.checkPreconditions(c, resource.State{})
	}
	for _, f := range sel.included {
		if _, err := s.planFound(p, c, i, f); err != nil {
			return err
		}
		p.writes[len(p.writes)-1].aside = true
	}
	for _, f := range sel.matches {
		before, err := s.planFound(p, c, i, f)
		if err != nil {
			return err
		}
		if err := s.checkPreconditions(c, before); err != nil {
			return err
		}
		p.writes[len(p.writes)-1].aside = len(sel.matches) > 1
	}
	outcome.Change, outcome.Items = Deleted, len(sel.included)+len(sel.matches)
	if len(sel.matches) > 1 {
		outcome.Version = resource.Version{}
	}
	return nil
}

// planFound plans the deletion of a resource that a search found.
func (s *Service) planFound(p *plan, c *prepared, i int, f search.Found) (resource.State, error) {
	before, err := s.lookFound(p, f)
	if err == nil && !s.planDeletion(p, i, before, p.event(c.command.Interaction, f.Type, f.ID, before)) {
		err = fmt.Errorf("a search found a deleted %s", f.Type)
	}
	return before, err
}

// planExisting makes the resource that a conditional create found its outcome.
func (s *Service) planExisting(p *plan, c *prepared, i int) error {
	f := c.selection.matches[0]
	p.relyOn(s.decider.key(f.Type, f.ID))
	version, err := s.read(f.Position)
	if err != nil {
		return err
	}
	p.outcomes[i] = Outcome{Change: Existing, Version: version}
	return nil
}
