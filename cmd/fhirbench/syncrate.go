package main

import (
	"fmt"
	"os"
	"time"
)

// A syncRate is what the disk alone can do: small writes, each made durable.
type syncRate struct {
	PerSecond float64       `json:"per_second"`
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
}

// measureSyncs writes 4 kB blocks one after the other into a file allocated
// ahead, as a log does, with an fdatasync after each, for a time.
func measureSyncs(dir string, d time.Duration) (rate syncRate, err error) {
	f, err := os.CreateTemp(dir, "fhirbench-sync-*")
	if err != nil {
		return rate, fmt.Errorf("measure the disk: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const blocks, size = 1024, 4096
	block := make([]byte, size)
	for i := range blocks {
		if _, err := f.WriteAt(block, int64(i)*size); err != nil {
			return rate, fmt.Errorf("measure the disk: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return rate, fmt.Errorf("measure the disk: %w", err)
	}
	var h histogram
	begin := time.Now()
	for i := 0; time.Since(begin) < d; i++ {
		block[0]++
		one := time.Now()
		if _, err := f.WriteAt(block, int64(i%blocks)*size); err != nil {
			return rate, fmt.Errorf("measure the disk: %w", err)
		}
		if err := syncData(f); err != nil {
			return rate, fmt.Errorf("measure the disk: %w", err)
		}
		h.record(time.Since(one))
	}
	rate.PerSecond = float64(h.count.Load()) / time.Since(begin).Seconds()
	rate.P50, rate.P99 = h.quantile(0.5), h.quantile(0.99)
	return rate, nil
}
