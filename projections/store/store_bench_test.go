package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchKeys are written by BenchmarkStore, in the order of a load: ids at random,
// values that hardly compress. It makes some forty tables.
const benchKeys = 1_000_000

func benchKey(i int) []byte {
	return fmt.Appendf(nil, "cObservation\x00%026d", i*7919%1_000_003)
}

// BenchmarkStore writes a million small keys, and reads single ones and runs of a
// hundred of them, with and without encryption.
func BenchmarkStore(b *testing.B) {
	for mode, o := range map[string]Options{"plain": {}, "encrypted": {Keys: newRing()}} {
		dir := b.TempDir()
		b.Run(mode+"/write", func(b *testing.B) {
			s := open(b, dir, o)
			defer closed(b, s)
			n := 0
			for b.Loop() {
				batch := s.NewBatch()
				for range 1000 {
					batch.Put(benchKey(n%benchKeys), fmt.Appendf(nil, "%016x", rand.Uint64()))
					n++
				}
				if err := batch.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(n)*1e9, "ns/key")
		})
		s := open(b, dir, o)
		for i := 0; i < benchKeys; i += 1000 {
			batch := s.NewBatch()
			for j := range 1000 {
				batch.Put(benchKey(i+j), fmt.Appendf(nil, "%016x", rand.Uint64()))
			}
			if err := batch.Commit(); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(mode+"/get", func(b *testing.B) {
			for b.Loop() {
				found, err := s.Get(benchKey(rand.IntN(benchKeys)), func([]byte) error { return nil })
				if !found || err != nil {
					b.Fatalf("found: %t, %v", found, err)
				}
			}
		})
		b.Run(mode+"/scan100", func(b *testing.B) {
			for b.Loop() {
				left := 100
				err := s.Scan(Range{Prefix: []byte("c"), Start: benchKey(rand.IntN(benchKeys))}, func(_, _ []byte) (bool, error) {
					left--
					return left > 0, nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		closed(b, s)
	}
}
