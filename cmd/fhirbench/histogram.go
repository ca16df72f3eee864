package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts durations in microseconds in log-linear buckets: 128 to
// each power of two, so a quantile is off by less than one percent and the
// whole takes 27 kB however long a run lasts. Safe for concurrent use.
type histogram struct {
	buckets [histogramBuckets]atomic.Uint64
	count   atomic.Uint64
	sum     atomic.Int64 // nanoseconds
	max     atomic.Int64 // nanoseconds
}

const (
	subBits          = 7
	histogramBuckets = (33 - subBits) << subBits // up to 2^32 µs, more than an hour
)

// bucketOf tells which bucket a number of microseconds falls into.
func bucketOf(micros uint64) int {
	if micros < 1<<subBits {
		return int(micros)
	}
	shift := bits.Len64(micros) - 1 - subBits
	return min(shift<<subBits+int(micros>>shift), histogramBuckets-1)
}

// lowerBound is the least number of microseconds in a bucket.
func lowerBound(bucket int) uint64 {
	if bucket < 2<<subBits {
		return uint64(bucket)
	}
	shift := bucket>>subBits - 1
	return uint64(bucket-shift<<subBits) << shift
}

// record counts one duration.
func (h *histogram) record(d time.Duration) {
	h.buckets[bucketOf(uint64(max(d, 0)/time.Microsecond))].Add(1)
	h.count.Add(1)
	h.sum.Add(int64(d))
	for {
		known := h.max.Load()
		if int64(d) <= known || h.max.CompareAndSwap(known, int64(d)) {
			return
		}
	}
}

// quantile returns the duration that a share q of all stays at or below: the
// middle of its bucket, and never more than the largest seen.
func (h *histogram) quantile(q float64) time.Duration {
	count := h.count.Load()
	if count == 0 {
		return 0
	}
	rank := max(uint64(q*float64(count)+0.5), 1)
	var seen uint64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= rank {
			middle := (lowerBound(i) + lowerBound(i+1)) * uint64(time.Microsecond) / 2
			return min(time.Duration(middle), h.largest())
		}
	}
	return h.largest()
}

// mean returns the average.
func (h *histogram) mean() time.Duration {
	return time.Duration(h.sum.Load() / int64(max(h.count.Load(), 1)))
}

// largest returns the longest duration recorded.
func (h *histogram) largest() time.Duration { return time.Duration(h.max.Load()) }
