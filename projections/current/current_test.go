package current

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

func TestRowsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	number := func() uint64 { return r.Uint64() >> r.IntN(64) }
	for range 2000 {
		want := Row{Position: number(), Version: domain.VersionID(number()), Deleted: r.IntN(2) == 0, Kept: number(), Touched: number()}
		encoded := want.encode()
		if got, err := decodeRow(encoded); err != nil || got != want {
			t.Fatalf("decodeRow(encode(%+v)) = %+v, %v", want, got, err)
		}
		for n := range encoded {
			if got, err := decodeRow(encoded[:n]); err == nil {
				t.Fatalf("the first %d bytes of %x decode as %+v", n, encoded, got)
			}
		}
		if got, err := decodeRow(append(encoded, 0)); err == nil {
			t.Fatalf("%x 00 decodes as %+v", encoded, got)
		}
	}
	if got, err := decodeRow([]byte{1, 1, 2, 1, 1}); err == nil {
		t.Errorf("an unknown flag decodes as %+v", got)
	}
}

func TestDamagedKeysAreErrors(t *testing.T) {
	s := storetest.New(t)
	b := s.NewBatch()
	b.Put(keys.Current("Basic", "a"), []byte{1, 2})
	b.Put(keys.Version("Basic", "a", 1), []byte{0x80})
	b.Put(keys.Version("Basic", "a", 2), []byte{1, 1})
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Get(s, "Basic", "a"); !errors.Is(err, errDamaged) {
		t.Errorf("Get: %v", err)
	}
	for v := range domain.VersionID(2) {
		if _, _, err := VersionPosition(s, "Basic", "a", v+1); !errors.Is(err, errDamaged) {
			t.Errorf("VersionPosition(%d): %v", v+1, err)
		}
	}
	if err := OldVersions(s, "Basic", "a", 0, false, func(domain.VersionID, uint64) bool { return true }); !errors.Is(err, errDamaged) {
		t.Errorf("OldVersions: %v", err)
	}
	a := NewApplier(s, nil)
	if err := a.Apply(s.NewBatch(), 9, event.Event{Kind: event.Written, Type: "Basic", ID: "a", Version: 3, Previous: 1}); !errors.Is(err, errDamaged) {
		t.Errorf("Apply over a damaged row: %v", err)
	}
	if err := a.Apply(s.NewBatch(), 9, event.Event{Kind: 77, Type: "Basic", ID: "b", Previous: event.NoPosition}); err == nil {
		t.Error("Apply took an event of kind 77")
	}
}

// history is a log of random events about a few resources.
type history struct {
	events  []event.Event
	ends    []int // of commits
	current map[domain.LogicalID]int
}

func randomHistory(r *rand.Rand, n int) *history {
	h := &history{current: map[domain.LogicalID]int{}}
	for len(h.events) < n {
		id := domain.LogicalID(fmt.Sprint("r", r.IntN(12)))
		e := event.Event{Kind: event.Written, Interaction: event.Update, Type: "Basic", ID: id, Version: 1, Previous: event.NoPosition}
		if at, exists := h.current[id]; exists {
			before := h.events[at]
			e.Version, e.Previous = before.Version+1, uint64(at)
			switch k := r.IntN(20); {
			case k < 2:
				e.Kind, e.Version = event.Erased, before.Version
			case k < 4:
				e.Kind, e.Version = event.HistoryPurged, before.Version
			case k < 8:
				e.Kind = event.Deleted
			case k < 11:
				e.DropsPrevious = true
			}
		}
		switch e.Kind {
		case event.Erased:
			delete(h.current, id)
		case event.Written, event.Deleted:
			h.current[id] = len(h.events)
		}
		h.events = append(h.events, e)
		if r.IntN(2) == 0 {
			h.ends = append(h.ends, len(h.events))
		}
	}
	h.ends = append(h.ends, len(h.events))
	return h
}

func (h *history) lookup(position uint64) (event.Event, error) {
	if position >= uint64(len(h.events)) {
		return event.Event{}, errors.New("no such record")
	}
	return h.events[position], nil
}

// apply applies [from, to) in batches that end where commits do.
func (h *history) apply(t *testing.T, s *store.Store, r *rand.Rand, from, to int) {
	t.Helper()
	a := NewApplier(s, h.lookup)
	b := s.NewBatch()
	for i := from; i < to; i++ {
		if err := a.Apply(b, uint64(i), h.events[i]); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(h.ends, i+1) && r.IntN(3) == 0 || i+1 == to {
			a.Finish(b)
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			if len(a.rows) != 0 {
				t.Fatalf("%d rows stay in memory after a batch", len(a.rows))
			}
		}
	}
}

// TestApplyingTwiceChangesNothing: whatever was applied before, applying all from
// an earlier position on gives the same keys and values. So does any division
// into batches.
func TestApplyingTwiceChangesNothing(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		h := randomHistory(r, 300)
		once := storetest.New(t)
		h.apply(t, once, r, 0, len(h.events))
		want := storetest.Contents(t, once)
		checkRows(t, seed, h, once)

		again := storetest.New(t)
		reached := 0
		for reached < len(h.events) {
			from := h.end(r, 0, reached)
			reached = h.end(r, reached+1, len(h.events))
			h.apply(t, again, r, from, reached)
		}
		if got := storetest.Contents(t, again); !maps.Equal(got, want) {
			t.Fatalf("seed %d: applied in overlapping pieces there are %d keys, at once %d, or other values", seed, len(got), len(want))
		}
	}
}

// end draws the end of a commit in [low, high].
func (h *history) end(r *rand.Rand, low, high int) int {
	n := low + r.IntN(high-low+1)
	for n > 0 && n < high && !slices.Contains(h.ends, n) {
		n++
	}
	return n
}

// checkRows compares the rows and the old versions with what the events say.
func checkRows(t *testing.T, seed uint64, h *history, s *store.Store) {
	t.Helper()
	kept := map[domain.LogicalID][]uint64{}
	for i, e := range h.events {
		list := kept[e.ID]
		switch {
		case e.Kind == event.Erased:
			list = nil
		case e.Kind == event.HistoryPurged:
			list = list[len(list)-1:]
		default:
			if e.DropsPrevious {
				list = list[:len(list)-1]
			}
			list = append(slices.Clone(list), uint64(i))
		}
		kept[e.ID] = slices.Clone(list)
	}
	for id, list := range kept {
		row, found, err := Get(s, "Basic", id)
		if err != nil || found != (len(list) > 0) {
			t.Fatalf("seed %d: Get(%s) = %t, %v; want %d versions", seed, id, found, err, len(list))
		}
		if !found {
			continue
		}
		last := list[len(list)-1]
		e := h.events[last]
		if row.Position != last || row.Version != e.Version || row.Deleted != (e.Kind == event.Deleted) || row.Kept != uint64(len(list)) {
			t.Fatalf("seed %d: row of %s is %+v; want position %d, %d kept", seed, id, row, last, len(list))
		}
		var up, down []uint64
		collect := func(to *[]uint64) func(domain.VersionID, uint64) bool {
			return func(v domain.VersionID, position uint64) bool {
				if h.events[position].Version != v {
					t.Errorf("seed %d: version %d of %s is said to be at %d", seed, v, id, position)
				}
				*to = append(*to, position)
				return true
			}
		}
		err = errors.Join(
			OldVersions(s, "Basic", id, 0, false, collect(&up)),
			OldVersions(s, "Basic", id, math.MaxUint64, true, collect(&down)))
		slices.Reverse(down)
		if err != nil || !slices.Equal(up, list[:len(list)-1]) || !slices.Equal(down, up) {
			t.Fatalf("seed %d: old versions of %s: %v up, %v down, %v; want %v", seed, id, up, down, err, list[:len(list)-1])
		}
	}
}

func TestVersionPositionOfAVersionThatIsNotKept(t *testing.T) {
	s := storetest.New(t)
	b := s.NewBatch()
	b.Put(keys.Version("Basic", "a", 2), binary.AppendUvarint(nil, 7))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	for v, want := range map[domain.VersionID]bool{1: false, 2: true, 3: false} {
		position, found, err := VersionPosition(s, "Basic", "a", v)
		if err != nil || found != want || found && position != 7 {
			t.Errorf("VersionPosition(%d) = %d, %t, %v", v, position, found, err)
		}
	}
}
