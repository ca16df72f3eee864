package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// applyUnpublished brings records into the store as Run does, and stops before
// they are published: what a reader meets while a batch is on its way.
func applyUnpublished(t *testing.T, p *Projections, records []eventlog.Record) {
	t.Helper()
	b := p.store.NewBatch()
	if err := p.applyRecords(b, records); err != nil {
		t.Fatal(err)
	}
	if err := p.commit(b, false); err != nil {
		t.Fatal(err)
	}
}

func all(p *Projections, count int) resource.HistoryQuery {
	return resource.HistoryQuery{Snapshot: p.Applied(), Before: p.Applied(), Count: count}
}

// TestNothingIsSeenBeforeItIsPublished: resources whose first version is beyond
// the applied position do not exist, however many versions they have by then.
func TestNothingIsSeenBeforeItIsPublished(t *testing.T) {
	log := newScript()
	log.commit(write("Patient", "old"))
	p := open(t, log, t.TempDir())
	defer p.Close()
	if err := p.apply(log.records); err != nil {
		t.Fatal(err)
	}
	log.commit(write("Patient", "one"), write("Patient", "old"))
	log.commit(write("Basic", "two"), write("Basic", "two"), write("Basic", "two"))
	log.commit(write("Basic", "replaced"), replaceVersion("Basic", "replaced"))
	log.commit(write("Basic", "gone"), remove("Basic", "gone"))
	applyUnpublished(t, p, log.records[1:])
	ctx := t.Context()
	for _, at := range []place{{"Patient", "one"}, {"Basic", "two"}, {"Basic", "replaced"}, {"Basic", "gone"}} {
		if _, err := p.Read(ctx, at.t, at.id); domain.KindOf(err) != domain.NotFound {
			t.Errorf("Read(%s): %v, want NotFound", at.id, err)
		}
		if _, err := p.ReadVersion(ctx, at.t, at.id, 1); domain.KindOf(err) != domain.NotFound {
			t.Errorf("ReadVersion(%s): %v, want NotFound", at.id, err)
		}
		if page, err := p.InstanceHistory(ctx, at.t, at.id, all(p, 10)); domain.KindOf(err) != domain.NotFound {
			t.Errorf("InstanceHistory(%s): %+v, %v, want NotFound", at.id, page, err)
		}
	}
	if v, err := p.Read(ctx, "Patient", "old"); err != nil || v.Version != 1 || v.Position != 0 {
		t.Errorf("Read(old) = %+v, %v; want version 1", v, err)
	}
	if _, err := p.ReadVersion(ctx, "Patient", "old", 2); domain.KindOf(err) != domain.NotFound {
		t.Errorf("ReadVersion(old, 2): %v, want NotFound", err)
	}
	for _, query := range []func() (resource.HistoryPage, error){
		func() (resource.HistoryPage, error) { return p.InstanceHistory(ctx, "Patient", "old", all(p, 10)) },
		func() (resource.HistoryPage, error) { return p.TypeHistory(ctx, "", all(p, 10)) },
	} {
		if page, err := query(); err != nil || page.Total != 1 || len(page.Positions) != 1 || page.Positions[0] != 0 {
			t.Errorf("history: %+v, %v; want the one version", page, err)
		}
	}
}

// TestHistoryOfWhatBeganAgain: a resource that is erased and written anew while its
// history is read was not there at some moment of that, so there is no history. It is
// not one without versions.
func TestHistoryOfWhatBeganAgain(t *testing.T) {
	log := newScript()
	log.commit(write("Patient", "again"), write("Patient", "again"))
	p := open(t, log, t.TempDir())
	defer p.Close()
	if err := p.apply(log.records); err != nil {
		t.Fatal(err)
	}
	before := all(p, 10)
	log.commit(erase("Patient", "again"))
	log.commit(write("Patient", "again"))
	if err := p.apply(log.records[2:]); err != nil {
		t.Fatal(err)
	}
	if page, err := p.InstanceHistory(t.Context(), "Patient", "again", before); domain.KindOf(err) != domain.NotFound {
		t.Errorf("at the snapshot before: %+v, %v, want NotFound", page, err)
	}
	if page, err := p.InstanceHistory(t.Context(), "Patient", "again", all(p, 10)); err != nil || page.Total != 1 || len(page.Positions) != 1 {
		t.Errorf("now: %+v, %v, want the one version", page, err)
	}
}

// TestAppliedIsNeverAheadOfTheHistory: after a stop the written history may be
// behind the written current state; reads wait for both.
func TestAppliedIsNeverAheadOfTheHistory(t *testing.T) {
	log := newScript()
	const records = 9000 // more than the history keeps in memory
	for i := range records {
		log.commit(write("Basic", domain.LogicalID(fmt.Sprint(i%50))))
	}
	dir := t.TempDir()
	p := open(t, log, dir)
	for at := 0; at < records; at += 500 {
		if err := p.apply(log.records[at : at+500]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil { // without what Run does at its end
		t.Fatal(err)
	}
	log.group = 100
	batches := 0
	o := testOptions(dir)
	o.Observe = func(int) {
		batches++
		n, err := p.history.Count("Basic", 0, p.Applied(), nil)
		if err != nil || n != int(p.Applied()) {
			t.Errorf("after batch %d: %d versions of %d applied, %v", batches, n, p.Applied(), err)
		}
		// The current state is ahead: whether it lacks what was there at this moment is
		// not known.
		if page, err := p.TypeHistory(t.Context(), "Basic", all(p, 0)); p.Applied() < records && domain.KindOf(err) != domain.Unavailable {
			t.Errorf("after batch %d there is a history of %d of %d versions, %v; want Unavailable", batches, page.Total, p.Applied(), err)
		}
	}
	p, rebuilt, err := Open(log, o)
	if err != nil || rebuilt != nil {
		t.Fatal(rebuilt, err)
	}
	if p.currentAt != records || p.Applied() >= records {
		t.Fatalf("current state at %d, applied %d: the test needs the history behind", p.currentAt, p.Applied())
	}
	stop := run(t, p)
	catchUp(t, p)
	stop()
	if batches < 2 {
		t.Errorf("%d batches", batches)
	}
}

func TestRunEnds(t *testing.T) {
	cancelled := func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }
	atDeadline := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 50*time.Millisecond)
	}
	unknownEvent := func(log *script, _ func()) {
		damaged := newScript()
		damaged.commit(write("Basic", "b"))
		record := damaged.records[0]
		record.Position, record.Metadata[0] = 1, 99
		log.add(record)
	}
	for name, c := range map[string]struct {
		ctx  func() (context.Context, context.CancelFunc)
		end  func(log *script, cancel func())
		want error // for those who wait
		run  error // of Run
	}{
		"when cancelled":         {cancelled, func(_ *script, cancel func()) { cancel() }, eventlog.ErrClosed, nil},
		"at a deadline":          {atDeadline, func(*script, func()) {}, eventlog.ErrClosed, nil},
		"when the log is closed": {cancelled, func(log *script, _ func()) { log.end(eventlog.ErrClosed) }, eventlog.ErrClosed, nil},
		"when the log fails": {cancelled, func(log *script, _ func()) { log.end(eventlog.ErrOutcomeUnknown) },
			eventlog.ErrOutcomeUnknown, eventlog.ErrOutcomeUnknown},
		"at an event that it does not know": {cancelled, unknownEvent, eventlog.ErrOutcomeUnknown, event.ErrUnknownSchema},
	} {
		t.Run(name, func(t *testing.T) {
			log := newScript()
			log.commit(write("Basic", "a"))
			dir := t.TempDir()
			p := open(t, log, dir)
			ctx, cancel := c.ctx()
			defer cancel()
			ended, waited := make(chan error, 1), make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			go func() { waited <- p.WaitApplied(context.Background(), 10) }()
			waitFor(t, func() bool { return p.gate.waiters() == 1 && p.Applied() == 1 })
			c.end(log, cancel)
			if err := <-ended; !errors.Is(err, c.run) || (c.run == nil) != (err == nil) {
				t.Errorf("Run = %v, want %v", err, c.run)
			}
			if err := <-waited; !errors.Is(err, c.want) {
				t.Errorf("WaitApplied = %v, want %v", err, c.want)
			}
			if err := p.WaitApplied(context.Background(), 1); err != nil {
				t.Errorf("WaitApplied of what was applied = %v", err)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if errors.Is(c.run, event.ErrUnknownSchema) {
				before := contents(t, dir)
				if _, _, err := Open(log, testOptions(dir)); !errors.Is(err, c.run) {
					t.Errorf("Open = %v, want %v: the log was written by a newer program", err, c.run)
				}
				if after := contents(t, dir); len(before) == 0 || !maps.Equal(after, before) {
					t.Errorf("an Open that fails leaves %d keys of %d", len(after), len(before))
				}
				return
			}
			p = open(t, log, dir)
			defer p.Close()
			if want := map[bool]uint64{true: 1, false: 0}[c.run == nil]; p.Applied() != want {
				t.Errorf("applied %d after the stop, want %d: a clean one writes what is in memory", p.Applied(), want)
			}
		})
	}
}

func TestBeforeTurnsInstantsIntoPositions(t *testing.T) {
	log := newScript()
	p := open(t, log, t.TempDir())
	defer p.Close()
	if got, err := p.Before(5000); got != 0 || err != nil {
		t.Errorf("Before in an empty log = %d, %v", got, err)
	}
	log.commit(write("Basic", "a"), write("Basic", "b")) // at 1000
	log.commit(write("Basic", "c"))                      // at 1002
	for instant, want := range map[int64]uint64{0: 0, 999: 0, 1000: 0, 1001: 2, 1002: 2, 1003: 3, 1 << 60: 3} {
		if got, err := p.Before(instant); got != want || err != nil {
			t.Errorf("Before(%d) = %d, %v, want %d", instant, got, err, want)
		}
	}
	for position, want := range []uint64{2, 2, 3} {
		if got, err := p.CommitEnd(uint64(position)); got != want || err != nil {
			t.Errorf("CommitEnd(%d) = %d, %v, want %d", position, got, err, want)
		}
	}
	if _, err := p.CommitEnd(3); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("CommitEnd beyond the log: %v", err)
	}
	log.unreadable = errors.New("no disk")
	if _, err := p.Before(1001); !errors.Is(err, log.unreadable) {
		t.Errorf("Before on a log that cannot be read: %v", err)
	}
}
