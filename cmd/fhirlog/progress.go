package main

import (
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"
)

// catchUpProgress shows how far the projections are: a bar on a terminal, a log
// line every few seconds elsewhere. Short work shows nothing.
func catchUpProgress(log zerolog.Logger) func(applied, total uint64) {
	var bar *progressbar.ProgressBar
	began, last := time.Now(), time.Now()
	return func(applied, total uint64) {
		if time.Since(began) < time.Second {
			return
		}
		if isTerminal(os.Stderr) {
			if bar == nil {
				bar = newBar(int64(total), "applying the log")
			}
			_ = bar.Set64(int64(applied)) // a terminal that cannot be written is no reason to stop
			return
		}
		if time.Since(last) >= 5*time.Second {
			last = time.Now()
			log.Info().Uint64("applied", applied).Uint64("total", total).Msg("applying the log")
		}
	}
}

func newBar(total int64, description string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetDescription(description),
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("events"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true),
	)
}
