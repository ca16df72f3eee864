package replay

import (
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// Lost is what a log should have and does not: it was erased, and the events that say so
// are missing, as the log is a copy of a moment before them.
type Lost struct {
	Resources []LostResource
	IDs       []eventlog.Position // of records whose ids are lost, ascending
}

// LostResource is a resource that has lost contents.
type LostResource struct {
	Type domain.ResourceType
	ID   domain.LogicalID
	// Former says that the current version has its content: only former ones are lost.
	Former bool
}

// FindLost looks for it. Where it finds nothing, the log is complete in itself.
func FindLost(ctx context.Context, log Scanner) (lost Lost, err error) {
	var audit ErasureAudit
	err = log.Scan(ctx, 0, false, func(r eventlog.Record) (err error) {
		if r.HasBody && isIDsErased(&r) {
			if r, err = log.Read(r.Position); err != nil {
				return err
			}
		}
		e, matters, err := ErasureOf(&r)
		if matters {
			audit.Add(&e)
		}
		if err != nil {
			err = fmt.Errorf("position %d: %w", r.Position, err)
		}
		return err
	})
	if err != nil {
		return lost, err
	}
	for it := audit.unknown.Iterator(); it.HasNext(); {
		lost.IDs = append(lost.IDs, eventlog.Position(it.Next()))
	}
	if len(audit.open) > 0 {
		lost.Resources, err = audit.resources(ctx, log)
	}
	return lost, err
}

func isIDsErased(r *eventlog.Record) bool {
	e, err := event.Decode(r.Metadata)
	return err == nil && e.Kind == event.IDsErased
}

// resources lists the resources whose bodies are open, in the order of the log.
func (a *ErasureAudit) resources(ctx context.Context, log Scanner) (lost []LostResource, err error) {
	at := map[resourceHash]int{}
	err = log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		e, err := event.Decode(r.Metadata)
		if err != nil || e.IDErased || e.Kind != event.Written && e.Kind != event.Deleted {
			return err
		}
		hash := hashOf(e.Type, e.ID)
		if _, concerned := a.open[hash]; !concerned {
			return nil
		}
		i, known := at[hash]
		if !known {
			i = len(lost)
			at[hash], lost = i, append(lost, LostResource{Type: e.Type, ID: e.ID})
		}
		lost[i].Former = r.HasBody
		return nil
	})
	return lost, err
}
