package commit

import (
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
)

// plan is what the commands will do if nothing they rely on is written after
// the snapshot.
type plan struct {
	snapshot uint64
	caller   Caller
	outcomes []Outcome
	writes   []planned
	relied   []uint64 // the decider's keys of all resources that were looked at
	reliance reliance // of all searches
}

// planned is one event to be written, for one command.
type planned struct {
	command int
	event   event.Event
	body    []byte
	values  *search.Values // of the body
	aside   bool           // the outcome of the command tells of another event, or of none
}

// relyOn notes that the plan rests on the state of a resource, whether it
// changes that or not.
func (p *plan) relyOn(key uint64) { p.relied = append(p.relied, key) }

// relyOnSearch notes that the plan rests on a search.
func (p *plan) relyOnSearch(r *reliance) {
	p.reliance.add(r)
	p.relied = append(p.relied, r.resources...)
}

// plan decides what each command does to the state at the newest snapshot.
func (s *Service) plan(ctx context.Context, caller Caller, w *work) (*plan, error) {
	w.plans++
	p := &plan{
		snapshot: s.state.Applied(),
		caller:   caller,
		outcomes: make([]Outcome, len(w.commands)),
		writes:   make([]planned, 0, len(w.commands)),
		relied:   make([]uint64, 0, len(w.commands)),
	}
	if err := s.resolve(ctx, p, w); err != nil {
		return nil, err
	}
	for i := range w.commands {
		if err := s.planOne(p, w, i); err != nil {
			return nil, &CommandError{Index: i, Err: err}
		}
	}
	return p, s.reviewParameters(p)
}

func (s *Service) planOne(p *plan, w *work, i int) error {
	c := &w.commands[i]
	if c.patched != nil {
		before := c.patched.before
		return s.planWrite(p, w, i, before, p.event(event.Patch, c.command.Type, c.id, before))
	}
	if c.selection != nil {
		switch {
		case c.command.deletes():
			return s.planDeletions(p, w, i)
		case c.command.Interaction == event.Create && len(c.selection.matches) == 1:
			return s.planExisting(p, c, i)
		}
	}
	before := resource.State{}
	if c.command.Interaction != event.Create {
		var err error
		if before, err = s.before(p, c); err != nil {
			return err
		}
	}
	if err := s.checkPreconditions(c, before); err != nil {
		return err
	}
	e := p.event(c.command.Interaction, c.command.Type, c.id, before)
	switch c.command.Interaction {
	case event.Create, event.Update:
		return s.planWrite(p, w, i, before, e)
	case event.Delete, event.HardDelete:
		if s.planDeletion(p, i, before, e) {
			p.outcomes[i].Change = Deleted
		} else {
			p.outcomes[i].Change = Nothing
		}
	case event.PurgeHistory:
		p.outcomes[i].Change = Nothing
		if before.Exists && before.Old {
			e.Kind = event.HistoryPurged
			p.outcomes[i].Change = Purged
			p.writes = append(p.writes, planned{command: i, event: e})
		}
	}
	return nil
}

// before reads the state of the resource that a command is about.
func (s *Service) before(p *plan, c *prepared) (resource.State, error) {
	if c.matched() {
		return s.lookFound(p, c.selection.matches[0])
	}
	return s.look(p, c.command.Type, c.id)
}

// look reads the state of a resource at the snapshot of the plan.
func (s *Service) look(p *plan, t domain.ResourceType, id domain.LogicalID) (resource.State, error) {
	p.relyOn(s.decider.key(t, id))
	return s.state.Current(t, id, p.snapshot)
}

// staleError says that a snapshot is no longer what it was: something was erased
// since, and an erasure hides a resource from earlier snapshots as well.
type staleError struct{ snapshot uint64 }

func (e *staleError) Error() string {
	return fmt.Sprintf("a search at %d found what is not current there", e.snapshot)
}

// lookFound reads the state of a resource that a search found.
func (s *Service) lookFound(p *plan, f search.Found) (resource.State, error) {
	before, err := s.look(p, f.Type, f.ID)
	if err == nil && (!before.Exists || before.Position != f.Position) {
		err = &staleError{p.snapshot}
	}
	return before, err
}

// event begins the event of a change to a resource.
func (p *plan) event(i event.Interaction, t domain.ResourceType, id domain.LogicalID, before resource.State) event.Event {
	e := event.Event{
		Interaction: i, Type: t, ID: id,
		Version: before.Version, Previous: event.NoPosition,
	}
	p.caller.sign(&e)
	if before.Exists {
		e.Previous = before.Position
	}
	return e
}

// checkPreconditions compares the state before with what the command demands.
func (s *Service) checkPreconditions(p *prepared, before resource.State) error {
	c := p.command
	isUpdate := c.Interaction == event.Update
	switch {
	case c.IfMatch != nil && !before.Exists:
		return domain.NewError(domain.NotFound, fmt.Sprintf("If-Match names a version, but there is no such %s here", c.Type))
	case c.IfMatch != nil && *c.IfMatch != before.Version.String():
		return domain.NewError(domain.VersionMismatch, fmt.Sprintf(
			"If-Match names another version than the current one, which is %s: read the %s again and repeat the change", before.Version, c.Type))
	case c.MustNotExist && before.Exists && !before.Deleted:
		return domain.NewError(domain.PreconditionFailed, fmt.Sprintf("If-None-Match: * allows only to create, and this %s exists", c.Type))
	case isUpdate && c.IfMatch == nil && before.Exists && !p.matched() && s.options.policy(c.Type) == VersionedUpdate:
		return domain.NewError(domain.Invalid, fmt.Sprintf("an update of a %s must name the version it replaces: send If-Match: W/\"%s\"", c.Type, before.Version))
	case isUpdate && !before.Exists && !p.serverAssigned() && s.options.NoUpdateCreate:
		return domain.NewError(domain.MethodNotAllowed, fmt.Sprintf("there is no such %s here, and an update may not create one on this server", c.Type))
	}
	return nil
}

// planWrite plans a new version, unless the content is there already.
func (s *Service) planWrite(p *plan, w *work, i int, before resource.State, e event.Event) error {
	c := &w.commands[i]
	written, err := w.ensureStored(p, c)
	if err != nil {
		return err
	}
	if !written {
		p.outcomes[i].Change = Nothing
		return nil
	}
	body := c.content.body
	if before.Exists && !before.Deleted {
		same, drops, err := s.compare(c, before, body, &p.outcomes[i])
		if err != nil || same {
			return err
		}
		e.DropsPrevious = drops
	}
	if before.Exists && s.options.policy(e.Type) == NoVersion {
		e.DropsPrevious = true
	}
	e.Kind, e.Version, e.MetaAt = event.Written, before.Version+1, c.content.metaAt
	p.outcomes[i].Change = Updated
	if e.Version == 1 {
		p.outcomes[i].Change = Created
	}
	p.outcomes[i].Version = resource.FromEvent(&e, 0, 0, body)
	p.writes = append(p.writes, planned{command: i, event: e, body: body, values: c.content.values})
	return nil
}

// compare compares the content with the current version. If it is the same, that
// version is the outcome. drops says that only meta differs and the command wants
// no history of that.
func (s *Service) compare(c *prepared, before resource.State, body []byte, outcome *Outcome) (same, drops bool, err error) {
	var current resource.Version
	if c.patched != nil {
		current = c.patched.version
	} else if current, err = s.read(before.Position); err != nil {
		return false, false, err
	}
	if resource.SameContent(current.Body, body) {
		*outcome = Outcome{Change: Unchanged, Version: current}
		return true, false, nil
	}
	return false, c.command.KeepNoMetaHistory && resource.SameButMeta(current.Body, body), nil
}
