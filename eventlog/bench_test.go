package eventlog_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fhirlog/eventlog"
)

// The corpus of the benchmarks: bodies of about 1.3 kB that look like
// Observations, metadata of 100 bytes.
func benchBody(random *rand.Rand) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Observation","id":"%x-%x","meta":{},"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"%d-4"}]},"subject":{"reference":"Patient/%x"},"effectiveDateTime":"2024-%02d-%02dT10:00:00Z","valueQuantity":{"value":%d.%d,"unit":"mm[Hg]","system":"http://unitsofmeasure.org"},"note":[{"text":"%s"}]}`,
		random.Uint64(), random.Uint64(), random.IntN(90000), random.Uint64(), 1+random.IntN(12), 1+random.IntN(28),
		random.IntN(300), random.IntN(1000), strings.Repeat(fmt.Sprint(random.IntN(1000), " measured "), 50))
}

var benchMetadata = []byte(strings.Repeat("metadata.", 11))

func benchBatch(l *eventlog.Log, random *rand.Rand, n int) eventlog.Batch {
	b := eventlog.Batch{}
	bodies := make([][]byte, n)
	for i := range n {
		b.Metadata = append(b.Metadata, benchMetadata)
		bodies[i] = benchBody(random)
	}
	b.Bodies = l.Pack(bodies)
	return b
}

// fill makes a log of n records.
func fill(b *testing.B, dir string, n, perCommit int) {
	b.Helper()
	l := open(b, dir, eventlog.Options{})
	stop := run(l)
	random := rand.New(rand.NewPCG(1, 1))
	packs := benchBatch(l, random, perCommit)
	for range n / perCommit {
		if _, err := l.Append(background, packs); err != nil {
			b.Fatal(err)
		}
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		b.Fatal(ran, closed)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{1, 64} {
		for _, records := range []int{1, 100} {
			b.Run(fmt.Sprintf("%d clients, %d records", clients, records), func(b *testing.B) {
				var groups atomic.Int64
				l := open(b, b.TempDir(), eventlog.Options{Observe: func(eventlog.GroupStats) { groups.Add(1) }})
				stop := run(l)
				batches := make([]eventlog.Batch, 16)
				for i := range batches {
					batches[i] = benchBatch(l, rand.New(rand.NewPCG(1, uint64(i))), records)
				}
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ReportAllocs()
				b.ResetTimer()
				var group sync.WaitGroup
				for range clients {
					group.Go(func() {
						for i := left.Add(-1); i >= 0; i = left.Add(-1) {
							a, err := l.Append(background, batches[i%16])
							if err == nil {
								err = l.WaitDurable(background, a.First+eventlog.Position(a.Count))
							}
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
				b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(float64(b.N)/float64(groups.Load()), "commits/sync")
				b.ReportMetric(float64(l.Stats().BytesUsed)/float64(b.N*records), "B/record")
				stop()
			})
		}
	}
}

func BenchmarkPack(b *testing.B) {
	for _, records := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d records", records), func(b *testing.B) {
			l := open(b, b.TempDir(), eventlog.Options{})
			defer l.Close()
			random := rand.New(rand.NewPCG(1, 1))
			var bodies [][]byte
			size := 0
			for range records {
				bodies = append(bodies, benchBody(random))
				size += len(bodies[len(bodies)-1])
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				l.Pack(bodies)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 200_000
	dir := b.TempDir()
	fill(b, dir, n, 100)
	for name, o := range map[string]eventlog.Options{"with cache": {}, "without cache": {CacheBytes: -1}} {
		l := open(b, dir, o)
		random := rand.New(rand.NewPCG(2, 2))
		b.Run("random, "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Read(eventlog.Position(random.IntN(n))); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("neighbours, "+name, func(b *testing.B) {
			p := 0
			for b.Loop() {
				if _, err := l.Read(eventlog.Position(p % n)); err != nil {
					b.Fatal(err)
				}
				p++
			}
		})
		b.Run("metadata, "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.ReadMetadata(eventlog.Position(random.IntN(n))); err != nil {
					b.Fatal(err)
				}
			}
		})
		l.Close()
	}
}

func BenchmarkScan(b *testing.B) {
	const n = 200_000
	dir := b.TempDir()
	fill(b, dir, n, 100)
	l := open(b, dir, eventlog.Options{})
	defer l.Close()
	for _, withBodies := range []bool{false, true} {
		b.Run(fmt.Sprintf("bodies %v", withBodies), func(b *testing.B) {
			for b.Loop() {
				if err := l.Scan(background, 0, withBodies, func(eventlog.Record) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, 1_000_000, 100)
	var segments int
	for b.Loop() {
		l := open(b, dir, eventlog.Options{})
		segments = l.Stats().Segments
		l.Close()
	}
	b.ReportMetric(float64(segments), "segments")
}
