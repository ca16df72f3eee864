package projections

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"fhirlog/domain/registry"
	"fhirlog/eventlog"
)

// Administrator writes what becomes of jobs to the log.
type Administrator interface {
	// ChangeJob brings a job to a new state, and returns when that is durable and
	// applied. It changes nothing, and answers false, if the job has ended meanwhile.
	ChangeJob(ctx context.Context, job *registry.Job) (changed bool, err error)
}

// progress is how far the job at work is.
type progress struct {
	job   string
	total uint64
	done  *atomic.Uint64
}

// Progress returns how many versions of resources the active job looks at, and
// how many of them it has. known is false for a job that is not at work.
func (p *Projections) Progress(job string) (total, done uint64, known bool) {
	at := p.progress.Load()
	if at == nil || at.job != job {
		return 0, 0, false
	}
	return at.total, at.done.Load(), true
}

// Reindex works on the jobs that the log tells of, one after the other, until
// ctx ends; a job goes on at the next start. Run must be running. report is told
// why a job has failed.
func (p *Projections) Reindex(ctx context.Context, a Administrator, report func(error)) error {
	if err := p.gate.wait(ctx, p.registered.horizon); err != nil {
		return unlessStopped(ctx, err)
	}
	for {
		job := p.Registry().Active()
		if job == nil {
			select {
			case <-p.jobs:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := p.workOn(ctx, a, job, report); err != nil {
			return unlessStopped(ctx, err)
		}
	}
}

// unlessStopped keeps the failures that are not those of a server that stops.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed) {
		return nil
	}
	return err
}

// workOn brings one job to its end.
func (p *Projections) workOn(ctx context.Context, a Administrator, job *registry.Job, report func(error)) error {
	// The registry may be ahead of the index.
	if err := p.gate.wait(ctx, p.Registry().Through); err != nil {
		return err
	}
	f := p.fillingOf(job)
	total, err := f.count()
	if err == nil {
		p.progress.Store(&progress{job.ID, total, f.done})
		if job.State == registry.Queued {
			running := *job
			running.State, running.Total = registry.Running, total
			if _, err := a.ChangeJob(ctx, &running); err != nil {
				return err
			}
		}
		err = f.run(ctx)
	}
	if err == nil {
		err = p.removeEntries(ctx, job.Remove)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ended := *job
	ended.Total, ended.Done = total, f.done.Load()
	switch {
	case errors.Is(err, errStopped):
		return nil
	case err != nil:
		report(err)
		ended.State, ended.Failure = registry.Failed, "The index could not be brought up to date; the log of the server says why."
	default:
		ended.State = registry.Completed
	}
	_, err = a.ChangeJob(ctx, &ended)
	return err
}

func (p *Projections) fillingOf(job *registry.Job) *filling {
	f := &filling{
		p: p, before: registry.InForce, done: new(atomic.Uint64),
		pause: time.Duration(job.Limits.DelayMillis) * time.Millisecond,
		stopped: func() bool {
			now := p.Registry().Job(job.ID)
			return now == nil || now.State.Ended()
		},
	}
	for _, number := range job.Fill {
		if n := p.Registry().Number(number); n != nil && n.Fault == "" {
			f.numbers = append(f.numbers, n)
		}
	}
	return f
}
