package store

import (
	"fmt"
	"testing"
)

// BenchmarkVerifyTables reads a store of a million small keys.
func BenchmarkVerifyTables(b *testing.B) {
	b.Run("plain", func(b *testing.B) { verifyTablesOf(b, Options{}) })
	b.Run("encrypted", func(b *testing.B) { verifyTablesOf(b, Options{Keys: newRing()}) })
}

func verifyTablesOf(b *testing.B, o Options) {
	dir := b.TempDir()
	s := open(b, dir, o)
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
	key, err := o.key(dir)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := verifyTables(dir, key, true); err != nil {
			b.Fatal(err)
		}
	}
}
