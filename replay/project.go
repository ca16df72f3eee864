package replay

import (
	"context"
	"errors"

	"fhirlog/projections"
)

// Index is projections of an archive, with everything applied. It is safe for
// concurrent use until Close.
type Index struct {
	*projections.Projections
	stop  context.CancelFunc
	ended chan error
}

// Project opens the projections in a folder, which may be new, and applies what of
// the log is missing there. progress, if not nil, is told after each batch how many of
// the records are applied. The folder is written to: it must not be the one of an
// archive that is to stay as it is.
func (a *Archive) Project(ctx context.Context, o projections.Options, progress func(applied, total uint64)) (*Index, error) {
	total := a.Applied()
	var p *projections.Projections
	o.Observe = func(int) {
		if progress != nil {
			progress(p.Applied(), total)
		}
	}
	p, _, err := projections.Open(a.Log, o)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	x := &Index{Projections: p, stop: stop, ended: make(chan error, 1)}
	go func() { x.ended <- p.Run(running) }()
	if err := p.WaitApplied(ctx, total); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// Close writes the projections out.
func (x *Index) Close() error {
	x.stop()
	return errors.Join(<-x.ended, x.Projections.Close())
}
