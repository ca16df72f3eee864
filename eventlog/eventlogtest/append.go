package eventlogtest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"fhirlog/eventlog"
)

func emptyLog(t *testing.T, s *suite) {
	if s.log.Next() != 0 || s.log.Durable() != 0 {
		t.Errorf("Next, Durable = %d, %d, want 0", s.log.Next(), s.log.Durable())
	}
	if _, err := s.log.Read(0); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("Read(0) = %v, want ErrNotFound", err)
	}
	if _, ok, err := s.log.PositionAt(time.Now().UnixMilli()); ok || err != nil {
		t.Error("PositionAt found a position")
	}
	if err := s.log.WaitDurable(context.Background(), 0); err != nil {
		t.Errorf("WaitDurable(0) = %v", err)
	}
	s.checkAll()
}

func recordsComeBack(t *testing.T, s *suite) {
	random := seeded()
	s.commit(entry{"", nil})
	s.commit(entry{"one", []byte("body")})
	s.commit(entry{"empty", []byte{}})
	s.commit(entry{"large", body(random, 1<<20)})
	s.commit(entry{"a", nil}, entry{"b", []byte("x")}, entry{"", nil})
	for n := 1; n < 300; n = n*2 + 1 {
		s.commit(someEntries(random, n)...)
	}
	if _, err := s.log.Read(eventlog.Position(len(s.want))); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("Read beyond the end = %v, want ErrNotFound", err)
	}
	s.checkAll()
}

func commitIsTogether(t *testing.T, s *suite) {
	var last int64
	for n := 1; n <= 20; n++ {
		a := s.commit(someEntries(seeded(), n)...) // expect checks the positions
		if a.Instant < last {
			t.Errorf("instant goes back from %d to %d", last, a.Instant)
		}
		last = a.Instant
	}
	s.checkAll() // checks the instants
}

func commitmentsFit(t *testing.T, s *suite) {
	s.commit(entry{"same", []byte("same")}, entry{"same", []byte("same")}, entry{"same", nil})
	seen := map[[32]byte]bool{}
	for p := range s.want {
		r, err := s.log.Read(eventlog.Position(p))
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.MetadataCommitment] || seen[r.BodyCommitment] {
			t.Errorf("record %d: equal content has equal commitments, so it can be guessed", p)
		}
		seen[r.MetadataCommitment], seen[r.BodyCommitment] = true, true
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
		for name, change := range map[string]func(*eventlog.Record){
			"metadata": func(r *eventlog.Record) { r.Metadata = []byte("Same") },
			"body":     func(r *eventlog.Record) { r.Body, r.HasBody = []byte("other"), true },
			"position": func(r *eventlog.Record) { r.Position++ },
			"instant":  func(r *eventlog.Record) { r.Instant++ },
		} {
			changed := r
			if change(&changed); changed.Verify() == nil {
				t.Errorf("record %d: Verify accepts another %s", p, name)
			}
		}
	}
}

func waitEndsWithContext(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.log.WaitDurable(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitDurable(1) of an empty log = %v, want context.Canceled", err)
	}
	s.commit(entry{"a", nil})
	if err := s.log.WaitDurable(ctx, 1); err != nil {
		t.Errorf("WaitDurable of what is durable = %v", err)
	}
}

func appendRefuses(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := s.batch([]entry{{"a", nil}})
	if _, err := s.log.Append(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Append(cancelled) = %v, want context.Canceled", err)
	}
	if s.log.Next() != 0 {
		t.Errorf("Next() = %d after a refused append", s.log.Next())
	}
	log := s.log
	s.stop()
	if _, err := log.Append(context.Background(), b); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Append to a closed log = %v, want ErrClosed", err)
	}
	if err := log.WaitDurable(context.Background(), 1); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("WaitDurable of a closed log = %v, want ErrClosed", err)
	}
	if err := log.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
}

func tooLargeIsRefused(t *testing.T, s *suite) {
	b := s.batch([]entry{{"a", nil}, {"b", nil}})
	b.Metadata[1] = bytes.Repeat([]byte("x"), eventlog.MaxMetadataBytes+1)
	_, err := s.log.Append(context.Background(), b)
	if large, ok := errors.AsType[*eventlog.TooLargeError](err); !ok || large.Size != eventlog.MaxMetadataBytes+1 {
		t.Errorf("Append = %v, want TooLargeError", err)
	}
	s.commit(entry{"next", nil})
	s.checkAll()
}

func reopen(t *testing.T, s *suite) {
	random := seeded()
	var last int64
	for range 4 {
		for range 15 {
			if a := s.commit(someEntries(random, 1+random.IntN(12))...); a.Instant < last {
				t.Fatalf("instant goes back from %d to %d", last, a.Instant)
			} else {
				last = a.Instant
			}
		}
		s.stop()
		s.start()
		if got := s.log.Next(); int(got) != len(s.want) {
			t.Fatalf("Next() after reopening = %d, want %d", got, len(s.want))
		}
		s.checkAll()
	}
}

func closeFinishes(t *testing.T, s *suite) {
	random := seeded()
	for range 50 {
		entries := someEntries(random, 3)
		a, err := s.log.Append(context.Background(), s.batch(entries))
		if err != nil {
			t.Fatalf("Append = %v", err)
		}
		s.expect(a, entries)
	}
	s.stop()
	s.start()
	s.checkAll()
}
