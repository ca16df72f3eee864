package replay

import (
	"context"
	"errors"
	"fmt"

	"fhirlog/projections"
)

// Rebuild computes the projections of everything that is durable in the log now,
// into a folder that is new, empty or to be continued. progress, if not nil, is
// told after each batch how many of the records are applied.
func Rebuild(ctx context.Context, log projections.Log, o projections.Options, progress func(applied, total uint64)) error {
	total := uint64(log.Durable())
	var p *projections.Projections
	o.Observe = func(int) {
		if progress != nil {
			progress(p.Applied(), total)
		}
	}
	p, _, err := projections.Open(log, o)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(running) }()
	waited := p.WaitApplied(ctx, total)
	stop()
	err = errors.Join(<-ended, p.Close())
	if err != nil {
		return err
	}
	if waited != nil {
		return fmt.Errorf("rebuild the projections: %w", waited)
	}
	return nil
}
