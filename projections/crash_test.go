package projections

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/projections/store"
)

// randomLog has commits of all sizes about few resources.
func randomLog(r *rand.Rand, records int) *script {
	log := newScript()
	for len(log.records) < records {
		n := 1 + r.IntN(4)
		if r.IntN(40) == 0 {
			n = 300
		}
		var changes []change
		used := map[place]bool{}
		for range n {
			at := place{[]domain.ResourceType{"Patient", "Observation", "Basic"}[r.IntN(3)], domain.LogicalID(fmt.Sprint("r", r.IntN(150)))}
			if used[at] {
				continue
			}
			used[at] = true
			c := write(at.t, at.id)
			if _, exists := log.last[at]; exists {
				switch r.IntN(16) {
				case 0:
					c.kind = event.Erased
				case 1:
					c.kind = event.HistoryPurged
				case 2, 3:
					c.kind = event.Deleted
				case 4, 5:
					c.drops = true
				}
			}
			changes = append(changes, c)
		}
		log.commit(changes...)
	}
	return log
}

// TestACrashAnywhereLosesNothing stops in front of a random transaction of
// Badger, also in the middle of batches, starts again, and so on to the end. The
// keys and values are then those of a run without any stop.
func TestACrashAnywhereLosesNothing(t *testing.T) {
	sizes := []int{3000, 3000, 3000, 3000, 9500} // the last is more than the history keeps in memory
	if testing.Short() {
		sizes = sizes[:1]
	}
	crash := errors.New("crash")
	crashes, split := 0, 0 // stops, and runs in which a batch took several transactions
	for _, records := range sizes {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			log := randomLog(r, records)
			straight := t.TempDir()
			build(t, log, straight)
			want := contents(t, straight)

			dir := t.TempDir()
			for {
				left := 1 + r.IntN(records/200)
				transactions, batches := 0, 0
				o := testOptions(dir)
				// Small memtables make small transactions, so that batches are split.
				o.Store = store.Options{MemTableBytes: 128 << 10, BeforeWrite: func() error {
					if left--; left < 0 {
						return crash
					}
					transactions++
					return nil
				}}
				o.Observe = func(int) { batches++ }
				log.group = 1 + r.IntN(1500)
				p, rebuilt, err := Open(log, o)
				if errors.Is(err, crash) {
					continue
				}
				if err != nil || rebuilt != nil {
					t.Fatalf("Open after %d crashes: rebuilt because of %v, %v", crashes, rebuilt, err)
				}
				before := p.Applied()
				log.end(errLogEnd)
				err = p.Run(t.Context())
				if closeErr := p.Close(); closeErr != nil {
					t.Fatal(closeErr)
				}
				if transactions > batches+1 {
					split++
				}
				if err == nil {
					t.Fatal("Run ended without an error, although the log has none but errLogEnd")
				}
				if !errors.Is(err, crash) {
					if !errors.Is(err, errLogEnd) {
						t.Fatal(err)
					}
					break
				}
				if crashes++; crashes > 500 {
					t.Fatalf("no progress: applied %d of %d", before, len(log.records))
				}
			}
			log.end(nil)
			build(t, log, dir) // writes what was only in memory
			if got := contents(t, dir); !maps.Equal(got, want) {
				t.Errorf("after %d crashes there are %d keys, without %d, or other values", crashes, len(got), len(want))
			}
		})
	}
	if crashes < len(sizes) || split == 0 {
		t.Errorf("%d crashes, %d runs with split batches: the test reached too little", crashes, split)
	}
}

var errLogEnd = errors.New("the end of this log")

// TestRunFromAnEarlierCursor applies again what the current state holds.
func TestRunFromAnEarlierCursor(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	log := randomLog(r, 3000)
	dir := t.TempDir()
	build(t, log, dir)
	want := contents(t, dir)
	for range 5 {
		p := open(t, log, dir)
		from := r.IntN(len(log.records))
		for !log.records[from].CommitEnd {
			from++
		}
		p.currentAt = uint64(from + 1)
		for i := from + 1; i < len(log.records); i++ {
			b := p.store.NewBatch()
			if err := p.applyRecords(b, log.records[i:i+1]); err != nil {
				t.Fatal(err)
			}
			if log.records[i].CommitEnd {
				if err := p.commit(b, r.IntN(10) == 0); err != nil {
					t.Fatal(err)
				}
			} else if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.commit(p.store.NewBatch(), true); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(contents(t, dir), want) {
			t.Fatalf("seed %d: applying again from position %d changed something", seed, from+1)
		}
	}
}
