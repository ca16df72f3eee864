package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
)

const (
	// scrubFirst and scrubEvery say when the sealed segments are read again, so
	// that a decaying disk is noticed while there is still a backup.
	scrubFirst = time.Hour
	scrubEvery = 24 * time.Hour
	// scrubPause after each MiB keeps a scrub at a few percent of a core.
	scrubPause = 100 * time.Millisecond
)

// scrub verifies the hashes of all sealed segments now and then, until ctx ends.
// Damage is logged, and /health/check tells of it from then on.
func (n *node) scrub(ctx context.Context, log zerolog.Logger) {
	for wait := scrubFirst; ; wait = scrubEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		err := n.log.Scrub(ctx, scrubPause)
		switch {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			n.damage.Store(&err)
			log.Error().Err(err).Msg("a sealed segment is damaged: restore it from a backup")
		default:
			n.damage.Store(nil)
			log.Info().Dur("elapsed", time.Since(began)).Msg("all sealed segments verified")
		}
	}
}
