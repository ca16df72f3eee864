package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/eventlog"
)

// FeedLog is what a Feed needs of a log.
type FeedLog interface {
	Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error
	Read(p eventlog.Position) (eventlog.Record, error)
}

// View says how much of the log may be seen, and which versions still are. It is
// asked concurrently.
type View interface {
	// Applied is the number of records that may be seen. It never decreases.
	Applied() uint64
	// WaitApplied returns when Applied() ≥ upTo, or with an error, such as that of ctx.
	WaitApplied(ctx context.Context, upTo uint64) error
	// Shown calls fn with the positions, ascending, of the versions that are neither
	// erased nor purged nor replaced. Other positions are of no interest.
	Shown(from, before uint64, fn func(position uint64) (bool, error)) error
}

// Feed tells what is in a log, event by event. It is safe for concurrent use: every
// walk reads at its own pace and holds nothing back.
type Feed struct {
	Log    FeedLog
	View   View
	Origin string // names the log
}

// Source names the log, as a CloudEvent does.
func (f *Feed) Source() string { return f.Origin }

// standardHeartbeat is the Heartbeat of a query that has none.
const standardHeartbeat = 10 * time.Second

// errEnded ends a walk that has come to its end.
var errEnded = errors.New("ended")

// Walk tells the events that a query asks for, in order, each once, until its end, or
// until ctx ends if it follows. What can be read when it is told has been applied: who
// is told of a version can read it.
func (f *Feed) Walk(ctx context.Context, q feed.Query, to feed.Listener) error {
	if q.Heartbeat == 0 {
		q.Heartbeat = standardHeartbeat
	}
	w := &walk{feed: f, query: q, to: to, at: q.From, accounted: q.From}
	if q.Until = min(q.Until, f.View.Applied()); !q.Follow && q.From >= q.Until {
		_, err := to.Reached(q.From, q.From)
		return err
	}
	w.query.Until = q.Until
	for {
		err := w.wait(ctx)
		switch {
		case errors.Is(err, errEnded):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errQuiet):
			if err := w.reached(); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// errQuiet says that nothing came for the time of a heartbeat.
var errQuiet = errors.New("nothing came")

// walk is one at work. It belongs to one goroutine.
type walk struct {
	feed  *Feed
	query feed.Query
	to    feed.Listener

	at        uint64 // the next record to look at
	accounted uint64 // what was told has accounted for all before it
	shown     window
}

// wait takes groups of records until nothing comes for the time of a heartbeat.
func (w *walk) wait(ctx context.Context) error {
	quiet, cancel := context.WithTimeout(ctx, w.query.Heartbeat)
	defer cancel()
	err := w.feed.Log.Follow(quiet, eventlog.Position(w.at), func(records []eventlog.Record) error {
		return w.take(ctx, records)
	})
	if quiet.Err() != nil && errors.Is(err, quiet.Err()) {
		return errQuiet
	}
	return err
}

// take tells of records, which are whole commits but perhaps for the first one.
func (w *walk) take(ctx context.Context, records []eventlog.Record) error {
	end := uint64(records[len(records)-1].Position) + 1
	if !w.query.Follow {
		end = min(end, w.query.Until)
	}
	if err := w.feed.View.WaitApplied(ctx, end); err != nil {
		return err
	}
	for i := range records {
		r := &records[i]
		if uint64(r.Position) >= end {
			break
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := w.tell(r, end); err != nil {
			return err
		}
	}
	w.at = end
	if err := w.reached(); err != nil {
		return err
	}
	if !w.query.Follow && end >= w.query.Until {
		return errEnded
	}
	return nil
}

// reached accounts for all that was looked at.
func (w *walk) reached() error {
	told, err := w.to.Reached(w.accounted, w.at)
	if told {
		w.accounted = w.at
	}
	return err
}

// tell tells of one record, if it is asked for.
func (w *walk) tell(r *eventlog.Record, end uint64) error {
	e := feed.Entry{From: w.accounted, Position: uint64(r.Position), Instant: r.Instant, CommitEnd: r.CommitEnd}
	var err error
	if e.Event, err = event.Decode(r.Metadata); err != nil {
		return fmt.Errorf("position %d: %w", r.Position, err)
	}
	if !w.query.Filter.Wants(&e.Event) {
		return nil
	}
	if e.Content, err = w.content(r, &e.Event, end); err != nil {
		return err
	}
	if e.Content == feed.Erased && !w.query.Filter.All {
		return nil
	}
	if w.query.Bodies && e.Content == feed.Present {
		if err := w.read(&e); err != nil {
			return err
		}
		if e.Content == feed.Erased && !w.query.Filter.All {
			return nil
		}
	}
	w.accounted = e.Position + 1
	return w.to.Entry(&e)
}

// content says what there is to read of an event.
func (w *walk) content(r *eventlog.Record, e *event.Event, end uint64) (feed.Content, error) {
	version := e.Kind == event.Written || e.Kind == event.Deleted
	if version && e.IDErased {
		return feed.Erased, nil
	}
	if version {
		shown, err := w.shown.has(w.feed.View, uint64(r.Position), end)
		if err != nil {
			return 0, err
		}
		if !shown {
			return feed.Erased, nil
		}
	}
	switch {
	case r.HasBody:
		return feed.Present, nil
	case r.Erased:
		return feed.Erased, nil
	}
	return feed.None, nil
}

// read adds the content. A compaction may have taken it meanwhile.
func (w *walk) read(e *feed.Entry) error {
	r, err := w.feed.Log.Read(eventlog.Position(e.Position))
	if err != nil {
		return err
	}
	if !r.HasBody {
		e.Content = feed.Erased
		return nil
	}
	e.SetBody(r.Body)
	return nil
}
