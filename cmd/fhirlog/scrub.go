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
	// auditFirst is when, after a start, the whole log is compared with what was signed;
	// the start itself looks only at the latest records.
	auditFirst = 10 * time.Second
	// scrubPause after each MiB keeps a scrub at a few percent of a core.
	scrubPause = 100 * time.Millisecond
)

// scrub compares the log with what was signed, soon after the start, and then
// verifies that, all sealed segments and the projections now and then, until ctx
// ends. Damage is logged, and /health/check tells of it from then on.
func (n *node) scrub(ctx context.Context, log zerolog.Logger) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(auditFirst):
	}
	n.damaged.Store(n.checkProofs(ctx, log) != nil && ctx.Err() == nil)
	for wait := scrubFirst; ; wait = scrubEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		segments := n.log.Scrub(ctx, scrubPause)
		if errors.Is(segments, context.Canceled) {
			return
		}
		if segments != nil {
			log.Error().Err(segments).Msg("a sealed segment is damaged: restore it from a backup")
		}
		signed := n.checkProofs(ctx, log)
		if errors.Is(signed, context.Canceled) {
			return
		}
		tables := n.projections.Verify()
		if tables != nil {
			log.Error().Err(tables).Msg("the projections are damaged and may lack resources: restart, and they are computed anew")
		}
		err := errors.Join(segments, signed, tables)
		n.damaged.Store(err != nil)
		if err == nil {
			log.Info().Dur("elapsed", time.Since(began)).Msg("all sealed segments, the signed tree and projections verified")
		}
	}
}
