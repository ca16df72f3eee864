package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fhirlog/domain/registry"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// Live is the projections that answer now. While they do, others can be computed
// anew from the log and take their place (Rebuild); nobody who asks notices.
//
// Nothing is seen to go back by that. Positions mean the same in both, so what is
// asked as of a snapshot has the same answer. The new ones take over only when
// they have applied all that the former ones have shown; and who still got an
// answer from the former ones gets it when the new ones have applied as much.
//
// All methods are safe for concurrent use, but for Run and Close.
type Live struct {
	log     Log
	options Options

	first      *generation // Run begins with it
	rebuilding atomic.Bool
	asked      atomic.Uint64 // counts the questions

	// mu guards the fields below. It is held for moments only; see swap for the
	// longest one.
	mu       sync.RWMutex
	now      *generation // the one that answers
	building *generation // the one that a rebuild makes, nil if there is none
}

// generation is projections from their opening to their closing.
type generation struct {
	p       *Projections
	dir     string
	near    atomic.Bool    // it is about to answer: writes wait for it too
	answers atomic.Bool    // it has been Live.now
	users   sync.WaitGroup // those who ask it; none comes once it is neither now nor building
	retired chan struct{}  // closed when another one has taken over

	stop  chan struct{} // closed to end run
	once  sync.Once     // closes stop
	ended chan struct{} // closed when run has returned
	err   error         // what it returned
}

// OpenLive opens the projections in a folder, or in what a rebuild has put in its
// place. For rebuilt see Open.
func OpenLive(log Log, o Options) (l *Live, rebuilt, err error) {
	if err := Settle(o.Dir); err != nil {
		return nil, nil, err
	}
	p, rebuilt, err := Open(log, o)
	if err == nil {
		if err = dropKeys(o); err != nil {
			err = errors.Join(err, p.Close())
		}
	}
	if err != nil {
		return nil, nil, err
	}
	first := newGeneration(p, o.Dir)
	first.answers.Store(true)
	l = &Live{log: log, options: o, first: first, now: first}
	return l, rebuilt, nil
}

func newGeneration(p *Projections, dir string) *generation {
	return &generation{p: p, dir: dir, retired: make(chan struct{}), stop: make(chan struct{}), ended: make(chan struct{})}
}

// run applies the log until it is stopped.
func (g *generation) run() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(g.ended)
		g.err = g.p.Run(ctx)
		cancel()
	}()
	select {
	case <-g.stop:
		cancel()
	case <-g.ended:
	}
}

// end stops run and waits for it.
func (g *generation) end() {
	g.once.Do(func() { close(g.stop) })
	<-g.ended
}

// Run applies the log to what answers, until ctx ends or the log is closed. Its
// errors are those of Projections.Run.
func (l *Live) Run(ctx context.Context) error {
	g := l.first
	go g.run()
	for {
		select {
		case <-g.ended:
		case <-ctx.Done():
			g.end()
		}
		next := l.answering()
		if next == g {
			return g.err
		}
		g = next
	}
}

// Close closes the store. Run and Rebuild must have returned.
func (l *Live) Close() error {
	if err := l.now.p.Close(); err != nil {
		return err
	}
	return Settle(l.options.Dir)
}

// answering returns the generation that answers, to read what it has in memory.
func (l *Live) answering() *generation {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now
}

// enter returns the generation that answers; it stays open until the caller has
// called users.Done.
func (l *Live) enter() *generation {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.now.users.Add(1)
	l.asked.Add(1)
	return l.now
}

// ask has a question answered.
func ask[T any](ctx context.Context, l *Live, question func(p *Projections) (T, error)) (T, error) {
	g := l.enter()
	answer, err := hear(g, question)
	if l.answering() == g {
		return answer, err
	}
	// The answer may show more than the new generation has applied.
	if failed := l.WaitApplied(ctx, g.p.Applied()); failed != nil {
		var none T
		return none, failed
	}
	return answer, err
}

func hear[T any](g *generation, question func(p *Projections) (T, error)) (T, error) {
	defer g.users.Done()
	return question(g.p)
}

// Applied returns the number of records that reads may see. It never decreases.
func (l *Live) Applied() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now.p.Applied()
}

// WaitApplied returns when Applied() ≥ upTo. It fails with ctx, or with
// eventlog.ErrOutcomeUnknown when the log or the store has failed.
func (l *Live) WaitApplied(ctx context.Context, upTo uint64) error {
	for {
		l.mu.RLock()
		g, next := l.now, l.building
		l.mu.RUnlock()
		err := g.p.WaitApplied(ctx, upTo)
		if err == nil && next != nil && next.near.Load() {
			_ = next.p.WaitApplied(ctx, upTo) // only not to be too far ahead of it
		}
		if err != nil && ctx.Err() != nil || l.answering() == g {
			return err
		}
	}
}

// Registry is what is known of search parameters and jobs now. It may be ahead
// of Applied, never behind.
func (l *Live) Registry() *registry.Registry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now.p.Registry()
}

// Parameters is the set of search parameters now in force. It is another one
// after a rebuild, with the same parameters.
func (l *Live) Parameters() *search.Set {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now.p.Parameters()
}

// Progress is how far a job is; see Projections.Progress.
func (l *Live) Progress(job string) (total, done uint64, known bool) {
	return l.answering().p.Progress(job)
}

// Handoff gives the applier index values; see Projections.Handoff. A rebuild
// reads the bodies instead: it would not have room for what it comes to later.
func (l *Live) Handoff(first eventlog.Position, set *search.Set, values []*search.Values) {
	l.answering().p.Handoff(first, set, values)
}

// Reindex works on the jobs that the log tells of until ctx ends; see
// Projections.Reindex.
func (l *Live) Reindex(ctx context.Context, a Administrator, report func(error)) error {
	for {
		g := l.enter()
		err := g.reindex(ctx, a, report)
		select {
		case <-g.retired:
		default:
			return err
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// reindex works on jobs until ctx ends or the generation retires.
func (g *generation) reindex(ctx context.Context, a Administrator, report func(error)) error {
	defer g.users.Done()
	working, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-g.retired:
			stop()
		case <-working.Done():
		}
	}()
	return g.p.Reindex(working, a, report)
}

// Verify reads all tables of the store that answers and checks them; see
// Projections.Verify. A rebuild is a remedy too.
func (l *Live) Verify() error {
	_, err := ask(context.Background(), l, func(p *Projections) (struct{}, error) { return struct{}{}, p.Verify() })
	return err
}

// Bytes returns the size of the stores on disk, of one that is being built as
// well.
func (l *Live) Bytes() int64 {
	l.mu.RLock()
	all := []*generation{l.now}
	if l.building != nil {
		all = append(all, l.building)
	}
	for _, g := range all {
		g.users.Add(1)
	}
	l.mu.RUnlock()
	total := int64(0)
	for _, g := range all {
		total += g.p.Bytes()
		g.users.Done()
	}
	return total
}

// close ends a generation that nobody can come to any more, and removes its
// folder.
func (g *generation) close() error {
	g.end()
	g.users.Wait()
	err := g.p.Close()
	if err := errors.Join(err, removeFolder(g.dir)); err != nil {
		return fmt.Errorf("give up a generation of projections: %w", err)
	}
	return nil
}
