package keyring

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"fhirlog/eventlog/faultfs"
)

// changes are what may be interrupted: the ring has the keys "a" and "b" before.
var changes = map[string]func(r *Ring) error{
	"new":    func(r *Ring) error { _, err := r.New("c"); return err },
	"drop":   func(r *Ring) error { return r.Drop("a", "nothing") },
	"rotate": func(r *Ring) error { return r.Rotate(background, operator(2)) },
}

// TestRing_survives_a_fault_at_every_operation: whatever fails, with or without effect,
// and whatever happens to the machine then, the file is the one before or the one
// after, whole.
func TestRing_survives_a_fault_at_every_operation(t *testing.T) {
	for what, change := range changes {
		whole := faultfs.New()
		r := create(t, whole, operator(1))
		a, b := mustNew(t, r, "a"), mustNew(t, r, "b")
		before := whole.Clone()
		whole.FailAt(0, faultfs.None)
		if err := change(r); err != nil {
			t.Fatal(err)
		}
		total := whole.Operations()
		outcomes := map[string]int{}
		for n := 1; n <= total+1; n++ {
			for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
				for _, halts := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, operation %d, effect %d, halts %t", what, n, effect, halts), func(t *testing.T) {
						disk := before.Clone()
						r := open(t, disk, operator(1))
						if halts {
							disk.HaltAt(n, effect)
						} else {
							disk.FailAt(n, effect)
						}
						err := change(r)
						if err == nil && n <= total && halts {
							t.Error("the process has ended, and the change was told to be done")
						}
						if !halts {
							goesOn(t, what, r, err, a, b)
						}
						checkFates(t, what, disk, err, halts, a, b, outcomes)
					})
				}
			}
		}
		if outcomes["before"] == 0 || outcomes["after"] == 0 {
			t.Errorf("%s: outcomes %v: the test has lost its grip", what, outcomes)
		}
	}
}

// goesOn does in the same process again what has failed.
func goesOn(t *testing.T, what string, r *Ring, err error, a, b [KeySize]byte) {
	t.Helper()
	got := contentOf(t, r)
	if _, made := got["c"]; got["b"] != b || (got["a"] == a) != (what != "drop" || err != nil) || made != (what == "new" && err == nil) {
		t.Errorf("after %v the ring has %d keys", err, len(got))
	}
	if err == nil {
		return
	}
	if err := changes[what](r); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

// checkFates reads the file as it may be after a restart or a power cut.
func checkFates(t *testing.T, what string, disk *faultfs.FS, err error, halts bool, a, b [KeySize]byte, outcomes map[string]int) {
	t.Helper()
	for fate, survival := range map[string]faultfs.Survival{"nothing": faultfs.Nothing, "everything": faultfs.Everything, "pieces": faultfs.Pieces} {
		after := disk.Clone()
		after.PowerCut(survival, rand.New(rand.NewPCG(1, 2)))
		r, errOld := Open(background, Options{FS: after, Path: path, Operator: operator(1)})
		if errOld != nil {
			var errNew error
			if r, errNew = Open(background, Options{FS: after, Path: path, Operator: operator(2)}); errNew != nil {
				t.Fatalf("%s survived: neither key opens it: %v, %v", fate, errOld, errNew)
			}
			if !errors.Is(errOld, ErrWrongKey) {
				t.Errorf("%s survived: the former key: %v, want ErrWrongKey", fate, errOld)
			}
		}
		got := contentOf(t, r)
		isAfter := what == "rotate" && errOld != nil || what == "drop" && got["a"] != a || what == "new" && len(got) == 3
		want := map[string][KeySize]byte{"a": a, "b": b}
		if isAfter && what == "drop" {
			delete(want, "a")
		}
		if isAfter && what == "new" {
			want["c"] = got["c"]
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s survived: %d keys, want %d", fate, len(got), len(want))
		}
		done := err == nil || !halts // then it was done, the second time at the latest
		if done && !isAfter {
			t.Errorf("%s survived: what was done is undone", fate)
		}
		if isAfter {
			outcomes["after"]++
		} else {
			outcomes["before"]++
		}
		if _, err := r.New("and-so-on"); err != nil { // also where something was left half made
			t.Errorf("%s survived: New = %v", fate, err)
		}
	}
}

// TestCreate_survives_a_fault_at_every_operation: then there is a whole ring, or none.
func TestCreate_survives_a_fault_at_every_operation(t *testing.T) {
	whole := faultfs.New()
	create(t, whole, operator(1))
	for n := 1; n <= whole.Operations(); n++ {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			disk := faultfs.New()
			disk.HaltAt(n, effect)
			o := Options{FS: disk, Path: path, Operator: operator(1)}
			if r, err := Create(background, o); err == nil || r != nil {
				t.Errorf("operation %d: Create = %v, although the process has ended", n, err)
			}
			disk.PowerCut(faultfs.Pieces, rand.New(rand.NewPCG(uint64(n), 2)))
			r, err := Open(background, o)
			if err != nil {
				r, err = Create(background, o)
			}
			if err != nil {
				t.Fatalf("operation %d: neither there nor to be made: %v", n, err)
			}
			mustNew(t, r, "a")
		}
	}
}
