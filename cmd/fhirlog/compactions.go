package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/httpapi"
	"fhirlog/projections"
	"fhirlog/replay"
)

// compactions removes for good what is erased, while the server answers: on a
// schedule, when somebody asks for it, and at a start when one had not ended.
type compactions struct {
	runs
	folder      *folder
	log         *eventlog.Log
	live        *projections.Live
	rebuilds    *rebuilds
	eraseIDs    bool   // every compaction erases ids as well; set before run
	projections bool   // the log is done, the projections come now; guarded by mu
	erasing     string // the latest one that was asked to erase ids; guarded by mu
}

func newCompactions(n *node) *compactions {
	c := &compactions{folder: n.folder, log: n.log, live: n.projections, rebuilds: n.rebuilds}
	c.runs = runs{
		noun:    "compaction",
		failure: "The compaction could not come to its end; the log of the server says why. The server goes on answering, and the next compaction goes on with it.",
		may:     func() error { return nil }, begun: c.begun, now: c.progress,
		next: make(chan *knownRun, 1),
	}
	return c
}

// begun: both steps count the records that there are now.
func (c *compactions) begun(told *httpapi.Run) {
	told.Total = 2 * uint64(c.log.Durable())
	c.projections = false
}

func (c *compactions) progress(told *httpapi.Run) {
	if !c.projections {
		return
	}
	if applied, _, running := c.live.Rebuilding(); running {
		told.Done += min(applied, told.Total/2)
	}
}

// BeginErasingIDs is Begin of a compaction that erases ids as well, on behalf of
// somebody. It fails while one is active that leaves them.
func (c *compactions) BeginErasingIDs(by commit.Caller) (httpapi.Run, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.activeLocked()
	if k == nil {
		var err error
		if k, err = c.beginLocked(false); err != nil {
			return httpapi.Run{}, err
		}
		c.erasing, k.by = k.told.ID, by
	}
	if !c.eraseIDs && c.erasing != k.told.ID {
		return httpapi.Run{}, domain.NewError(domain.Conflict, "A compaction is active that leaves ids where they are. Wait until it has ended, and ask again.")
	}
	return c.tellLocked(k), nil
}

// erasesIDs says whether a compaction is to erase ids.
func (c *compactions) erasesIDs(k *knownRun) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eraseIDs || c.erasing == k.told.ID
}

// idsErasedBy is whom the log tells of that erases the ids: whoever asked for the
// compaction, or the server.
func (c *compactions) idsErasedBy(k *knownRun) commit.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.scheduled {
		return commit.Caller{Author: event.ByCompact}
	}
	return k.by
}

// compactFirst is how long after a start the schedule begins, so that servers
// that are restarted often compact too.
const compactFirst = time.Hour

// run carries out what is asked for and what is due, one after the other, until
// ctx ends. every is the schedule; 0 for none.
func (c *compactions) run(ctx context.Context, log zerolog.Logger, every time.Duration) {
	if unfinished, _, err := c.folder.unfinished(); unfinished || err != nil {
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
			c.carryOut(ctx, k, func(k *knownRun) (httpapi.RunState, error) { return c.compact(k, log) })
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
		_, _ = c.beginLocked(true) // a compaction may always begin
	}
}

// look begins a compaction if it is worthwhile.
func (c *compactions) look(ctx context.Context, log zerolog.Logger) {
	unfinished, _, err := c.folder.unfinished()
	if err == nil && !unfinished {
		var found *replay.Erasures
		if found, err = replay.FindErasures(ctx, c.log, true); err == nil && !worthwhile(found, c.eraseIDs) && !c.folder.partlyEncrypted(c.log) {
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

func (c *compactions) compact(k *knownRun, log zerolog.Logger) (httpapi.RunState, error) {
	log = log.With().Str("compaction", k.told.ID).Logger()
	log.Info().Bool("scheduled", k.scheduled).Msg("the log is being compacted")
	began := time.Now()
	done, err := c.steps(k)
	switch {
	case err == nil:
		log.Info().Uint64("versions", done.Records).Uint64("ids", done.Metadata).Int("segments", done.Segments).
			Int64("bytes_before", done.BytesBefore).Int64("bytes_after", done.BytesAfter).Int("torn_files", done.TornFiles).
			Dur("elapsed", time.Since(began)).Msg("the log is compacted: what was erased is in no file any more")
		return httpapi.RunCompleted, nil
	case errors.Is(err, context.Canceled):
		log.Info().Msg("the compaction has not ended; the next one, or the next start, goes on with it")
		return httpapi.RunCanceled, err
	default:
		log.Error().Err(err).Msg("the log could not be compacted: what was erased may still be in files; the next compaction goes on with it")
		return httpapi.RunFailed, err
	}
}

// compactLog does the part of the log.
func (c *compactions) compactLog(k *knownRun, found *replay.Erasures, ids bool) (eventlog.Compaction, error) {
	options := eventlog.CompactOptions{Gently: true, Progress: func(through eventlog.Position) {
		c.mu.Lock()
		defer c.mu.Unlock()
		k.told.Done = min(uint64(through), k.told.Total/2)
	}}
	if !ids {
		return c.log.Compact(k.ctx, found.Positions(), options)
	}
	// What applies the log meanwhile must know of each resource either its id or nothing.
	if err := c.rebuilds.holdOffWhen(k.ctx); err != nil {
		return eventlog.Compaction{}, err
	}
	defer c.rebuilds.goOn()
	if err := commit.AnnounceErasedIDs(k.ctx, c.log, c.idsErasedBy(k), found.IDPositions()); err != nil {
		return eventlog.Compaction{}, err
	}
	return c.log.Compact(k.ctx, found.Positions(), found.WithIDs(options))
}

// steps does all of it, or the rest of what was interrupted.
func (c *compactions) steps(k *knownRun) (done eventlog.Compaction, err error) {
	unfinished, ids, err := c.folder.unfinished()
	if err != nil {
		return done, err
	}
	ids = ids || c.erasesIDs(k)
	found, err := replay.FindErasures(k.ctx, c.log, true)
	if err != nil {
		return done, err
	}
	// A body goes only when nothing answers with it any more.
	if err := c.live.WaitApplied(k.ctx, uint64(c.log.Durable())); err != nil {
		return done, err
	}
	needed := unfinished || found.Any(ids)
	if needed {
		// A reindex job may be active now, and is waited for later.
		if err := c.live.MayRebuild(); err != nil && domain.KindOf(err) != domain.Conflict {
			return done, err
		}
		if err := c.folder.beginCompacting(ids); err != nil {
			return done, err
		}
	}
	done, err = c.compactLog(k, found, ids)
	c.mu.Lock()
	k.told.Erased, k.told.IDs, k.told.Freed = done.Records, done.Metadata, uint64(max(0, done.BytesBefore-done.BytesAfter))
	if c.projections = needed && err == nil; c.projections {
		k.told.Done = k.told.Total / 2
	}
	c.mu.Unlock()
	if errors.Is(err, eventlog.ErrDiskFull) {
		err = errors.Join(domain.NewError(domain.StorageFull, "The disk has not enough room for a segment of the log to be written once more."), err)
	}
	if err != nil || !needed {
		return done, err
	}
	if err := c.rebuilds.anew(k.ctx); err != nil {
		return done, fmt.Errorf("rebuild the projections, which still have values of what was erased: %w", err)
	}
	return done, c.folder.endCompacting()
}
