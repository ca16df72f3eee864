package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A workload makes the sessions of its users.
type workload interface {
	// title says what the workload does, in a few words.
	title() string
	// defaultClients are the numbers of clients it is known for.
	defaultClients() []int
	// ownRounds tells that the sessions themselves see to --rounds.
	ownRounds() bool
	// prepare runs once before the users start, outside the clock.
	prepare(ctx context.Context, r *run) error
	// session makes the part of one user. It is called once per user and run.
	session(u *user) session
}

// A session is what one user of a workload does. Its methods are called in
// order and never at the same time.
type session interface {
	// begin creates what the rounds need; the clock does not run yet.
	begin(ctx context.Context) error
	// round does one round, or as much of it as fits before the run ends. It
	// returns false when there is nothing left to do.
	round(ctx context.Context) bool
	// end takes back what is left over; the clock runs no more.
	end(ctx context.Context)
}

// A run is one workload with one number of clients. Its phases: the users
// prepare, warm up, are measured, and clean up.
type run struct {
	options  *options
	workload workload
	clients  int
	target   *target
	tally    tally
	phase    atomic.Int32
	warmUp   time.Duration
	duration time.Duration

	// What the workload's prepare found out, for the report.
	shapes []shape
	asOf   string         // the moment that its searches are about, "" for now
	loaded map[string]int // resources on the server, by type
	notes  []string       // what could not be done as asked
}

const (
	preparing int32 = iota
	warming
	timed
	over
)

// measuring tells whether the clock runs.
func (r *run) measuring() bool { return r.phase.Load() == timed }

// stopped tells users to start no further request.
func (r *run) stopped() bool { return r.phase.Load() == over }

// newRun prepares a run; nothing is sent yet.
func newRun(o *options, w workload, clients int) (*run, error) {
	t, err := newTarget(o.Base, o.headers(), o.Timeout)
	if err != nil {
		return nil, err
	}
	return &run{options: o, workload: w, clients: clients, target: t, warmUp: o.WarmUp, duration: o.Duration}, nil
}

// newUser makes a user with randomness of its own. Number -1 is the one that
// prepares.
func (r *run) newUser(number int) *user {
	seed := mix(uint64(r.options.Seed), uint64(number+2))
	return &user{run: r, number: number, conn: connection{target: r.target}, rng: random(seed)}
}

// measure does the whole run and returns its figures. A cancelled context ends
// the run early; what was measured until then is still told.
func (r *run) measure(ctx context.Context) (result, error) {
	if err := r.workload.prepare(ctx, r); err != nil {
		return result{}, err
	}
	var (
		ready, done sync.WaitGroup // prepared; out of rounds
		start       = make(chan struct{})
		finish      = make(chan struct{})
		gone        sync.WaitGroup
		failed      = make(chan error, r.clients)
	)
	for n := range r.clients {
		ready.Add(1)
		done.Add(1)
		gone.Go(func() {
			u := r.newUser(n)
			defer u.conn.close()
			s := r.workload.session(u)
			err := s.begin(ctx)
			if err != nil {
				failed <- fmt.Errorf("user %d: %w", n, err)
			}
			ready.Done()
			<-start
			if err == nil {
				r.rounds(ctx, s)
			}
			done.Done()
			<-finish
			if ctx.Err() == nil {
				s.end(ctx)
			}
		})
	}
	ready.Wait()
	stop := func() { // lets every user go, whatever the phase
		r.phase.Store(over)
		close(start)
		close(finish)
		gone.Wait()
	}
	select {
	case err := <-failed:
		stop()
		return result{}, errors.Join(err, ctx.Err())
	default:
	}
	empty := make(chan struct{})
	go func() { done.Wait(); close(empty) }()

	var before snapshot
	if r.options.Rounds > 0 {
		before = r.startClock(ctx)
		close(start)
		waitFor(ctx, empty, nil)
	} else {
		r.phase.Store(warming)
		close(start)
		waitFor(ctx, empty, time.After(r.warmUp))
		before = r.startClock(ctx)
		waitFor(ctx, empty, time.After(r.duration))
	}
	after := r.stopClock(ctx)
	<-empty // the requests in flight end, uncounted
	close(finish)
	gone.Wait()
	return r.result(before, after), nil
}

// rounds does rounds until the run is over or the session has no more.
func (r *run) rounds(ctx context.Context, s session) {
	limit := r.options.Rounds
	if r.workload.ownRounds() {
		limit = 0
	}
	for n := 0; !r.stopped() && ctx.Err() == nil && (limit == 0 || n < limit); n++ {
		if !s.round(ctx) {
			return
		}
	}
}

// startClock takes the first snapshot and begins to count.
func (r *run) startClock(ctx context.Context) snapshot {
	s := r.options.takeSlow(ctx)
	r.options.takeFast(&s)
	r.phase.Store(timed)
	return s
}

// stopClock ends counting and takes the second snapshot: first what changes
// every moment, then what takes time to look up.
func (r *run) stopClock(ctx context.Context) snapshot {
	var fast snapshot
	r.phase.Store(over)
	r.options.takeFast(&fast)
	s := r.options.takeSlow(context.WithoutCancel(ctx))
	s.fastSnapshot = fast.fastSnapshot
	s.problems = append(s.problems, fast.problems...)
	return s
}

// waitFor waits until the context or the work ends, or a time has passed.
func waitFor(ctx context.Context, empty <-chan struct{}, passed <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-empty:
	case <-passed:
	}
}
