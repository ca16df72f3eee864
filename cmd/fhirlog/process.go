package main

import (
	"errors"
	"fmt"
	"io"
	"os"
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

// tuneMemory lets the heap grow further than usual before it is collected: it is
// small, so that processor time is worth more than the memory. Large Bundles are
// where that ends: beyond twice the memory for bodies the collector works harder
// instead. GOGC and GOMEMLIMIT, if set, win.
func tuneMemory(bodies int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(2 * bodies)
	}
}
