package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// script is a Log in memory that a test writes commit by commit. Events name
// the version before by themselves.
type script struct {
	mu      sync.Mutex // guards the fields below
	records []eventlog.Record
	last    map[place]event.Event // of each resource, with its position in lastAt
	lastAt  map[place]uint64
	more    chan struct{}
	closed  error        // what Follow ends with
	erased  map[int]bool // bodies that are gone
	reads   atomic.Int64 // calls of Read and ReadMetadata

	unreadable error // what PositionAt fails with
	group      int   // how many records Follow hands over at once, or one commit
}

type place struct {
	t  domain.ResourceType
	id domain.LogicalID
}

var _ Log = (*script)(nil)

func newScript() *script {
	return &script{last: map[place]event.Event{}, lastAt: map[place]uint64{}, more: make(chan struct{}), erased: map[int]bool{}, group: 4096}
}

// change is an event that a test writes.
type change struct {
	kind  event.Kind
	t     domain.ResourceType
	id    domain.LogicalID
	drops bool
}

func write(t domain.ResourceType, id domain.LogicalID) change {
	return change{kind: event.Written, t: t, id: id}
}

func replaceVersion(t domain.ResourceType, id domain.LogicalID) change {
	return change{kind: event.Written, t: t, id: id, drops: true}
}

func remove(t domain.ResourceType, id domain.LogicalID) change {
	return change{kind: event.Deleted, t: t, id: id}
}
func erase(t domain.ResourceType, id domain.LogicalID) change {
	return change{kind: event.Erased, t: t, id: id}
}
func purge(t domain.ResourceType, id domain.LogicalID) change {
	return change{kind: event.HistoryPurged, t: t, id: id}
}

// interactions are what causes each kind, roughly.
var interactions = map[event.Kind]event.Interaction{
	event.Written: event.Update, event.Deleted: event.Delete, event.Erased: event.HardDelete, event.HistoryPurged: event.PurgeHistory,
}

// commit adds a commit; its instant is 1000 + the position of its first record.
func (s *script) commit(changes ...change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	instant := int64(1000 + len(s.records))
	for i, c := range changes {
		at := place{c.t, c.id}
		position := uint64(len(s.records))
		e := event.Event{Kind: c.kind, Interaction: interactions[c.kind], Type: c.t, ID: c.id, DropsPrevious: c.drops, Previous: event.NoPosition}
		if before, exists := s.last[at]; exists {
			e.Version, e.Previous = before.Version, s.lastAt[at]
		}
		record := eventlog.Record{Position: eventlog.Position(position), Instant: instant, CommitEnd: i == len(changes)-1}
		switch c.kind {
		case event.Written:
			e.Version++
			body := fmt.Sprintf(`{"resourceType":%q,"id":%q,"meta":{}}`, c.t, c.id)
			e.MetaAt = len(body) - 2
			record.Body, record.HasBody = []byte(body), true
		case event.Deleted:
			e.Version++
		}
		switch c.kind {
		case event.Written, event.Deleted:
			s.last[at], s.lastAt[at] = e, position
		case event.Erased:
			delete(s.last, at)
		}
		record.Metadata = e.Append(nil)
		s.records = append(s.records, record)
	}
	close(s.more)
	s.more = make(chan struct{})
}

// add puts a record behind the others as it is.
func (s *script) add(r eventlog.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *script) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = err
	close(s.more)
	s.more = make(chan struct{})
}

func (s *script) Durable() eventlog.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return eventlog.Position(len(s.records))
}

func (s *script) Read(p eventlog.Position) (eventlog.Record, error) {
	s.reads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(p) >= len(s.records) {
		return eventlog.Record{}, eventlog.ErrNotFound
	}
	r := s.records[p]
	if s.erased[int(p)] {
		r.Body, r.HasBody, r.Erased = nil, false, true
	}
	return r, nil
}

func (s *script) ReadMetadata(p eventlog.Position) (eventlog.Record, error) {
	r, err := s.Read(p)
	r.Body = nil
	return r, err
}

func (s *script) PositionAt(instant int64) (p eventlog.Position, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.Instant > instant {
			break
		}
		p, ok = r.Position, true
	}
	return p, ok, s.unreadable
}

func (s *script) Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error {
	for {
		s.mu.Lock()
		records, more, closed := s.records[from:], s.more, s.closed
		s.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(records) == 0 {
			if closed != nil {
				return closed
			}
			select {
			case <-more:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		n := min(len(records), s.group)
		for !records[n-1].CommitEnd {
			n++
		}
		if err := fn(records[:n:n]); err != nil {
			return err
		}
		from += eventlog.Position(n)
	}
}

func testOptions(dir string) Options {
	return Options{Dir: dir, FHIRVersion: "R4", LogIdentity: "log-1", Store: store.Options{MemTableBytes: 1 << 20}}
}

// open opens projections that are expected to be as they were left.
func open(t testing.TB, log Log, dir string) *Projections {
	t.Helper()
	p, rebuilt, err := Open(log, testOptions(dir))
	if err != nil || rebuilt != nil {
		t.Fatalf("Open: rebuilt because of %v, %v", rebuilt, err)
	}
	return p
}

// run starts Run; stop ends it, and closes the projections.
func run(t testing.TB, p *Projections) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := errors.Join(<-ended, p.Close()); err != nil {
			t.Fatalf("stop: %v", err)
		}
	}
}

// catchUp waits until everything in the log is applied.
func catchUp(t testing.TB, p *Projections) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.WaitApplied(ctx, uint64(p.log.Durable())); err != nil {
		t.Fatalf("WaitApplied: %v", err)
	}
}

// build opens, applies all of a log, and closes again.
func build(t testing.TB, log Log, dir string) {
	t.Helper()
	p := open(t, log, dir)
	stop := run(t, p)
	catchUp(t, p)
	stop()
}

// contents returns all keys and values of a folder, but for those that tell
// where the log comes from.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	s, err := store.Open(dir, testOptions(dir).Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return storetest.Contents(t, s)
}

// copyOf is a folder as a kill would leave it now.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
