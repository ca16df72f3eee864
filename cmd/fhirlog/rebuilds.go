package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/httpapi"
	"fhirlog/projections"
)

// rebuilds begins rebuilds of the projections that answer, and tells of them.
type rebuilds struct {
	runs
	live    *projections.Live
	heldOff int // calls under way of what keeps rebuilds from beginning; guarded by mu
}

func newRebuilds(live *projections.Live) *rebuilds {
	b := &rebuilds{live: live}
	b.runs = runs{
		noun:    "rebuild",
		failure: "The projections could not be rebuilt; the log of the server says why. Those that there were go on answering.",
		may:     b.mayBegin, begun: func(*httpapi.Run) {}, now: b.progress,
		next: make(chan *knownRun, 1),
	}
	return b
}

func (b *rebuilds) mayBegin() error {
	if b.heldOff > 0 {
		return domain.NewError(domain.Conflict, "A reindex job is just being asked for, or ids are being erased from the log. Wait until that has ended.")
	}
	return b.live.MayRebuild()
}

func (b *rebuilds) progress(told *httpapi.Run) {
	if applied, total, running := b.live.Rebuilding(); running {
		told.Done, told.Total = applied, total
	}
}

// holdOff keeps rebuilds from beginning until goOn is called; it is false if
// there is one.
func (b *rebuilds) holdOff() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.activeLocked() != nil {
		return false
	}
	b.heldOff++
	return true
}

// holdOffWhen is holdOff as soon as there is none.
func (b *rebuilds) holdOffWhen(ctx context.Context) error {
	for !b.holdOff() {
		select {
		case <-time.After(reindexRetry):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *rebuilds) goOn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heldOff--
}

// reindexRetry is how often anew asks whether a reindex job has ended.
const reindexRetry = 500 * time.Millisecond

// anew carries out a rebuild that begins after the call, as soon as no other
// rebuild and no reindex job is active, and returns why it failed.
func (b *rebuilds) anew(ctx context.Context) error {
	for {
		b.mu.Lock()
		r, err, own := b.activeLocked(), error(nil), false
		if r == nil {
			r, err = b.beginLocked(false)
			own = err == nil
		}
		b.mu.Unlock()
		if err != nil && domain.KindOf(err) != domain.Conflict {
			return err
		}
		var wait <-chan struct{}
		var again <-chan time.Time
		if err == nil {
			wait = r.ended
		} else {
			again = time.After(reindexRetry)
		}
		select {
		case <-wait:
			if own {
				return r.err
			}
		case <-again:
		case <-ctx.Done():
			if own {
				r.cancel()
			}
			return ctx.Err()
		}
	}
}

// run carries out what is asked for, one after the other, until ctx ends.
func (b *rebuilds) run(ctx context.Context, log zerolog.Logger) {
	for {
		select {
		case r := <-b.next:
			b.carryOut(ctx, r, func(r *knownRun) (httpapi.RunState, error) { return b.rebuild(r, log) })
		case <-ctx.Done():
			return
		}
	}
}

func (b *rebuilds) rebuild(r *knownRun, log zerolog.Logger) (httpapi.RunState, error) {
	log = log.With().Str("rebuild", r.told.ID).Logger()
	log.Info().Msg("the projections are being rebuilt")
	began := time.Now()
	applied, err := b.live.Rebuild(r.ctx)
	_, total, _ := b.live.Rebuilding()
	b.mu.Lock()
	r.told.Done, r.told.Total = applied, total
	b.mu.Unlock()
	switch {
	case err == nil:
		log.Info().Dur("elapsed", time.Since(began)).Msg("the projections are rebuilt, and the former ones removed")
	case errors.Is(err, projections.ErrLeftOver):
		log.Warn().Err(err).Msg("the projections are rebuilt; what is left of the former ones goes with the next start")
	case errors.Is(err, context.Canceled):
		log.Info().Msg("the rebuild was canceled; nothing has changed")
		return httpapi.RunCanceled, err
	default:
		log.Error().Err(err).Msg("the projections could not be rebuilt; the former ones go on answering")
		return httpapi.RunFailed, err
	}
	return httpapi.RunCompleted, err
}
