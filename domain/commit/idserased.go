package commit

import (
	"context"
	"fmt"
	"iter"

	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// Appender is what AnnounceErasedIDs needs of a log.
type Appender interface {
	Pack(bodies [][]byte) *eventlog.Packed
	Append(ctx context.Context, b eventlog.Batch) (eventlog.Appended, error)
	WaitDurable(ctx context.Context, upTo eventlog.Position) error
}

// rangesAtOnce bounds the body of one announcement, to about a megabyte.
const rangesAtOnce = 50_000

// AnnounceErasedIDs writes to the log which records lose their ids, before they do:
// what is left of such a record proves nothing, so the log must. positions are
// ascending. When it returns without an error, that is durable.
//
// It needs no plan: the event changes nothing that is read.
func AnnounceErasedIDs(ctx context.Context, log Appender, caller Caller, positions iter.Seq[eventlog.Position]) error {
	var some event.Positions
	for position := range positions {
		if some.Add(uint64(position)); len(some) <= rangesAtOnce {
			continue
		}
		if err := announce(ctx, log, caller, some[:rangesAtOnce]); err != nil {
			return err
		}
		some = append(event.Positions(nil), some[rangesAtOnce:]...)
	}
	if len(some) == 0 {
		return nil
	}
	return announce(ctx, log, caller, some)
}

func announce(ctx context.Context, log Appender, caller Caller, some event.Positions) error {
	e := event.Event{Kind: event.IDsErased, Interaction: event.Administer, Previous: event.NoPosition}
	caller.sign(&e)
	body := event.AppendPositions(nil, some)
	a, err := log.Append(ctx, eventlog.Batch{Metadata: [][]byte{e.Append(nil)}, Bodies: log.Pack([][]byte{body})})
	if err == nil {
		err = log.WaitDurable(ctx, a.First+eventlog.Position(a.Count))
	}
	if err != nil {
		return fmt.Errorf("write to the log whose ids are erased: %w", err)
	}
	return nil
}
