package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// machine applies events to sets, and keeps plain lists of what must be in them.
type machine struct {
	t      *testing.T
	rand   *rand.Rand
	seed   uint64
	dir    string
	store  *store.Store
	sets   *Applier
	cursor uint64
	log    map[uint64]event.Event
	last   map[domain.LogicalID]uint64
	kept   map[domain.LogicalID][]uint64
	want   map[domain.ResourceType][]uint64 // ascending
}

func newMachine(t *testing.T, seed uint64) *machine {
	m := &machine{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(),
		log: map[uint64]event.Event{}, last: map[domain.LogicalID]uint64{}, kept: map[domain.LogicalID][]uint64{},
		want: map[domain.ResourceType][]uint64{},
	}
	m.open()
	t.Cleanup(func() { m.close() })
	return m
}

func (m *machine) lookup(position uint64) (event.Event, error) {
	e, ok := m.log[position]
	if !ok {
		return e, errors.New("no such record")
	}
	return e, nil
}

func (m *machine) open() {
	m.t.Helper()
	m.store = storetest.Open(m.t, m.dir)
	m.cursor = 0
	_, err := m.store.Get(keys.HistoryCursor, func(value []byte) error {
		m.cursor = binary.BigEndian.Uint64(value)
		return nil
	})
	if err == nil {
		m.sets, err = Open(m.store, m.cursor, m.lookup)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) close() {
	m.t.Helper()
	if err := m.store.Close(); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) finish(flush bool) {
	m.t.Helper()
	b := m.store.NewBatch()
	m.sets.Finish(b, flush)
	if err := b.Commit(); err != nil {
		m.t.Fatal(err)
	}
	m.sets.Committed()
}

// step applies an event of a random resource at a position. Positions in
// between stand for events of resources that are no concern here.
func (m *machine) step(position uint64) {
	m.t.Helper()
	id := domain.LogicalID(fmt.Sprint(m.rand.IntN(40)))
	e := event.Event{Kind: event.Written, Type: typeOf(id), ID: id, Previous: event.NoPosition}
	last, exists := m.last[id]
	if exists {
		e.Previous = last
		switch n := m.rand.IntN(30); {
		case n == 0:
			e.Kind = event.Erased
		case n == 1:
			e.Kind = event.HistoryPurged
		case n < 6:
			e.Kind = event.Deleted
		case n < 12:
			e.DropsPrevious = true
		}
	}
	m.log[position] = e
	kept := m.kept[id]
	switch e.Kind {
	case event.Erased:
		m.forget(e.Type, kept)
		kept = nil
		delete(m.last, id)
	case event.HistoryPurged:
		m.forget(e.Type, kept[:len(kept)-1])
		kept = kept[len(kept)-1:]
	default:
		if e.DropsPrevious {
			m.forget(e.Type, kept[len(kept)-1:])
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, position)
		m.want[e.Type] = append(m.want[e.Type], position)
		m.want[System] = append(m.want[System], position)
		m.last[id] = position
	}
	m.kept[id] = slices.Clone(kept)
	if err := m.sets.Apply(position, e); err != nil {
		m.t.Fatal(err)
	}
}

func typeOf(id domain.LogicalID) domain.ResourceType {
	return []domain.ResourceType{"Patient", "Observation", "Basic"}[int(id[0])%3]
}

func (m *machine) forget(t domain.ResourceType, positions []uint64) {
	for _, of := range []domain.ResourceType{t, System} {
		m.want[of] = slices.DeleteFunc(m.want[of], func(p uint64) bool { return slices.Contains(positions, p) })
	}
}

// check compares random ranges with the lists.
func (m *machine) check() {
	m.t.Helper()
	for t, list := range m.want {
		for range 4 {
			from, before := m.bound(list), m.bound(list)
			if m.rand.IntN(3) == 0 {
				from, before = 0, m.sets.Through()+m.rand.Uint64N(3)*BlockSize
			}
			var want []uint64
			for _, p := range list {
				if p >= from && p < before {
					want = append(want, p)
				}
			}
			if n, err := m.sets.Count(t, from, before, nil); err != nil || n != len(want) {
				m.t.Fatalf("seed %d: Count(%q, %d, %d) = %d, %v; want %d", m.seed, t, from, before, n, err, len(want))
			}
			down := m.rand.IntN(2) == 0
			if down {
				slices.Reverse(want)
			}
			limit := 1 + m.rand.IntN(2*len(want)+1)
			var got []uint64
			err := m.sets.Walk(t, from, before, down, nil, func(p uint64) (bool, error) {
				got = append(got, p)
				return len(got) < limit, nil
			})
			if err != nil || !slices.Equal(got, want[:min(limit, len(want))]) {
				m.t.Fatalf("seed %d: Walk(%q, %d, %d, down %t) = %d positions, %v; want %d", m.seed, t, from, before, down, len(got), err, len(want))
			}
		}
	}
}

// bound draws a position at, beside or far from one in the list.
func (m *machine) bound(list []uint64) uint64 {
	if len(list) > 0 && m.rand.IntN(2) == 0 {
		return list[m.rand.IntN(len(list))] + m.rand.Uint64N(2)
	}
	return m.rand.Uint64N(m.sets.Through()+BlockSize) &^ (BlockSize - 1 - m.rand.Uint64N(2)*(BlockSize-1))
}

// TestSetsAgreeWithLists: random events over several blocks, with batches,
// flushes, clean reopening and reopening without the head.
func TestSetsAgreeWithLists(t *testing.T) {
	rounds, steps := 3, 900
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newMachine(t, seed)
			position := uint64(0)
			for range steps {
				m.step(position)
				switch n := m.rand.IntN(100); {
				case n < 2:
					position += BlockSize / 3
				case n < 4:
					position = max(position, (position/BlockSize+1)*BlockSize-3) // around the edge of a block
				default:
					position++
				}
				position++
				switch n := m.rand.IntN(100); {
				case n < 20:
					m.finish(false)
				case n < 21:
					m.finish(true)
				case n < 22:
					m.finish(true)
					m.close()
					m.open()
				case n < 23:
					m.finish(false)
					m.reopenBehind()
				case n < 40:
					m.check()
				}
			}
			m.check()
			m.finish(true)
			m.checkCanonical()
		})
	}
}

// reopenBehind opens the sets as they are in the store, and applies again what
// the cursor does not cover.
func (m *machine) reopenBehind() {
	m.t.Helper()
	through := m.sets.Through()
	m.close()
	m.open()
	for position := m.cursor; position < through; position++ {
		if e, ok := m.log[position]; ok {
			if err := m.sets.Apply(position, e); err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

// checkCanonical builds the same sets again in one go: the keys and values must
// not tell how they came about.
func (m *machine) checkCanonical() {
	m.t.Helper()
	again := newMachine(m.t, m.seed)
	again.log = m.log
	for _, position := range slices.Sorted(maps.Keys(m.log)) {
		if err := again.sets.Apply(position, m.log[position]); err != nil {
			m.t.Fatal(err)
		}
	}
	again.finish(true)
	left, right := storetest.Contents(m.t, m.store), storetest.Contents(m.t, again.store)
	if !maps.Equal(left, right) {
		m.t.Fatalf("seed %d: the same sets are written in two ways (%d and %d keys)", m.seed, len(left), len(right))
	}
}

// TestReadersSeeWholeSets reads while the applier adds, removes, flushes and
// goes on to the next block. Positions of Patient stay, those of Basic come and go.
func TestReadersSeeWholeSets(t *testing.T) {
	s := storetest.Open(t, t.TempDir())
	defer s.Close()
	log := map[uint64]event.Event{}
	a, err := Open(s, 0, func(p uint64) (event.Event, error) { return log[p], nil })
	if err != nil {
		t.Fatal(err)
	}
	const step = 32 // every 32nd position has an event, to reach several blocks
	last := 3 * BlockSize / step
	if testing.Short() {
		last = BlockSize/step + 500
	}
	var mu sync.Mutex
	published := 0
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 3 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				n := published
				mu.Unlock()
				from := r.IntN(n + 1)
				got, err := a.Count("Patient", uint64(from)*step, uint64(n)*step, nil)
				if err != nil || got != n-from {
					t.Errorf("Count of Patient in [%d, %d) = %d, %v", from, n, got, err)
					return
				}
				next := n - 1
				err = a.Walk("Patient", 0, uint64(n)*step, true, nil, func(p uint64) (bool, error) {
					if p != uint64(next)*step {
						return false, fmt.Errorf("position %d where %d is expected", p, next*step)
					}
					next--
					return next > n-20, nil
				})
				if err != nil {
					t.Errorf("Walk: %v", err)
					return
				}
				if _, err := a.Count("Basic", 0, uint64(n)*step, nil); err != nil {
					t.Errorf("Count of Basic: %v", err)
					return
				}
			}
		})
	}
	previous := uint64(event.NoPosition)
	for i := range last {
		position := uint64(i) * step
		if err := a.Apply(position, event.Event{Kind: event.Written, Type: "Patient", Previous: event.NoPosition}); err != nil {
			t.Fatal(err)
		}
		e := event.Event{Kind: event.Written, Type: "Basic", Previous: previous, DropsPrevious: i%3 == 0}
		log[position+1] = e
		previous = position + 1
		if err := a.Apply(position+1, e); err != nil {
			t.Fatal(err)
		}
		if i%16 == 0 {
			b := s.NewBatch()
			a.Finish(b, false)
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			a.Committed()
		}
		mu.Lock()
		published = i + 1
		mu.Unlock()
	}
	close(stop)
	readers.Wait()
}

// TestMemoryIsTheHead: sets of older blocks do not stay in memory.
func TestMemoryIsTheHead(t *testing.T) {
	m := newMachine(t, 1)
	for block := range uint64(5) {
		for i := range uint64(20) {
			m.step(block*BlockSize + i)
		}
		m.finish(false)
		for id := range m.sets.open {
			if uint64(id.block) != block {
				t.Fatalf("in block %d, a set of block %d is in memory", block, id.block)
			}
		}
	}
}

// TestRemovedPositionsAreSeen: what was taken out of the sets is counted and walked
// over as long as it is to be seen, also where nothing else is left of a block.
func TestRemovedPositionsAreSeen(t *testing.T) {
	const step = BlockSize / 4
	s := storetest.Open(t, t.TempDir())
	log := map[uint64]event.Event{}
	a, err := Open(s, 0, func(position uint64) (event.Event, error) { return log[position], nil })
	if err != nil {
		t.Fatal(err)
	}
	var all, gone []uint64
	apply := func(position uint64, e event.Event) {
		t.Helper()
		log[position] = e
		if err := a.Apply(position, e); err != nil {
			t.Fatal(err)
		}
		b := s.NewBatch()
		a.Finish(b, true)
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		a.Committed()
	}
	for i := range uint64(14) {
		apply(i*step, event.Event{Kind: event.Written, Type: "Basic", ID: domain.LogicalID(fmt.Sprint(i)), Version: 1, Previous: event.NoPosition})
		all = append(all, i*step)
	}
	removed := func() ([]uint64, error) { return slices.Clone(gone), nil }
	check := func(removed Removed, want []uint64) {
		t.Helper()
		for from := uint64(0); from <= 14*step; from += step / 2 {
			for before := from; before <= 14*step+1; before += step / 2 {
				inside := slices.DeleteFunc(slices.Clone(want), func(p uint64) bool { return p < from || p >= before })
				for _, of := range []domain.ResourceType{"Basic", System} {
					if n, err := a.Count(of, from, before, removed); err != nil || n != len(inside) {
						t.Fatalf("Count(%q, %d, %d) = %d, %v; want %d", of, from, before, n, err, len(inside))
					}
					var walked []uint64
					err := a.Walk(of, from, before, false, removed, func(p uint64) (bool, error) {
						walked = append(walked, p)
						return true, nil
					})
					if err != nil || !slices.Equal(walked, inside) {
						t.Fatalf("Walk(%q, %d, %d) = %v, %v; want %v", of, from, before, walked, err, inside)
					}
				}
			}
		}
	}
	for i, at := range []uint64{1, 4, 5, 6, 7, 13} { // all of the second block
		apply(14*step+uint64(i), event.Event{Kind: event.Erased, Type: "Basic", ID: domain.LogicalID(fmt.Sprint(at)), Version: 1, Previous: at * step})
		gone = append(gone, at*step)
		check(removed, all)
		check(nil, slices.DeleteFunc(slices.Clone(all), func(p uint64) bool { return slices.Contains(gone, p) }))
	}
	failure := errors.New("it is not known")
	failing := func() ([]uint64, error) { return nil, failure }
	if _, err := a.Count("Basic", 0, 14*step, failing); !errors.Is(err, failure) {
		t.Errorf("Count: %v", err)
	}
	if err := a.Walk("Basic", 0, 14*step, true, failing, nil); !errors.Is(err, failure) {
		t.Errorf("Walk: %v", err)
	}
}
