package commit

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// decide has a claim decided as attempt does.
func decide(ctx context.Context, d *decider, c *claim, order func() (first uint64, err error)) (waitFor uint64, err error) {
	if err := d.enter(ctx); err != nil {
		return 0, err
	}
	defer d.leave()
	if waitFor = d.conflict(c); waitFor != 0 {
		return waitFor, nil
	}
	first, err := order()
	if err == nil {
		d.remember(c, first)
	}
	return 0, err
}

// decideOne asks for one key, and orders it at the position given.
func decideOne(t *testing.T, d *decider, snapshot, key, position uint64) (waitFor uint64, ordered bool) {
	t.Helper()
	keys := []uint64{key}
	waitFor, err := decide(t.Context(), d, &claim{snapshot: snapshot, relied: keys, written: keys}, func() (uint64, error) {
		ordered = true
		return position, nil
	})
	if err != nil || ordered != (waitFor == 0) {
		t.Fatalf("decide: wait for %d, ordered %t, %v", waitFor, ordered, err)
	}
	return waitFor, ordered
}

func TestDecide(t *testing.T) {
	d := newDecider(10)
	for _, step := range []struct{ snapshot, key, position, waitFor uint64 }{
		{9, 1, 0, 10},  // planned before what was there at the beginning
		{10, 1, 10, 0}, // nothing in between
		{10, 1, 0, 11}, // position 10 was not seen
		{10, 2, 11, 0}, // another key
		{11, 1, 12, 0}, // position 10 was seen
		{12, 1, 0, 13},
		{12, 2, 13, 0},
		{14, 1, 14, 0},
	} {
		if got, _ := decideOne(t, d, step.snapshot, step.key, step.position); got != step.waitFor {
			t.Errorf("decide(snapshot %d, key %d) waits for %d, want %d", step.snapshot, step.key, got, step.waitFor)
		}
	}
}

func TestDecideSeparatesReliedFromWritten(t *testing.T) {
	d := newDecider(0)
	ask := func(snapshot uint64, relied, written []uint64, first uint64) uint64 {
		waitFor, err := decide(t.Context(), d, &claim{snapshot: snapshot, relied: relied, written: written}, func() (uint64, error) { return first, nil })
		if err != nil {
			t.Fatal(err)
		}
		return waitFor
	}
	if got := ask(0, []uint64{1, 2, 3}, []uint64{3}, 0); got != 0 {
		t.Fatalf("waits for %d", got)
	}
	// Only 3 was written, at position 0, and no more than one record is there to wait for.
	if got := ask(0, []uint64{1, 2}, []uint64{1, 2}, 1); got != 0 {
		t.Errorf("what was relied on counts as written: waits for %d", got)
	}
	if got := ask(0, []uint64{3}, nil, 9); got != 1 {
		t.Errorf("waits for %d, want 1", got)
	}
	if got := ask(0, []uint64{2, 3}, nil, 9); got != 3 {
		t.Errorf("waits for %d, want 3: key 2 was written second", got)
	}
}

func TestAFailedOrderIsNotRemembered(t *testing.T) {
	d := newDecider(0)
	surprise := errors.New("surprise")
	keys := []uint64{1}
	if _, err := decide(t.Context(), d, &claim{relied: keys, written: keys}, func() (uint64, error) { return 0, surprise }); !errors.Is(err, surprise) {
		t.Errorf("decide: %v, want %v", err, surprise)
	}
	if waitFor, _ := decideOne(t, d, 0, 1, 0); waitFor != 0 {
		t.Errorf("waits for %d", waitFor)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	d.turn <- struct{}{} // somebody else's turn
	if _, err := decide(cancelled, d, &claim{relied: keys, written: keys}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("decide: %v, want Canceled", err)
	}
}

// TestGenerationsRotate: memory stays bounded, and what is forgotten is never
// taken for unwritten.
func TestGenerationsRotate(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	d := newDecider(0)
	const keys, writes = 3 * generationSize, 4 * generationSize
	last := make([]uint64, keys) // 1 + position of the last write
	next := uint64(0)
	conflicts, forgotten := 0, 0
	for range writes {
		key := r.Uint64N(keys)
		snapshot := next - min(next, r.Uint64N(3*generationSize))
		from := d.old.from
		waitFor, ordered := decideOne(t, d, snapshot, key, next)
		switch {
		case ordered && last[key] > snapshot:
			t.Fatalf("seed %d: key %d was written at %d, and a plan of snapshot %d was ordered", seed, key, last[key]-1, snapshot)
		case ordered:
			next++
			last[key] = next
		case waitFor > next || waitFor <= snapshot:
			t.Fatalf("seed %d: wait for %d with %d records and snapshot %d", seed, waitFor, next, snapshot)
		case snapshot < from:
			forgotten++
		default:
			conflicts++
		}
		if n := len(d.young.written) + len(d.old.written); n > 2*generationSize {
			t.Fatalf("seed %d: %d keys are remembered", seed, n)
		}
	}
	if conflicts == 0 || forgotten == 0 || d.old.from == 0 {
		t.Errorf("seed %d: %d conflicts, %d plans too old, old generation from %d: the test reached too little", seed, conflicts, forgotten, d.old.from)
	}
}

func TestKeysDiffer(t *testing.T) {
	d := newDecider(0)
	again := d.key("A", "B")
	if d.key("AB", "C") == d.key("A", "BC") || d.key("A", "B") != again {
		t.Error("keys of type and id are not what they should be")
	}
}
