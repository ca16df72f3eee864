package eventlog_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
)

// benchKeys gives the options of a log in a folder, which is encrypted or not.
func benchKeys(b *testing.B, dir string, encrypted bool) eventlog.Options {
	b.Helper()
	if !encrypted {
		return eventlog.Options{}
	}
	o := keyring.Options{Path: filepath.Join(dir, keyring.File), Operator: operatorKey}
	r, err := keyring.Open(background, o)
	if err != nil {
		r, err = keyring.Create(background, o)
	}
	if err != nil {
		b.Fatal(err)
	}
	return eventlog.Options{Keys: r}
}

// processorTime is what the process has used so far. Unlike the time that passes, it can
// be compared while others use the machine.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEncryption compares a log that is encrypted with one that is not, by the
// processor time of each.
func BenchmarkEncryption(b *testing.B) {
	const n = 100_000
	for _, encrypted := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "encrypted"}[encrypted]
		measure := func(what string, b *testing.B, records int, fn func(b *testing.B)) {
			b.Run(what+"/"+name, func(b *testing.B) {
				before := processorTime(b)
				fn(b)
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N*records), "cpu-ns/record")
			})
		}
		for _, records := range []int{1, 100} {
			dir := b.TempDir()
			l := open(b, dir, benchKeys(b, dir, encrypted))
			stop := run(l)
			batch := benchBatch(l, rand.New(rand.NewPCG(1, 1)), records)
			measure(fmt.Sprintf("append %d", records), b, records, func(b *testing.B) {
				var last eventlog.Appended
				for b.Loop() {
					var err error
					if last, err = l.Append(background, batch); err != nil {
						b.Fatal(err)
					}
				}
				if err := l.WaitDurable(background, last.First+eventlog.Position(last.Count)); err != nil {
					b.Fatal(err)
				}
			})
			stop()
		}
		dir := b.TempDir()
		o := benchKeys(b, dir, encrypted)
		o.CacheBytes = -1
		l := open(b, dir, o)
		stop := run(l)
		batch := benchBatch(l, rand.New(rand.NewPCG(1, 1)), 100)
		for range n / 100 {
			if _, err := l.Append(background, batch); err != nil {
				b.Fatal(err)
			}
		}
		stop()
		l = open(b, dir, o)
		measure("read", b, 1, func(b *testing.B) {
			random := rand.New(rand.NewPCG(2, 2))
			for b.Loop() {
				if _, err := l.Read(eventlog.Position(random.IntN(n))); err != nil {
					b.Fatal(err)
				}
			}
		})
		for _, withBodies := range []bool{false, true} {
			measure(fmt.Sprintf("scan, bodies %t", withBodies), b, n, func(b *testing.B) {
				for b.Loop() {
					if err := l.Scan(background, 0, withBodies, func(eventlog.Record) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		l.Close()
		measure("verify", b, n, func(b *testing.B) {
			for b.Loop() {
				if _, err := eventlog.Verify(background, dir, o, eventlog.VerifyOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
