package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/httpapi"
	"fhirlog/projections"
)

// rebuildsKept is how many rebuilds are remembered.
const rebuildsKept = 20

// rebuilds begins rebuilds of the projections that answer, and tells of them.
// They are no events of the log, since they change nothing that it knows.
type rebuilds struct {
	live *projections.Live
	next chan *rebuild // from whoever asked for it to run; capacity 1

	mu         sync.Mutex // guards the fields below, and those of the rebuilds
	known      []*rebuild // the latest last
	reindexing int        // calls under way that may begin a reindex job
}

// rebuild is one of them. The counts are those of its end.
type rebuild struct {
	httpapi.Rebuild
	ctx    context.Context // ends when it is canceled; handed from the call to run
	cancel context.CancelFunc
	ended  chan struct{} // closed at its end
	err    error         // of its end
}

func newRebuilds(live *projections.Live) *rebuilds {
	return &rebuilds{live: live, next: make(chan *rebuild, 1)}
}

// holdOff keeps rebuilds from beginning until goOn is called; it is false if
// there is one.
func (b *rebuilds) holdOff() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.activeLocked() != nil {
		return false
	}
	b.reindexing++
	return true
}

func (b *rebuilds) goOn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reindexing--
}

func (b *rebuilds) activeLocked() *rebuild {
	if n := len(b.known); n > 0 && b.known[n-1].State == httpapi.RebuildRunning {
		return b.known[n-1]
	}
	return nil
}

// tellLocked is what is told of a rebuild now.
func (b *rebuilds) tellLocked(r *rebuild) httpapi.Rebuild {
	told := r.Rebuild
	if told.State == httpapi.RebuildRunning {
		if applied, total, running := b.live.Rebuilding(); running {
			told.Applied, told.Total = applied, total
		}
	}
	return told
}

// BeginRebuild begins a rebuild, or returns the one that is active.
func (b *rebuilds) BeginRebuild() (httpapi.Rebuild, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.activeLocked()
	if r == nil {
		var err error
		if r, err = b.beginLocked(); err != nil {
			return httpapi.Rebuild{}, err
		}
	}
	return b.tellLocked(r), nil
}

func (b *rebuilds) beginLocked() (*rebuild, error) {
	if b.reindexing > 0 {
		return nil, domain.NewError(domain.Conflict, "A reindex job is just being asked for. Wait until it has ended.")
	}
	if err := b.live.MayRebuild(); err != nil {
		return nil, err
	}
	r := &rebuild{
		Rebuild: httpapi.Rebuild{ID: ulid.Make().String(), State: httpapi.RebuildRunning, Began: time.Now().UnixMilli()},
		ended:   make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	b.known = append(b.known, r)
	if len(b.known) > rebuildsKept {
		b.known = slices.Clone(b.known[1:])
	}
	b.next <- r
	return r, nil
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
			r, err = b.beginLocked()
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

// ActiveRebuild returns the rebuild that has not ended.
func (b *rebuilds) ActiveRebuild() (httpapi.Rebuild, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.activeLocked()
	if r == nil {
		return httpapi.Rebuild{}, false
	}
	return b.tellLocked(r), true
}

// RebuildByID returns one of the latest rebuilds.
func (b *rebuilds) RebuildByID(id string) (httpapi.Rebuild, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.known {
		if r.ID == id {
			return b.tellLocked(r), true
		}
	}
	return httpapi.Rebuild{}, false
}

// CancelRebuild asks for the end of the active rebuild.
func (b *rebuilds) CancelRebuild(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.activeLocked()
	if r == nil || r.ID != id {
		return domain.NewError(domain.Invalid, "The rebuild has ended, and cannot be canceled any more.")
	}
	r.cancel()
	return nil
}

// run carries out what is asked for, one after the other, until ctx ends.
func (b *rebuilds) run(ctx context.Context, log zerolog.Logger) {
	for {
		select {
		case r := <-b.next:
			b.carryOut(ctx, r, log)
		case <-ctx.Done():
			return
		}
	}
}

func (b *rebuilds) carryOut(stopping context.Context, r *rebuild, log zerolog.Logger) {
	unlink := context.AfterFunc(stopping, r.cancel)
	defer unlink()
	defer r.cancel()
	log.Info().Str("rebuild", r.ID).Msg("the projections are being rebuilt")
	began := time.Now()
	applied, err := b.live.Rebuild(r.ctx)
	state, failure := httpapi.RebuildCompleted, ""
	switch {
	case err == nil:
		log.Info().Str("rebuild", r.ID).Dur("elapsed", time.Since(began)).Msg("the projections are rebuilt, and the former ones removed")
	case errors.Is(err, projections.ErrLeftOver):
		log.Warn().Err(err).Str("rebuild", r.ID).Msg("the projections are rebuilt; what is left of the former ones goes with the next start")
	case errors.Is(err, context.Canceled):
		state = httpapi.RebuildCanceled
		log.Info().Str("rebuild", r.ID).Msg("the rebuild was canceled; nothing has changed")
	default:
		state, failure = httpapi.RebuildFailed, "The projections could not be rebuilt; the log of the server says why. Those that there were go on answering."
		if known, ok := errors.AsType[*domain.Error](err); ok && known.Kind != domain.Internal {
			failure = known.Issues[0].Message
		}
		log.Error().Err(err).Str("rebuild", r.ID).Msg("the projections could not be rebuilt; the former ones go on answering")
	}
	_, total, _ := b.live.Rebuilding()
	b.mu.Lock()
	defer b.mu.Unlock()
	r.State, r.Failure, r.Ended = state, failure, time.Now().UnixMilli()
	r.Applied, r.Total = applied, total
	r.err = err
	close(r.ended)
}
