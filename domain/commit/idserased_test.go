package commit

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// announcements is a log that remembers the bodies of what is appended.
type announcements struct {
	packed   [][]byte
	bodies   [][]byte
	events   []event.Event
	refuse   error
	awaited  eventlog.Position
	position eventlog.Position
}

func (a *announcements) Pack(bodies [][]byte) *eventlog.Packed {
	a.packed = bodies
	return &eventlog.Packed{}
}

func (a *announcements) Append(_ context.Context, b eventlog.Batch) (eventlog.Appended, error) {
	if a.refuse != nil {
		return eventlog.Appended{}, a.refuse
	}
	for _, metadata := range b.Metadata {
		e, err := event.Decode(metadata)
		if err != nil {
			return eventlog.Appended{}, err
		}
		a.events = append(a.events, e)
	}
	a.bodies = append(a.bodies, a.packed...)
	a.position += eventlog.Position(len(b.Metadata))
	return eventlog.Appended{First: a.position - 1, Count: 1}, nil
}

func (a *announcements) WaitDurable(_ context.Context, upTo eventlog.Position) error {
	a.awaited = upTo
	return nil
}

// everySecond gives n positions that are apart.
func everySecond(n int) iter.Seq[eventlog.Position] {
	return func(yield func(eventlog.Position) bool) {
		for i := range n {
			if !yield(eventlog.Position(2 * i)) {
				return
			}
		}
	}
}

func TestAnnounceErasedIDs(t *testing.T) {
	for _, n := range []int{0, 1, 3, rangesAtOnce, rangesAtOnce + 1, 2*rangesAtOnce + 7} {
		a := &announcements{}
		if err := AnnounceErasedIDs(t.Context(), a, Caller{Author: "Ida", Reason: "Art. 17"}, everySecond(n)); err != nil {
			t.Fatal(err)
		}
		told, next := 0, uint64(0)
		for i, body := range a.bodies {
			p, err := event.ParsePositions(body, 1<<40)
			if err != nil || len(p) > rangesAtOnce {
				t.Fatalf("of %d, announcement %d has %d ranges, %v", n, i, len(p), err)
			}
			for _, r := range p {
				if r != [2]uint64{next, next} {
					t.Fatalf("of %d, %v is announced where %d comes", n, r, next)
				}
				next += 2
			}
			told += len(p)
			if e := a.events[i]; e.Kind != event.IDsErased || e.Interaction != event.Administer || e.Author != "Ida" || e.Reason != "Art. 17" || e.Previous != event.NoPosition {
				t.Errorf("announced by %+v", e)
			}
		}
		if told != n || a.awaited != a.position || len(a.bodies) != (n+rangesAtOnce-1)/rangesAtOnce {
			t.Errorf("of %d, %d are announced in %d events, awaited %d of %d", n, told, len(a.bodies), a.awaited, a.position)
		}
	}
	refused := &announcements{refuse: eventlog.ErrDiskFull}
	if err := AnnounceErasedIDs(t.Context(), refused, Caller{}, everySecond(1)); !errors.Is(err, eventlog.ErrDiskFull) || !strings.Contains(err.Error(), "whose ids are erased") {
		t.Errorf("a log that refuses: %v", err)
	}
}
