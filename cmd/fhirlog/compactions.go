package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/eventlog"
	"fhirlog/httpapi"
	"fhirlog/projections"
	"fhirlog/replay"
)

// compactionsKept is how many compactions are remembered.
const compactionsKept = 20

// compactions removes for good what is erased, while the server answers: on a
// schedule, when somebody asks for it, and at a start when one had not ended. They
// are no events of the log, since they change nothing that it tells.
type compactions struct {
	folder   *folder
	log      *eventlog.Log
	live     *projections.Live
	rebuilds *rebuilds
	next     chan *compaction // from whoever asked for it to run; capacity 1

	mu    sync.Mutex    // guards the fields below, and those of the compactions
	known []*compaction // the latest last
}

// compaction is one of them.
type compaction struct {
	httpapi.Compaction
	records   uint64          // of the log, when it began
	rebuilds  bool            // the log is done, the projections come now
	ctx       context.Context // ends when it is canceled; handed from the call to run
	cancel    context.CancelFunc
	scheduled bool
}

func newCompactions(n *node) *compactions {
	return &compactions{folder: n.folder, log: n.log, live: n.projections, rebuilds: n.rebuilds, next: make(chan *compaction, 1)}
}

func (c *compactions) activeLocked() *compaction {
	if n := len(c.known); n > 0 && c.known[n-1].State == httpapi.RebuildRunning {
		return c.known[n-1]
	}
	return nil
}

// tellLocked is what is told of a compaction now. Both steps count the records.
func (c *compactions) tellLocked(k *compaction) httpapi.Compaction {
	told := k.Compaction
	told.Total = 2 * k.records
	if k.rebuilds {
		told.Done = k.records
		if applied, _, running := c.live.Rebuilding(); running {
			told.Done += min(applied, k.records)
		}
	}
	return told
}

// BeginCompaction begins a compaction, or returns the one that is active.
func (c *compactions) BeginCompaction() (httpapi.Compaction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.activeLocked()
	if k == nil {
		k = c.beginLocked(false)
	}
	return c.tellLocked(k), nil
}

func (c *compactions) beginLocked(scheduled bool) *compaction {
	k := &compaction{
		Compaction: httpapi.Compaction{ID: ulid.Make().String(), State: httpapi.RebuildRunning, Began: time.Now().UnixMilli()},
		records:    uint64(c.log.Durable()), scheduled: scheduled,
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	c.known = append(c.known, k)
	if len(c.known) > compactionsKept {
		c.known = slices.Clone(c.known[1:])
	}
	c.next <- k // there is room: the one before has ended
	return k
}

// ActiveCompaction returns the compaction that has not ended.
func (c *compactions) ActiveCompaction() (httpapi.Compaction, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.activeLocked()
	if k == nil {
		return httpapi.Compaction{}, false
	}
	return c.tellLocked(k), true
}

// CompactionByID returns one of the latest compactions.
func (c *compactions) CompactionByID(id string) (httpapi.Compaction, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.known {
		if k.ID == id {
			return c.tellLocked(k), true
		}
	}
	return httpapi.Compaction{}, false
}

// CancelCompaction asks for the end of the active compaction.
func (c *compactions) CancelCompaction(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.activeLocked()
	if k == nil || k.ID != id {
		return domain.NewError(domain.Invalid, "The compaction has ended, and cannot be canceled any more.")
	}
	k.cancel()
	return nil
}

// compactFirst is how long after a start the schedule begins, so that servers
// that are restarted often compact too.
const compactFirst = time.Hour

// run carries out what is asked for and what is due, one after the other, until
// ctx ends. every is the schedule; 0 for none.
func (c *compactions) run(ctx context.Context, log zerolog.Logger, every time.Duration) {
	if unfinished, err := c.folder.unfinished(); unfinished || err != nil {
		if c.live.WaitApplied(ctx, uint64(c.log.Durable())) != nil {
			return // it is stopping, or the log has failed, which others tell
		}
		c.begin()
		log.Info().Msg("a compaction that a stop had interrupted goes on")
	}
	var due <-chan time.Time
	if every > 0 {
		due = time.After(min(every, compactFirst))
	}
	for {
		select {
		case k := <-c.next:
			c.carryOut(ctx, k, log)
		case <-due:
			c.look(ctx, log)
			due = time.After(every)
		case <-ctx.Done():
			return
		}
	}
}

// begin begins a compaction by schedule, unless one is active.
func (c *compactions) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.activeLocked() == nil {
		c.beginLocked(true)
	}
}

// look begins a compaction if it is worthwhile.
func (c *compactions) look(ctx context.Context, log zerolog.Logger) {
	unfinished, err := c.folder.unfinished()
	if err == nil && !unfinished {
		var found *replay.Erasures
		if found, err = replay.FindErasures(ctx, c.log, true); err == nil && !worthwhile(found) {
			return
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			log.Error().Err(err).Msg("it cannot be found out whether the log is to be compacted")
		}
		return
	}
	c.begin()
}

func (c *compactions) carryOut(stopping context.Context, k *compaction, log zerolog.Logger) {
	unlink := context.AfterFunc(stopping, k.cancel)
	defer unlink()
	defer k.cancel()
	log.Info().Str("compaction", k.ID).Bool("scheduled", k.scheduled).Msg("the log is being compacted")
	began := time.Now()
	done, err := c.compact(k)
	state, failure := httpapi.RebuildCompleted, ""
	switch {
	case err == nil:
		log.Info().Str("compaction", k.ID).Uint64("versions", done.Records).Int("segments", done.Segments).
			Int64("bytes_before", done.BytesBefore).Int64("bytes_after", done.BytesAfter).Int("torn_files", done.TornFiles).
			Dur("elapsed", time.Since(began)).Msg("the log is compacted: what was erased is in no file any more")
	case errors.Is(err, context.Canceled):
		state = httpapi.RebuildCanceled
		log.Info().Str("compaction", k.ID).Msg("the compaction has not ended; the next one, or the next start, goes on with it")
	default:
		state, failure = httpapi.RebuildFailed, "The compaction could not come to its end; the log of the server says why. The server goes on answering, and the next compaction goes on with it."
		if known, ok := errors.AsType[*domain.Error](err); ok && known.Kind != domain.Internal {
			failure = known.Issues[0].Message
		}
		log.Error().Err(err).Str("compaction", k.ID).Msg("the log could not be compacted: what was erased may still be in files; the next compaction goes on with it")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.State, k.Failure, k.Ended = state, failure, time.Now().UnixMilli()
}

// compact does all of it, or the rest of what was interrupted.
func (c *compactions) compact(k *compaction) (done eventlog.Compaction, err error) {
	unfinished, err := c.folder.unfinished()
	if err != nil {
		return done, err
	}
	found, err := replay.FindErasures(k.ctx, c.log, true)
	if err != nil {
		return done, err
	}
	// A body goes only when nothing answers with it any more.
	if err := c.live.WaitApplied(k.ctx, uint64(c.log.Durable())); err != nil {
		return done, err
	}
	needed := unfinished || found.Any()
	if needed {
		// A reindex job may be active now, and is waited for later.
		if err := c.live.MayRebuild(); err != nil && domain.KindOf(err) != domain.Conflict {
			return done, err
		}
		if err := c.folder.beginCompacting(); err != nil {
			return done, err
		}
	}
	done, err = c.log.Compact(k.ctx, found.Positions(), eventlog.CompactOptions{Gently: true, Progress: func(through eventlog.Position) {
		c.mu.Lock()
		defer c.mu.Unlock()
		k.Done = min(uint64(through), k.records)
	}})
	c.mu.Lock()
	k.Erased, k.Freed = done.Records, uint64(max(0, done.BytesBefore-done.BytesAfter))
	k.rebuilds = needed && err == nil
	c.mu.Unlock()
	if errors.Is(err, eventlog.ErrDiskFull) {
		err = errors.Join(domain.NewError(domain.Unavailable, "The disk has not enough room for a segment of the log to be written once more."), err)
	}
	if err != nil || !needed {
		return done, err
	}
	if err := c.rebuilds.anew(k.ctx); err != nil {
		return done, fmt.Errorf("rebuild the projections, which still have values of what was erased: %w", err)
	}
	return done, c.folder.endCompacting()
}
