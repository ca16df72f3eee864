package notary_test

import (
	"context"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/notary"
)

// BenchmarkFollow computes the tree of a log from its beginning, with levels and a
// checkpoint on disk, and reports time and bytes per record.
func BenchmarkFollow(b *testing.B) {
	const records = 100_000
	dir := b.TempDir()
	log, _, err := eventlog.Open(dir+"/log", eventlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- log.Run(background) }()
	w := &world{t: b, log: log}
	for range records / 1000 {
		w.commit(1000)
	}
	for b.Loop() {
		n, _, err := notary.Open(background, log, notary.Options{Dir: b.TempDir(), Origin: origin, Gap: 1})
		if err != nil {
			b.Fatal(err)
		}
		following, stop := context.WithCancel(background)
		stopped := make(chan error, 1)
		go func() { stopped <- n.Run(following) }()
		if _, err := n.Covering(background, records); err != nil {
			b.Fatal(err)
		}
		stop()
		<-stopped
		n.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
	log.Close()
	<-ended
}

// BenchmarkProve makes proofs for records all over a log.
func BenchmarkProve(b *testing.B) {
	const records = 300_000
	dir := b.TempDir()
	log, _, err := eventlog.Open(dir+"/log", eventlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- log.Run(background) }()
	w := &world{t: b, log: log}
	for range records / 1000 {
		w.commit(1000)
	}
	n, _, err := notary.Open(background, log, notary.Options{Dir: b.TempDir(), Origin: origin, Gap: 1})
	if err != nil {
		b.Fatal(err)
	}
	go func() { ended <- n.Run(background) }()
	if _, err := n.Covering(background, records); err != nil {
		b.Fatal(err)
	}
	for i := uint64(0); b.Loop(); i++ {
		if _, err := n.Prove(background, notary.Wanted{Position: i * 7919 % records}); err != nil {
			b.Fatal(err)
		}
	}
	log.Close()
	<-ended
	<-ended
	n.Close()
}
