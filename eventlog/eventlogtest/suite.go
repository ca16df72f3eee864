package eventlogtest

import (
	"context"
	"testing"

	"fhirlog/eventlog"
)

// Log is what the suite asks of a backend; package eventlog describes each method.
type Log interface {
	Pack(bodies [][]byte) *eventlog.Packed
	Append(ctx context.Context, b eventlog.Batch) (eventlog.Appended, error)
	Next() eventlog.Position
	Durable() eventlog.Position
	WaitDurable(ctx context.Context, upTo eventlog.Position) error
	Read(p eventlog.Position) (eventlog.Record, error)
	ReadMetadata(p eventlog.Position) (eventlog.Record, error)
	Scan(ctx context.Context, from eventlog.Position, withBodies bool, fn func(eventlog.Record) error) error
	Follow(ctx context.Context, from eventlog.Position, fn func([]eventlog.Record) error) error
	PositionAt(instant int64) (p eventlog.Position, ok bool, err error)
	Run(ctx context.Context) error
	Close() error
}

// Open opens the log that belongs to dir, which is created or was closed before.
type Open func(t testing.TB, dir string) Log

// Run runs the whole suite; each part gets a folder of its own.
func Run(t *testing.T, open Open) {
	parts := []struct {
		name string
		test func(t *testing.T, s *suite)
	}{
		{"empty log has nothing", emptyLog},
		{"records come back as appended", recordsComeBack},
		{"commit gets consecutive positions and one instant", commitIsTogether},
		{"commitments fit what was appended", commitmentsFit},
		{"wait for durable ends with its context", waitEndsWithContext},
		{"append refuses a cancelled context and a closed log", appendRefuses},
		{"too large metadata is refused and changes nothing", tooLargeIsRefused},
		{"scan starts anywhere and stops when told", scanAnywhere},
		{"follow sees all in whole commits", followWholeCommits},
		{"follow starts anywhere", followAnywhere},
		{"follow ends with context, error or log", followEnds},
		{"position at instant agrees with a scan", positionAt},
		{"concurrent appends, readers and followers agree", concurrent},
		{"everything is there after reopening", reopen},
		{"close finishes what is queued", closeFinishes},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			s := &suite{t: t, open: open, dir: t.TempDir()}
			s.start()
			defer s.stop()
			part.test(t, s)
		})
	}
}

// suite is one open log under test, with what was appended to it.
type suite struct {
	t    *testing.T
	open Open
	dir  string
	log  Log
	ran  chan error
	want []expected
}

// expected is a record as it must be read.
type expected struct {
	metadata  string
	body      []byte
	instant   int64
	commitEnd bool
}

func (s *suite) start() {
	s.log = s.open(s.t, s.dir)
	s.ran = make(chan error, 1)
	log, ran := s.log, s.ran
	go func() { ran <- log.Run(context.Background()) }()
}

// stop closes the log, unless a test did.
func (s *suite) stop() {
	if s.log == nil {
		return
	}
	if err := s.log.Close(); err != nil {
		s.t.Errorf("Close() = %v", err)
	}
	if err := <-s.ran; err != nil {
		s.t.Errorf("Run() = %v", err)
	}
	s.log = nil
}

// entry is a record to append.
type entry struct {
	metadata string
	body     []byte
}

func (s *suite) batch(entries []entry) eventlog.Batch {
	var b eventlog.Batch
	var bodies [][]byte
	for _, e := range entries {
		b.Metadata = append(b.Metadata, []byte(e.metadata))
		bodies = append(bodies, e.body)
	}
	b.Bodies = s.log.Pack(bodies)
	return b
}

// commit appends, waits, and remembers what must be read from then on.
func (s *suite) commit(entries ...entry) eventlog.Appended {
	s.t.Helper()
	a, err := s.log.Append(context.Background(), s.batch(entries))
	if err != nil {
		s.t.Fatalf("Append(%d records) = %v", len(entries), err)
	}
	if err := s.log.WaitDurable(context.Background(), a.First+eventlog.Position(a.Count)); err != nil {
		s.t.Fatalf("WaitDurable(%d) = %v", a.First+eventlog.Position(a.Count), err)
	}
	s.expect(a, entries)
	return a
}

func (s *suite) expect(a eventlog.Appended, entries []entry) {
	s.t.Helper()
	if int(a.First) != len(s.want) || a.Count != len(entries) {
		s.t.Fatalf("Append = %+v, want %d records from %d", a, len(entries), len(s.want))
	}
	for i, e := range entries {
		s.want = append(s.want, expected{e.metadata, e.body, a.Instant, i == len(entries)-1})
	}
}

// check compares a record with what was appended.
func (s *suite) check(r eventlog.Record, withBody bool) {
	s.t.Helper()
	if int(r.Position) >= len(s.want) {
		s.t.Fatalf("record %d: only %d were appended", r.Position, len(s.want))
	}
	w := s.want[r.Position]
	if string(r.Metadata) != w.metadata || r.Instant != w.instant || r.CommitEnd != w.commitEnd || r.HasBody != (w.body != nil) {
		s.t.Fatalf("record %d: got %q instant %d end %v body %v, want %q %d %v %v", r.Position,
			r.Metadata, r.Instant, r.CommitEnd, r.HasBody, w.metadata, w.instant, w.commitEnd, w.body != nil)
	}
	if !withBody && r.Body != nil {
		s.t.Fatalf("record %d: a body of %d bytes where none was asked for", r.Position, len(r.Body))
	}
	if withBody && (string(r.Body) != string(w.body) || (r.Body == nil) != (w.body == nil)) {
		s.t.Fatalf("record %d: got a body of %d bytes, want %d (nil: %v, %v)", r.Position, len(r.Body), len(w.body), r.Body == nil, w.body == nil)
	}
	if err := r.Verify(); err != nil {
		s.t.Fatal(err)
	}
}

// checkAll reads everything in every way.
func (s *suite) checkAll() {
	s.t.Helper()
	if got := s.log.Durable(); int(got) != len(s.want) {
		s.t.Fatalf("Durable() = %d, want %d", got, len(s.want))
	}
	for p := range s.want {
		r, err := s.log.Read(eventlog.Position(p))
		if err != nil || int(r.Position) != p {
			s.t.Fatalf("Read(%d) = position %d, %v", p, r.Position, err)
		}
		s.check(r, true)
		if r, err = s.log.ReadMetadata(eventlog.Position(p)); err != nil || int(r.Position) != p {
			s.t.Fatalf("ReadMetadata(%d) = position %d, %v", p, r.Position, err)
		}
		s.check(r, false)
	}
	s.checkScan(0, true)
	s.checkScan(0, false)
}

func (s *suite) checkScan(from eventlog.Position, withBodies bool) {
	s.t.Helper()
	next := from
	err := s.log.Scan(context.Background(), from, withBodies, func(r eventlog.Record) error {
		if r.Position != next {
			s.t.Fatalf("Scan gave %d where %d was next", r.Position, next)
		}
		s.check(r, withBodies)
		next++
		return nil
	})
	if err != nil || int(next) != max(int(from), len(s.want)) {
		s.t.Fatalf("Scan(%d) ended at %d with %v, want %d", from, next, err, len(s.want))
	}
}
