package store

import (
	"fmt"
	"testing"
)

// BenchmarkVerifyTables reads a store of a million small keys.
func BenchmarkVerifyTables(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, Options{})
	for i := 0; i < 1_000_000; i += 1000 {
		batch := s.NewBatch()
		for j := range 1000 {
			batch.Put(fmt.Appendf(nil, "cObservation\x00%026d", (i+j)*7919%1_000_003), fmt.Appendf(nil, "%012d", i+j))
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	closed(b, s)
	for b.Loop() {
		if err := verifyTables(dir, nil, true); err != nil {
			b.Fatal(err)
		}
	}
}
