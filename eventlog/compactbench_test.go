package eventlog_test

import (
	"fmt"
	"testing"

	"fhirlog/eventlog"
)

// BenchmarkCompact writes a log of whole segments anew, each time without some
// more bodies. MB/s are those of the files on disk.
func BenchmarkCompact(b *testing.B) {
	for _, perCommit := range []int{1, 100} {
		for _, share := range []eventlog.Position{1000, 10} { // one of so many goes
			b.Run(fmt.Sprintf("%d records in a commit, one of %d erased", perCommit, share), func(b *testing.B) {
				dir := b.TempDir()
				fill(b, dir, 200_000, perCommit)
				l := open(b, dir, eventlog.Options{})
				stop := run(l)
				mustCompact(b, l, these(l.Durable()-1)) // so that all is sealed
				var written, records int64
				first := eventlog.Position(0)
				b.ReportAllocs()
				for b.Loop() {
					done, err := l.Compact(background, every(share, first%share, l.Durable()), eventlog.CompactOptions{})
					if err != nil {
						b.Fatal(err)
					}
					first++
					written += done.BytesBefore
					records += int64(done.Records)
				}
				b.ReportMetric(float64(written)/1e6/b.Elapsed().Seconds(), "MB/s")
				b.ReportMetric(float64(records)/float64(b.N), "erased/op")
				stop()
			})
		}
	}
}
