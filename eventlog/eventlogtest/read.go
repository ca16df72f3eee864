package eventlogtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fhirlog/eventlog"
)

var errStop = errors.New("stop")

func scanAnywhere(t *testing.T, s *suite) {
	random := seeded()
	for range 10 {
		s.commit(someEntries(random, 1+random.IntN(20))...)
	}
	for from := range len(s.want) + 2 {
		s.checkScan(eventlog.Position(from), from%2 == 0)
	}
	calls := 0
	err := s.log.Scan(context.Background(), 0, false, func(eventlog.Record) error { calls++; return errStop })
	if !errors.Is(err, errStop) || calls != 1 {
		t.Errorf("Scan with a failing function = %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.log.Scan(ctx, 0, false, func(eventlog.Record) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Scan(cancelled) = %v", err)
	}
}

// follow follows until n positions are reached and checks each record.
func (s *suite) follow(from, until eventlog.Position) error {
	next := from
	err := s.log.Follow(context.Background(), from, func(group []eventlog.Record) error {
		if len(group) == 0 || !group[len(group)-1].CommitEnd {
			return fmt.Errorf("a group of %d records is not made of whole commits", len(group))
		}
		for _, r := range group {
			if r.Position != next {
				return fmt.Errorf("got %d where %d was next", r.Position, next)
			}
			if err := r.Verify(); err != nil {
				return err
			}
			next++
		}
		if next >= until {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return fmt.Errorf("Follow(%d) ended at %d: %w", from, next, err)
}

func followWholeCommits(t *testing.T, s *suite) {
	s.commit(manyEntries(3000)...)
	s.commit(manyEntries(3000)...)
	s.commit(entry{"last", nil})
	if err := s.follow(0, 6001); err != nil {
		t.Error(err)
	}
	s.stop()
	s.start() // now from disk for certain
	if err := s.follow(0, 6001); err != nil {
		t.Error(err)
	}
	s.commit(manyEntries(6000)...)
	sizes := []int{}
	err := s.log.Follow(context.Background(), 0, func(group []eventlog.Record) error {
		sizes = append(sizes, len(group))
		for _, r := range group {
			s.check(r, false)
		}
		if int(group[len(group)-1].Position) == len(s.want)-1 {
			return errStop
		}
		return nil
	})
	if !errors.Is(err, errStop) {
		t.Errorf("Follow = %v", err)
	}
	t.Logf("groups of %v records", sizes)
}

func followAnywhere(t *testing.T, s *suite) {
	random := seeded()
	for range 5 {
		s.commit(someEntries(random, 5)...)
	}
	s.stop()
	s.start()
	for range 5 {
		s.commit(someEntries(random, 5)...)
	}
	for from := range eventlog.Position(50) {
		if err := s.follow(from, 50); err != nil {
			t.Error(err)
		}
	}
}

func followEnds(t *testing.T, s *suite) {
	s.commit(entry{"a", nil})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	nothing := func([]eventlog.Record) error { return nil }
	if err := s.log.Follow(ctx, 0, nothing); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Follow = %v, want its context's error", err)
	}
	if err := s.log.Follow(context.Background(), 0, func([]eventlog.Record) error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("Follow = %v, want its function's error", err)
	}
	ended := make(chan error, 1)
	log := s.log
	go func() { ended <- log.Follow(context.Background(), 1, nothing) }()
	s.stop()
	if err := <-ended; !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Follow of a closed log = %v, want ErrClosed", err)
	}
}

func positionAt(t *testing.T, s *suite) {
	random := seeded()
	for i := range 40 {
		s.commit(someEntries(random, 1+random.IntN(3))...)
		if i%4 == 0 {
			time.Sleep(2 * time.Millisecond) // another instant, whatever the clock
		}
	}
	for _, restarted := range []bool{false, true} {
		if restarted {
			s.stop()
			s.start()
		}
		first, last := s.want[0].instant, s.want[len(s.want)-1].instant
		for instant := first - 2; instant <= last+2; instant++ {
			want := -1
			for p, w := range s.want {
				if w.instant <= instant {
					want = p
				}
			}
			got, ok, err := s.log.PositionAt(instant)
			if err != nil || ok != (want >= 0) || ok && int(got) != want {
				t.Fatalf("PositionAt(%d) = %d, %v, %v, want %d", instant, got, ok, err, want)
			}
		}
	}
}

func concurrent(t *testing.T, s *suite) {
	const writers, commits = 8, 30
	var group sync.WaitGroup
	var mu sync.Mutex
	type appended struct {
		eventlog.Appended
		entries []entry
	}
	all := map[eventlog.Position]appended{}
	total := eventlog.Position(0)
	for w := range writers {
		total += commits * eventlog.Position(w%3+1)
		group.Go(func() {
			for c := range commits {
				var entries []entry
				for i := range w%3 + 1 {
					entries = append(entries, entry{fmt.Sprintf("%d/%d/%d", w, c, i), []byte(fmt.Sprintf("body %d/%d/%d", w, c, i))})
				}
				a, err := s.log.Append(context.Background(), s.batch(entries))
				if err == nil {
					err = s.log.WaitDurable(context.Background(), a.First+eventlog.Position(a.Count))
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				r, err := s.log.Read(a.First)
				if err != nil || string(r.Metadata) != entries[0].metadata || string(r.Body) != string(entries[0].body) {
					t.Errorf("Read(%d) of one's own write = %q, %v", a.First, r.Metadata, err)
				}
				mu.Lock()
				all[a.First] = appended{a, entries}
				mu.Unlock()
			}
		})
	}
	group.Go(func() {
		if err := s.follow(0, total); err != nil {
			t.Error(err)
		}
	})
	group.Go(func() { scanUntil(t, s.log, total) })
	group.Wait()
	for next := eventlog.Position(0); next < total; {
		a, ok := all[next]
		if !ok {
			t.Fatalf("no commit begins at %d", next)
		}
		s.expect(a.Appended, a.entries)
		next += eventlog.Position(a.Count)
	}
	s.checkAll()
}

// scanUntil scans again and again while others append; each scan must see whole
// commits only.
func scanUntil(t *testing.T, log Log, total eventlog.Position) {
	for seen := eventlog.Position(0); seen < total; {
		before := log.Durable()
		next, whole := eventlog.Position(0), true
		err := log.Scan(context.Background(), 0, true, func(r eventlog.Record) error {
			if r.Position != next {
				return fmt.Errorf("got %d where %d was next", r.Position, next)
			}
			next, whole = next+1, r.CommitEnd
			return r.Verify()
		})
		if err != nil || !whole || next < before {
			t.Errorf("Scan ended at %d (durable before: %d), whole commits: %v, %v", next, before, whole, err)
			return
		}
		seen = next
	}
}
