package commit

import (
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// plan is what the commands will do if nothing they rely on is written after
// the snapshot.
type plan struct {
	snapshot uint64
	outcomes []Outcome
	writes   []planned
}

// planned is one event to be written, for one command.
type planned struct {
	command int
	event   event.Event
	body    []byte
}

// plan decides what each command does to the state at the newest snapshot.
func (s *Service) plan(caller Caller, work []prepared) (*plan, error) {
	p := &plan{
		snapshot: s.state.Applied(),
		outcomes: make([]Outcome, len(work)),
		writes:   make([]planned, 0, len(work)),
	}
	for i := range work {
		if err := s.planOne(p, caller, work, i); err != nil {
			return nil, &CommandError{Index: i, Err: err}
		}
	}
	return p, nil
}

func (s *Service) planOne(p *plan, caller Caller, work []prepared, i int) error {
	w := &work[i]
	before := resource.State{}
	if w.command.Interaction != event.Create {
		var err error
		if before, err = s.state.Current(w.command.Type, w.id, p.snapshot); err != nil {
			return err
		}
	}
	if err := s.checkPreconditions(w, before); err != nil {
		return err
	}
	e := event.Event{
		Interaction: w.command.Interaction,
		Type:        w.command.Type,
		ID:          w.id,
		Version:     before.Version,
		Previous:    event.NoPosition,
		RequestID:   caller.RequestID,
		Author:      caller.Author,
	}
	if before.Exists {
		e.Previous = before.Position
	}
	switch w.command.Interaction {
	case event.Create, event.Update:
		return s.planWrite(p, i, work, before, e)
	case event.Delete:
		s.planDelete(p, i, before, e)
	case event.HardDelete:
		p.outcomes[i].Change = Nothing
		if before.Exists {
			e.Kind = event.Erased
			p.outcomes[i].Change = Deleted
			p.writes = append(p.writes, planned{command: i, event: e})
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

// checkPreconditions compares the state before with what the command demands.
func (s *Service) checkPreconditions(w *prepared, before resource.State) error {
	c := w.command
	isUpdate := c.Interaction == event.Update
	switch {
	case c.IfMatch != nil && !before.Exists:
		return domain.NewError(domain.NotFound, fmt.Sprintf("If-Match names a version, but there is no such %s here", c.Type))
	case c.IfMatch != nil && *c.IfMatch != before.Version.String():
		return domain.NewError(domain.VersionMismatch, fmt.Sprintf(
			"If-Match names another version than the current one, which is %s: read the %s again and repeat the change", before.Version, c.Type))
	case c.MustNotExist && before.Exists && !before.Deleted:
		return domain.NewError(domain.PreconditionFailed, fmt.Sprintf("If-None-Match: * allows only to create, and this %s exists", c.Type))
	case isUpdate && c.IfMatch == nil && before.Exists && s.options.policy(c.Type) == VersionedUpdate:
		return domain.NewError(domain.Invalid, fmt.Sprintf("an update of a %s must name the version it replaces: send If-Match: W/\"%s\"", c.Type, before.Version))
	case isUpdate && !before.Exists && s.options.NoUpdateCreate:
		return domain.NewError(domain.MethodNotAllowed, fmt.Sprintf("there is no such %s here, and an update may not create one on this server", c.Type))
	}
	return nil
}

// planWrite plans a new version, unless the content is there already.
func (s *Service) planWrite(p *plan, i int, work []prepared, before resource.State, e event.Event) error {
	w := &work[i]
	body, metaAt, err := w.storedBody(p, work)
	if err != nil {
		return err
	}
	if before.Exists && !before.Deleted {
		same, drops, err := s.compare(w, before, body, &p.outcomes[i])
		if err != nil || same {
			return err
		}
		e.DropsPrevious = drops
	}
	if before.Exists && s.options.policy(w.command.Type) == NoVersion {
		e.DropsPrevious = true
	}
	e.Kind, e.Version, e.MetaAt = event.Written, before.Version+1, metaAt
	p.outcomes[i].Change = Updated
	if e.Version == 1 {
		p.outcomes[i].Change = Created
	}
	p.outcomes[i].Version = resource.FromEvent(&e, 0, 0, body)
	p.writes = append(p.writes, planned{command: i, event: e, body: body})
	return nil
}

// compare reads the current version. If it holds the same content, that is the
// outcome. drops says that only meta differs and the command wants no history of
// that.
func (s *Service) compare(w *prepared, before resource.State, body []byte, outcome *Outcome) (same, drops bool, err error) {
	record, err := s.log.Read(eventlog.Position(before.Position))
	if err != nil {
		return false, false, err
	}
	if resource.SameContent(record.Body, body) {
		e, err := event.Decode(record.Metadata)
		if err != nil {
			return false, false, err
		}
		*outcome = Outcome{Unchanged, resource.FromEvent(&e, before.Position, record.Instant, record.Body)}
		return true, false, nil
	}
	return false, w.command.KeepNoMetaHistory && resource.SameButMeta(record.Body, body), nil
}

func (s *Service) planDelete(p *plan, i int, before resource.State, e event.Event) {
	if !before.Exists || before.Deleted {
		p.outcomes[i].Change = Nothing
		return
	}
	e.Kind, e.Version = event.Deleted, before.Version+1
	e.DropsPrevious = s.options.policy(e.Type) == NoVersion
	p.outcomes[i] = Outcome{Deleted, resource.FromEvent(&e, 0, 0, nil)}
	p.writes = append(p.writes, planned{command: i, event: e})
}

// packing keeps the compressed bodies from one plan to the next: a second plan
// mostly writes the same.
type packing struct {
	bodies [][]byte
	packed *eventlog.Packed
}

// pack makes the batch of a plan.
func (k *packing) pack(log Log, p *plan) eventlog.Batch {
	bodies := make([][]byte, len(p.writes))
	metadata := make([][]byte, len(p.writes))
	for i := range p.writes {
		bodies[i] = p.writes[i].body
		metadata[i] = p.writes[i].event.Append(make([]byte, 0, 96))
	}
	if k.packed == nil || !slices.EqualFunc(k.bodies, bodies, sameSlice) {
		k.bodies, k.packed = bodies, log.Pack(bodies)
	}
	return eventlog.Batch{Metadata: metadata, Bodies: k.packed}
}

// sameSlice says whether two bodies are the same bytes in memory.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
