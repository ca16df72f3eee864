package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	rng := random(3)
	var h histogram
	var all []time.Duration
	for range 100_000 {
		// From microseconds to minutes, evenly over the powers.
		d := time.Duration(math.Exp(float64(rng.below(1<<20)) / (1 << 20) * math.Log(120e9)))
		all = append(all, d)
		h.record(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all))+0.5)-1, 0)]
		got := h.quantile(q)
		if off := (got - want).Abs(); off > want/100+time.Microsecond {
			t.Errorf("quantile(%v) = %v, want %v within 1 %%", q, got, want)
		}
	}
	if got := h.largest(); got != all[len(all)-1] {
		t.Errorf("largest %v, want %v", got, all[len(all)-1])
	}
}

func TestHistogramBounds(t *testing.T) {
	for i := range histogramBuckets {
		if got := bucketOf(lowerBound(i)); got != i {
			t.Fatalf("bucketOf(lowerBound(%d)) = %d", i, got)
		}
		if i > 0 && bucketOf(lowerBound(i)-1) != i-1 {
			t.Fatalf("%d is not the least of bucket %d", lowerBound(i), i)
		}
	}
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	h.record(-time.Second)
	h.record(1000 * time.Hour)
	if got := h.quantile(1); got <= time.Hour || got > 1000*time.Hour {
		t.Errorf("a thousand hours became %v", got)
	}
}
