package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"fhirlog/eventlog"
)

func TestLog_keeps_records_through_reopening(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	var want []string
	for round := range 4 {
		l, rec, err := eventlog.Open(dir, eventlog.Options{SegmentBytes: 16 << 10})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v %+v", rec, l.Stats())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		for i := range 200 {
			var b eventlog.Batch
			var bodies [][]byte
			for k := range 1 + i%3 {
				want = append(want, fmt.Sprintf("%d %d %d", round, i, k))
				b.Metadata = append(b.Metadata, []byte(want[len(want)-1]))
				bodies = append(bodies, bytes.Repeat([]byte(want[len(want)-1]), 50))
			}
			b.Bodies = l.Pack(bodies)
			a, err := l.Append(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.WaitDurable(ctx, a.First+eventlog.Position(a.Count)); err != nil {
				t.Fatal(err)
			}
		}
		for p, w := range want {
			r, err := l.Read(eventlog.Position(p))
			if err != nil || string(r.Metadata) != w || string(r.Body) != string(bytes.Repeat([]byte(w), 50)) {
				t.Fatalf("read %d: %v %+v", p, err, r)
			}
		}
		n := 0
		if err := l.Scan(ctx, 0, true, func(r eventlog.Record) error {
			if string(r.Metadata) != want[n] || string(r.Body) != string(bytes.Repeat([]byte(want[n]), 50)) {
				t.Fatalf("scan %d: %+v", n, r)
			}
			n++
			return nil
		}); err != nil || n != len(want) {
			t.Fatal(err, n)
		}
		if err := l.Scrub(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
