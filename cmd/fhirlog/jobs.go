package main

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/registry"
)

// work works on the jobs that the log tells of, and on the rebuilds that are
// asked for, until ctx ends.
func (n *node) work(ctx context.Context, log zerolog.Logger) {
	var running sync.WaitGroup
	running.Go(func() { n.rebuilds.run(ctx, log) })
	err := n.projections.Reindex(ctx, n.commits, func(err error) {
		log.Error().Err(err).Msg("a reindex job has failed: search parameters that it was for stay as they are; begin another one")
	})
	if err != nil {
		log.Error().Err(err).Msg("jobs are not worked on any more: restart to go on with them")
	}
	running.Wait()
}

// administrator is the commit service, which begins no reindex job while there
// is a rebuild.
type administrator struct {
	*commit.Service
	rebuilds *rebuilds
}

// Reindex is the service's.
func (a administrator) Reindex(ctx context.Context, caller commit.Caller, wanted registry.ReindexRequest) (registry.Job, error) {
	if !a.rebuilds.holdOff() {
		return registry.Job{}, domain.NewError(domain.Conflict, "The index is being rebuilt, so that no reindex job can begin. Wait until the rebuild has ended, or cancel it; GET $rebuild shows it.")
	}
	defer a.rebuilds.goOn()
	return a.Service.Reindex(ctx, caller, wanted)
}
