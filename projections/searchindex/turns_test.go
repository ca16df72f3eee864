package searchindex

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// TestSortsTakeTurns: what is too much for the memory waits, until its context
// ends; a small sort never waits.
func TestSortsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(100 << 20)
		done, err := turns.take(t.Context(), 10_000_000, 1) // more than there is: all of it
		if err != nil {
			t.Fatal(err)
		}
		if _, err := turns.take(t.Context(), fewSorted, 10); err != nil {
			t.Errorf("a small sort: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := turns.take(ctx, 5000, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a sort while another has all memory: %v", err)
		}
		done()
		for range 2 {
			done, err := turns.take(t.Context(), 200_000, 2)
			if err != nil {
				t.Fatal(err)
			}
			defer done()
		}
	})
}

// sortSource tells ids, and ends a context after some of them.
type sortSource struct {
	Source
	asked  int
	cancel func()
}

func (s *sortSource) Identify(uint64) (domain.ResourceType, domain.LogicalID, error) {
	if s.asked++; s.asked == 3000 {
		s.cancel()
	}
	return "Patient", domain.LogicalID("id"), nil
}

// TestASortEndsWithItsContext, also in the middle of many matches, and gives its
// memory back.
func TestASortEndsWithItsContext(t *testing.T) {
	l := newLateIndex(t)
	patient := new(search.Values)
	patient.AddPosting(key(search.SlotType, search.AspectValue, "Patient"))
	const matches = 10_000
	for position := range uint64(matches) {
		l.apply(position, patient)
	}
	request := search.PageRequest{
		Query:    &search.Query{Scopes: []search.Scope{{}}, Sort: []search.SortKey{{By: search.SortID}}},
		Snapshot: matches, Count: 10,
	}
	ctx, cancel := context.WithCancel(t.Context())
	source := &sortSource{cancel: cancel}
	if _, err := l.index.Search(ctx, source, request); !errors.Is(err, context.Canceled) || source.asked > 5000 {
		t.Errorf("a sort whose context ends: %v, after %d of %d matches", err, source.asked, matches)
	}
	if !l.index.turns.memory.TryAcquire(l.index.turns.most) {
		t.Error("a sort that has ended keeps its memory")
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.index.Search(ctx, &sortSource{}, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a sort that has no memory: %v", err)
	}
}
