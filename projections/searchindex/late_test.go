package searchindex

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fhirlog/domain/event"
	"fhirlog/domain/search"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// lateSlots are those of the parameter that comes late.
const lateSlot search.Slot = 1 << 31

// lateEntries draws the values of a late parameter: several of a kind, in any
// order.
func lateEntries(r *rand.Rand) *search.Values {
	v := new(search.Values)
	for range r.IntN(3) {
		v.AddPosting(key(lateSlot, search.AspectValue, string(rune('a'+r.IntN(4)))))
	}
	for range r.IntN(4) {
		low := int64(r.IntN(9))
		v.AddColumn(key(lateSlot, search.AspectValue, "unit"), low, low+int64(r.IntN(2)))
	}
	for range r.IntN(3) {
		v.AddForward(key(lateSlot, search.AspectForward), search.AppendComponent(nil, fmt.Sprint(r.IntN(20))))
	}
	return v
}

// lateIndex is an index over versions that follow each other.
type lateIndex struct {
	t     *testing.T
	store *store.Store
	index *Index
	stop  func()
}

func newLateIndex(t *testing.T) *lateIndex {
	s, err := store.Open(t.TempDir(), store.Options{MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l := &lateIndex{t: t, store: s}
	if l.index, err = Open(s, 0, 0, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.index.Write(ctx) }()
	l.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b := s.NewBatch()
		l.index.Save(b)
		if err := b.Commit(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *lateIndex) apply(position uint64, parts ...*search.Values) {
	l.t.Helper()
	all := new(search.Values)
	for _, part := range parts {
		part.Each(func(e search.Entry) {
			switch e.Kind {
			case search.Posting:
				all.AddPosting(e.Key)
			case search.Column:
				all.AddColumn(e.Key, e.Low, e.High)
			case search.Forward:
				all.AddForward(e.Key, e.Target)
			}
		})
	}
	if err := l.index.Apply(position, event.Event{Kind: event.Written, Previous: event.NoPosition}, all); err != nil {
		l.t.Fatal(err)
	}
}

// count searches for a late posting as of a snapshot.
func (l *lateIndex) count(value string, snapshot uint64) int {
	l.t.Helper()
	found, err := l.index.view(context.Background(), snapshot, 0).matchKey(key(lateSlot, search.AspectValue, value))
	if err != nil {
		l.t.Fatal(err)
	}
	return found.size()
}

// TestLateValues: an index whose values came late, in blocks of the store and in
// memory, the first part of them twice, has the same keys and values as one that
// had them from the beginning. Values that came in time stand in the same block.
func TestLateValues(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	const end, registered = 4*BlockSize + 500, 2*BlockSize + 9000
	atOnce, late := newLateIndex(t), newLateIndex(t)
	plain := new(search.Values)
	plain.AddPosting(key(search.SlotType, search.AspectValue, "Patient"))
	var waiting, inTime []Late
	want := map[string]int{}
	for position := range uint64(end) {
		more := new(search.Values)
		if position%3 == 0 || position > end-600 {
			more = lateEntries(r)
		}
		atOnce.apply(position, plain, more)
		if position >= registered {
			inTime = append(inTime, Late{position, more})
		} else if late.apply(position, plain); more.Bytes() > 0 {
			waiting = append(waiting, Late{position, more})
		}
		seen := map[string]bool{}
		more.Each(func(e search.Entry) {
			if value, _, _ := search.CutComponent(search.ValueOf(e.Key)); e.Kind == search.Posting && !seen[string(value)] {
				seen[string(value)] = true
				want[string(value)]++
			}
		})
	}
	late.count("a", end) // is kept in memory, and must be forgotten
	positions, err := late.index.Positions(nil, [][]byte{key(search.SlotType, search.AspectValue, "Patient")}, 2, registered)
	if err != nil || len(positions) != 9000 || positions[0] != 2*BlockSize || positions[8999] != registered-1 {
		t.Fatalf("Positions: %d of them, %v", len(positions), err)
	}
	var group sync.WaitGroup
	group.Go(func() { // blocks go into the store meanwhile
		for _, l := range inTime {
			late.apply(l.Position, plain, l.Values)
		}
	})
	for block := range BlocksBefore(registered) {
		part := slices.DeleteFunc(slices.Clone(waiting), func(l Late) bool { return blockOf(l.Position) != block })
		times := 1 + r.IntN(2)
		if half := part[:len(part)/2]; times == 2 {
			if err := late.index.AddLate(block, half, func(*store.Batch) {}); err != nil {
				t.Fatal(err)
			}
		}
		inStore := block < late.index.Stored()
		told := false
		if err := late.index.AddLate(block, part, func(*store.Batch) { told = true }); err != nil {
			t.Fatal(err)
		}
		if inStore && !told {
			t.Errorf("block %d is in the store, and that is not told", block)
		}
	}
	group.Wait()
	for value, n := range want {
		if got := late.count(value, end); got != n {
			t.Errorf("%d positions with %s, want %d", got, value, n)
		}
	}
	atOnce.stop()
	late.stop()
	a, b := storetest.Contents(t, atOnce.store), storetest.Contents(t, late.store)
	if !maps.Equal(a, b) {
		for k := range a {
			if a[k] != b[k] {
				t.Errorf("%q: %x late, %x at once", k, b[k], a[k])
				break
			}
		}
		t.Fatalf("seed %d: %d keys late, %d at once", seed, len(b), len(a))
	}
}

// TestRemoveSlots: nothing of the slot is left anywhere, and everything else is.
func TestRemoveSlots(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	l, never := newLateIndex(t), newLateIndex(t)
	for position := range uint64(2*BlockSize + 300) {
		plain := new(search.Values)
		plain.AddPosting(key(lateSlot-1, search.AspectValue, fmt.Sprint(position%7)))
		plain.AddPosting(key(lateSlot+1, search.AspectValue, fmt.Sprint(position%7)))
		l.apply(position, plain, lateEntries(r))
		never.apply(position, plain)
	}
	l.count("a", 100)
	told := 0
	if err := l.index.RemoveSlots(t.Context(), []search.Slot{lateSlot}, func(*store.Batch) { told++ }); err != nil || told != 1 {
		t.Fatalf("RemoveSlots: %v, told %d times", err, told)
	}
	for _, snapshot := range []uint64{100, 2*BlockSize + 300} {
		if n := l.count("a", snapshot); n != 0 {
			t.Errorf("%d positions are left as of %d", n, snapshot)
		}
	}
	l.stop()
	never.stop()
	if a, b := storetest.Contents(t, l.store), storetest.Contents(t, never.store); !maps.Equal(a, b) {
		for k := range a {
			if a[k] != b[k] {
				t.Errorf("%q is left", k)
				break
			}
		}
		t.Fatalf("%d keys after removal, %d where they never were", len(a), len(b))
	}
}

// TestArranged: values have one order, and each stands once.
func TestArranged(t *testing.T) {
	h := newHead(0)
	add := func(low uint16, values ...int64) {
		v := new(search.Values)
		for _, value := range values {
			v.AddColumn(key(lateSlot, search.AspectValue), value, value+1)
			v.AddForward(key(lateSlot, search.AspectForward), search.AppendComponent(nil, fmt.Sprint(value)))
		}
		h.add(low, v)
	}
	add(3, 9, 1, 9)
	add(5, 2)
	add(8, 7, 6)
	for _, e := range h.byKey {
		sorted := h.arranged(e)
		if !slices.Equal(sorted.lows, []uint16{3, 3, 5, 8, 8}) {
			t.Errorf("%q: offsets %v", e.key, sorted.lows)
		}
		if e.kind == search.Column && !slices.Equal(sorted.low, []int64{1, 9, 2, 6, 7}) {
			t.Errorf("values %v", sorted.low)
		}
		if again := h.arranged(sorted); again != sorted {
			t.Error("what is arranged is arranged again")
		}
		if !slices.Equal(e.lows, []uint16{3, 3, 3, 5, 8, 8}) {
			t.Errorf("the entry itself has changed: %v", e.lows)
		}
		if !bytes.Equal(h.encode(e), h.encode(sorted)) {
			t.Error("the form on disk depends on the order")
		}
	}
}
