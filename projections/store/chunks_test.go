package store

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestLargeValues: values of any size come back whole, also in the place of longer
// ones, and nothing is left of those that are deleted.
func TestLargeValues(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small())
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		return b
	}
	want := map[string][]byte{}
	for _, sizes := range [][]int{{s.maxValue, s.maxValue + 1, 5 << 20}, {s.maxValue + 1, 3*s.maxValue + 1, 2 * s.maxValue}} {
		b := s.NewBatch()
		for i, n := range sizes {
			key := string(rune('a' + i))
			b.Delete([]byte(key))
			want[key] = random(n)
			b.Put([]byte(key), want[key])
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			seen := 0
			if err := s.Scan(Range{}, func(key, value []byte) (bool, error) {
				seen++
				if !bytes.Equal(value, want[string(key)]) {
					t.Errorf("%q: %d bytes, want %d others", key, len(value), len(want[string(key)]))
				}
				return true, nil
			}); err != nil || seen != len(want) {
				t.Fatalf("%d values, %v", seen, err)
			}
			for key := range want {
				ok, err := s.Get([]byte(key), func(value []byte) error {
					if !bytes.Equal(value, want[key]) {
						t.Errorf("Get(%q): %d bytes, want %d others", key, len(value), len(want[key]))
					}
					return nil
				})
				if !ok || err != nil {
					t.Errorf("Get(%q): %v, %v", key, ok, err)
				}
			}
			closed(t, s)
			s = open(t, dir, small())
		}
	}
	b := s.NewBatch()
	b.Delete(chunkKey([]byte("b"), 1))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get([]byte("b"), func([]byte) error { return nil }); err == nil {
		t.Error("a value without one of its chunks is read")
	}
	for key := range want {
		b.Delete([]byte(key))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scan(Range{Prefix: ChunksOf(nil), KeysOnly: true}, func(key, _ []byte) (bool, error) {
		if !bytes.HasPrefix(key, ChunksOf([]byte("b"))) { // of which one was taken away
			t.Errorf("%q is left", key)
		}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
}
