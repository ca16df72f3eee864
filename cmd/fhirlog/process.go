package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/rs/zerolog"
)

// newLogger makes the logger that every room is handed.
func newLogger(out *os.File, level, format string) zerolog.Logger {
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		parsed = zerolog.InfoLevel // kong has checked it
	}
	var w io.Writer = out
	if format == "console" || format == "auto" && isTerminal(out) {
		w = zerolog.ConsoleWriter{Out: out, TimeFormat: time.RFC3339}
	}
	return zerolog.New(w).Level(parsed).With().Timestamp().Logger()
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// startProfile profiles the process until stop is called; no file, no profile.
func startProfile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "write the CPU profile:", err)
		}
	}, nil
}

// writeHeapProfile writes what is in memory; no file, no profile.
func writeHeapProfile(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// memoryBase is what the heap is kept to when no large bodies are at work: the
// caches and the newest blocks of the search index take about half of it.
const memoryBase = 400 << 20

// tuneMemory lets the heap grow further than usual before it is collected, as
// long as it is small: processor time is worth more than memory then. From
// memoryBase on, and beyond three times the bytes of the bodies that are at work,
// the collector works harder instead. It follows them until ctx ends. GOGC and
// GOMEMLIMIT, if set, win.
func tuneMemory(ctx context.Context, bodyBytes func() int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	const step = 32 << 20
	set := int64(0)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		if limit := memoryBase + 3*bodyBytes()/step*step; limit != set {
			debug.SetMemoryLimit(limit)
			set = limit
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
