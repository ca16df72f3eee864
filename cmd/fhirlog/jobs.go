package main

import (
	"context"

	"github.com/rs/zerolog"
)

// work works on the jobs that the log tells of, until ctx ends.
func (n *node) work(ctx context.Context, log zerolog.Logger) {
	err := n.projections.Reindex(ctx, n.commits, func(err error) {
		log.Error().Err(err).Msg("a reindex job has failed: search parameters that it was for stay as they are; begin another one")
	})
	if err != nil {
		log.Error().Err(err).Msg("jobs are not worked on any more: restart to go on with them")
	}
}
