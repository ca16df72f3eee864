package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/registry"
	"fhirlog/eventlog"
	"fhirlog/projections/store"
)

// MayRebuild says why no rebuild can begin now; nil if one can. What it fails
// with a client may be told.
func (l *Live) MayRebuild() error {
	switch {
	case l.rebuilding.Load():
		return alreadyRebuilding()
	case l.Registry().Active() != nil:
		return domain.NewError(domain.Conflict, "A reindex job is active, and what it does would be missing in a rebuilt index. Wait until it has ended, or cancel it.")
	}
	tables, err := store.TableBytes(l.answering().dir)
	if err != nil {
		return err
	}
	return l.checkRoom(2*tables + leastRoom)
}

func alreadyRebuilding() error {
	return domain.NewError(domain.Conflict, "The index is being rebuilt already.")
}

// leastRoom is what a rebuild leaves free on the disk, for the log above all, and
// a few memtables take.
const leastRoom = 128 << 20

// checkRoom says whether there is so much room on the disk.
func (l *Live) checkRoom(needed int64) error {
	free, err := eventlog.Disk().Free(l.answering().dir)
	if err != nil {
		return fmt.Errorf("ask for the room on the disk: %w", err)
	}
	if free < needed {
		return domain.NewError(domain.StorageFull, fmt.Sprintf(
			"The rebuilt index stands beside the present one for a while, and the disk has not enough room for both: %d MiB are free, and %d MiB should be.", free>>20, needed>>20))
	}
	return nil
}

// Rebuild computes all projections anew from the log, in a second folder, lets
// those answer instead of the present ones when they have caught up, and removes
// the present ones. Run must be running. If it fails, or ctx ends, before they have
// taken over, all is as it was before; after that it fails with ErrLeftOver only.
// No reindex job may begin meanwhile; if one does, it fails. applied is how many
// records the new projections had applied in the end.
func (l *Live) Rebuild(ctx context.Context) (applied uint64, err error) {
	if err := l.MayRebuild(); err != nil {
		return 0, err
	}
	if !l.rebuilding.CompareAndSwap(false, true) {
		return 0, alreadyRebuilding()
	}
	defer l.rebuilding.Store(false)
	former, jobs := l.answering(), lastJob(l.Registry())
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	next, err := l.build(abort)
	if err != nil {
		return 0, fmt.Errorf("open projections to rebuild them: %w", err)
	}
	if err := l.replace(ctx, former, next, jobs); err != nil {
		applied = next.p.Applied()
		return applied, errors.Join(err, l.discard(next))
	}
	if err := errors.Join(former.close(), dropKeys(l.options)); err != nil {
		return next.p.Applied(), fmt.Errorf("%w: %w", ErrLeftOver, err)
	}
	return next.p.Applied(), nil
}

// ErrLeftOver: a rebuild has taken over, but what was there before could not be
// closed or removed. The next start, or rebuild, removes it.
var ErrLeftOver = errors.New("the former projections are left over")

// lastJob names the newest job and its state.
func lastJob(r *registry.Registry) string {
	if len(r.Jobs) == 0 {
		return ""
	}
	last := r.Jobs[len(r.Jobs)-1]
	return last.ID + " " + string(last.State)
}

// build opens the next generation in an empty folder and runs it. It calls abort
// if there is no more room.
func (l *Live) build(abort context.CancelCauseFunc) (*generation, error) {
	o := l.options
	if l.answering().dir == o.Dir {
		o.Dir = SuccessorOf(o.Dir)
	}
	if err := removeFolder(o.Dir); err != nil {
		return nil, err
	}
	next := newGeneration(nil, o.Dir)
	o.Observe = l.watch(next, abort)
	p, _, err := Open(gentleLog{l.log, l, l.log.Durable()}, o)
	if err != nil {
		return nil, errors.Join(err, removeFolder(o.Dir))
	}
	next.p = p
	l.mu.Lock()
	l.building = next
	l.mu.Unlock()
	go next.run()
	return next, nil
}

// watch is called by the next generation after each batch.
func (l *Live) watch(next *generation, abort context.CancelCauseFunc) func(records int) {
	since := 0
	return func(records int) {
		if next.answers.Load() {
			if l.options.Observe != nil {
				l.options.Observe(records)
			}
			return
		}
		if since += records; since >= recordsPerLook {
			since = 0
			if err := l.checkRoom(leastRoom / 2); err != nil {
				abort(err)
			}
		}
	}
}

// recordsPerLook is how often the room on the disk is looked at.
const recordsPerLook = 10_000

// replace lets the next generation answer as soon as it has caught up.
func (l *Live) replace(ctx context.Context, former, next *generation, jobs string) error {
	reached := func(upTo uint64) error {
		err := next.p.WaitApplied(ctx, upTo)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("apply the log to new projections: %w", err)
		}
		return nil
	}
	for lag, slow := ^uint64(0), 0; lag > nearlyAll && slow < slowRounds; {
		before := lag
		if err := reached(uint64(l.log.Durable())); err != nil {
			return err
		}
		if lag = uint64(l.log.Durable()) - next.p.Applied(); lag > before/2 {
			slow++ // as much is written as is applied
		}
	}
	next.near.Store(true)
	if err := reached(former.p.Applied()); err != nil {
		return err
	}
	// From here on a start may find either of the two in force: both are good.
	if err := setTookOver(l.options.Dir, next.dir != l.options.Dir); err != nil {
		return err
	}
	hold := time.Duration(0)
	for try := 1; ; try++ {
		if err := reached(former.p.Applied()); err != nil {
			return err
		}
		swapped, err := l.swap(former, next, jobs, hold)
		if swapped || err != nil {
			return err
		}
		if try >= politeTries {
			hold = min(max(firstHold, 2*hold), longestHold)
		}
	}
}

const (
	// nearlyAll is how many records behind the next generation has caught up: then
	// writes wait for it as well, so that it does not fall back. If it does not come
	// so near in some rounds, they wait for more.
	nearlyAll  = 1024
	slowRounds = 5
	// politeTries is how often a moment is looked for at which nobody has to wait.
	// While much is written, the next generation may be some records behind always:
	// the former one is given the index values by the commits, and need not wait for
	// the other.
	politeTries = 10
	// Then everybody waits for it, at most so long. It needs less by far, as nobody
	// else is at work.
	firstHold   = 50 * time.Millisecond
	longestHold = time.Second
)

// swap lets the next generation answer, if it has applied all that the former one
// has shown to anybody. With hold, everybody waits for that, at most so long. It
// fails if there was a job since the rebuild began.
func (l *Live) swap(former, next *generation, jobs string, hold time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shown := max(former.p.Applied(), former.p.Registry().Through)
	if next.p.Applied() < shown {
		if hold == 0 {
			return false, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), hold)
		defer cancel()
		if next.p.WaitApplied(ctx, shown) != nil {
			return false, nil // if it has failed, the next try tells
		}
	}
	if lastJob(former.p.Registry()) != jobs {
		return false, domain.NewError(domain.Conflict, "A reindex job began during the rebuild, and what it does would be missing in the rebuilt index.")
	}
	next.answers.Store(true)
	l.now, l.building = next, nil
	close(former.retired)
	return true, nil
}

// discard gives up a generation that has not taken over.
func (l *Live) discard(next *generation) error {
	l.mu.Lock()
	l.building = nil
	l.mu.Unlock()
	next.end()
	// A folder that is removed by halves must not be in force.
	return errors.Join(setTookOver(l.options.Dir, next.dir == l.options.Dir), next.close(), dropKeys(l.options))
}

// Rebuilding tells how far the rebuild is: how many records are applied, of how
// many. running is false if there is none.
func (l *Live) Rebuilding() (applied, total uint64, running bool) {
	l.mu.RLock()
	next := l.building
	if next == nil {
		next = l.now
	}
	l.mu.RUnlock()
	applied = next.p.Applied() // first, so that it is never more than the total
	return applied, uint64(l.log.Durable()), l.rebuilding.Load()
}

// removeFolder removes a folder with all that is in it.
func removeFolder(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove a folder of projections: %w", err)
	}
	return nil
}
