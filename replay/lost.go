package replay

import (
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// Lost is a resource of which a log should have contents that it does not have: its
// bodies were erased, and the events that say so are missing, as the log is a copy of a
// moment before them.
type Lost struct {
	Type domain.ResourceType
	ID   domain.LogicalID
	// Former says that the current version has its content: only former ones are lost.
	Former bool
}

// FindLost lists them. Where it finds none, the log is complete in itself.
func FindLost(ctx context.Context, log Scanner) ([]Lost, error) {
	var audit ErasureAudit
	err := log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		e, matters, err := ErasureOf(&r)
		if matters {
			audit.Add(&e)
		}
		if err != nil {
			err = fmt.Errorf("position %d: %w", r.Position, err)
		}
		return err
	})
	if err != nil || len(audit.open) == 0 {
		return nil, err
	}
	type key struct {
		t  domain.ResourceType
		id domain.LogicalID
	}
	whole := map[key]bool{} // whether the latest version has its content
	var order []key
	for _, positions := range audit.open {
		r, err := log.ReadMetadata(eventlog.Position(positions[0]))
		if err != nil {
			return nil, err
		}
		e, err := event.Decode(r.Metadata)
		if err != nil {
			return nil, err
		}
		k := key{e.Type, e.ID}
		whole[k] = false
		order = append(order, k)
	}
	err = log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		e, err := event.Decode(r.Metadata)
		k := key{e.Type, e.ID}
		if _, concerned := whole[k]; concerned && err == nil && (e.Kind == event.Written || e.Kind == event.Deleted) {
			whole[k] = r.HasBody
		}
		return err
	})
	lost := make([]Lost, len(order))
	for i, k := range order {
		lost[i] = Lost{k.t, k.id, whole[k]}
	}
	return lost, err
}
