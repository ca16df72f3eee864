package commit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

type result struct {
	outcomes []Outcome
	err      error
}

func commitLater(ctx context.Context, s *Service, commands ...Command) <-chan result {
	done := make(chan result, 1)
	go func() {
		outcomes, err := s.Commit(ctx, Caller{}, commands)
		done <- result{outcomes, err}
	}()
	return done
}

// TestATransactionReliesAlsoOnWhatItLeavesUnchanged: between the plan and the
// decision of a transaction somebody else changes a resource that the transaction
// found to hold its content already.
func TestATransactionReliesAlsoOnWhatItLeavesUnchanged(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Basic", "a", basic("a", "one")))
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "two")))
	eventually(t, "the other commit is ordered", func() bool { return m.Next() == 2 })

	both := commitLater(t.Context(), s,
		update(t, "Basic", "a", basic("a", "one")), update(t, "Basic", "b", basic("b", "one")))
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	m.release()
	if r := <-other; r.err != nil {
		t.Fatal(r.err)
	}
	r := <-both
	if r.err != nil || r.outcomes[0].Change != Updated || r.outcomes[0].Version.Version != 3 {
		t.Errorf("the transaction left the other content in place: %+v, %v", r.outcomes, r.err)
	}
}

// TestAWaitingCommitDoesNotOutliveItsDeadline: the log takes no batch for a
// while, and the commits behind the one that it holds up give up in time.
func TestAWaitingCommitDoesNotOutliveItsDeadline(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.block = make(chan struct{})
	first := commitLater(t.Context(), s, create(t, "Basic", `{"resourceType":"Basic","code":{"text":"1"}}`))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var behind []<-chan result
	for range 3 {
		behind = append(behind, commitLater(ctx, s, create(t, "Basic", `{"resourceType":"Basic","code":{"text":"2"}}`)))
	}
	timer := time.AfterFunc(5*time.Second, func() { close(m.block) })
	for _, done := range behind {
		if r := <-done; domain.KindOf(r.err) != domain.Timeout {
			t.Errorf("Commit with a deadline: %v, want a Timeout", r.err)
		}
	}
	if !timer.Stop() {
		t.Fatal("commits waited beyond their deadline for another one")
	}
	close(m.block)
	if r := <-first; r.err != nil {
		t.Errorf("the first commit: %v", r.err)
	}
	if m.Next() != 1 {
		t.Errorf("%d records, want 1", m.Next())
	}
}

// TestNothingIsPlannedBeforeTheLogIsApplied: after a start, answers that write
// nothing must rest on all that was acknowledged before.
func TestNothingIsPlannedBeforeTheLogIsApplied(t *testing.T) {
	m := newMemory()
	mustCommit(t, newService(t, m, Options{}), update(t, "Basic", "a", basic("a", "one")))
	m.mu.Lock()
	m.applied = 0
	m.mu.Unlock()
	m.hold()
	done := commitLater(t.Context(), newService(t, m, Options{}), Command{Interaction: event.Delete, Type: "Basic", ID: "a"})
	eventually(t, "the deletion waits for the log to be applied", func() bool {
		select {
		case r := <-done:
			t.Fatalf("the deletion was answered from an old state: %+v, %v", r.outcomes, r.err)
		default:
		}
		return m.waiting() > 0
	})
	m.release()
	if r := <-done; r.err != nil || r.outcomes[0].Change != Deleted {
		t.Errorf("Commit = %+v, %v; want a deletion", r.outcomes, r.err)
	}
}

// TestConflictWaitsThenPlansAgain: the second update of a resource that is being
// updated becomes the version after it, and compresses its body once.
func TestConflictWaitsThenPlansAgain(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.hold()
	first := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "one")))
	eventually(t, "the first is ordered", func() bool { return m.Next() == 1 })
	second := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "two")))
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	if m.Next() != 1 {
		t.Fatalf("the second was ordered although its plan does not hold any more")
	}
	m.release()
	if r := <-first; r.err != nil || r.outcomes[0].Change != Created {
		t.Errorf("first: %+v, %v", r.outcomes, r.err)
	}
	r := <-second
	if r.err != nil || r.outcomes[0].Change != Updated || r.outcomes[0].Version.Version != 2 || r.outcomes[0].Version.Position != 1 {
		t.Errorf("second: %+v, %v", r.outcomes, r.err)
	}
	if e := m.events(t, 1)[0]; e.Previous != 0 || e.Version != 2 {
		t.Errorf("second event: %+v", e)
	}
	if m.packs != 2 {
		t.Errorf("bodies were packed %d times for 2 commits", m.packs)
	}
}

// TestAConflictMayChangeTheAnswer: what was fine at first fails, or is there
// already, once the other write is seen.
func TestAConflictMayChangeTheAnswer(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	version1 := "1"
	mustCommit(t, s, update(t, "Basic", "a", basic("a", "one")))
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "two")))
	eventually(t, "the other is ordered", func() bool { return m.Next() == 2 })
	named := update(t, "Basic", "a", basic("a", "three"))
	named.IfMatch = &version1
	loser := commitLater(t.Context(), s, named)
	same := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "two")))
	eventually(t, "all wait", func() bool { return m.waiting() == 3 })
	m.release()
	<-other
	if r := <-loser; domain.KindOf(r.err) != domain.VersionMismatch {
		t.Errorf("If-Match of the version before: %+v, %v; want VersionMismatch", r.outcomes, r.err)
	}
	if r := <-same; r.err != nil || r.outcomes[0].Change != Unchanged || r.outcomes[0].Version.Version != 2 {
		t.Errorf("same content: %+v, %v; want Unchanged at version 2", r.outcomes, r.err)
	}
}

// TestConcurrentCommitsNeverMakeTwoSuccessors lets many goroutines change few
// resources, alone and in transactions, and reads the log.
func TestConcurrentCommitsNeverMakeTwoSuccessors(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	goroutines, rounds := 16, 60
	if testing.Short() {
		rounds = 15
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				ids := []string{fmt.Sprint("r", i%3), fmt.Sprint("r", 3+(i+g)%2)}
				var commands []Command
				for _, id := range ids[:1+i%2] {
					if (i+g)%5 == 4 {
						commands = append(commands, Command{Interaction: event.Delete, Type: "Basic", ID: domain.LogicalID(id)})
					} else {
						commands = append(commands, update(t, "Basic", domain.LogicalID(id), basic(id, fmt.Sprint(g, "-", i))))
					}
				}
				if _, err := s.Commit(t.Context(), Caller{}, commands); err != nil {
					t.Errorf("Commit: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	last := map[place]uint64{}
	versions := map[place]domain.VersionID{}
	for position, e := range m.events(t, 0) {
		at := place{e.Type, e.ID}
		want, exists := last[at]
		if !exists {
			want = event.NoPosition
		}
		if e.Previous != want || e.Version != versions[at]+1 {
			t.Fatalf("position %d: version %d after position %d; the last was version %d at %d", position, e.Version, e.Previous, versions[at], want)
		}
		last[at], versions[at] = uint64(position), e.Version
	}
	if len(last) != 5 {
		t.Errorf("%d resources were written, want 5", len(last))
	}
}

// TestErrors maps what the log and the state answer to kinds. Whatever is
// refused before the decision has changed nothing.
func TestErrors(t *testing.T) {
	command := func() Command { return create(t, "Basic", `{"resourceType":"Basic","code":{"text":"x"}}`) }
	for name, c := range map[string]struct {
		refuse error
		want   domain.Kind
	}{
		"disk full":      {fmt.Errorf("append: %w", eventlog.ErrDiskFull), domain.StorageFull},
		"closed":         {eventlog.ErrClosed, domain.Unavailable},
		"failed":         {fmt.Errorf("%w: %w", eventlog.ErrFailed, errors.New("disk")), domain.Unavailable},
		"too large":      {&eventlog.TooLargeError{What: "commit", Size: 2, Limit: 1}, domain.TooLarge},
		"deadline":       {context.DeadlineExceeded, domain.Timeout},
		"canceled":       {context.Canceled, domain.Timeout},
		"something else": {errors.New("surprise"), domain.Internal},
	} {
		t.Run("append/"+name, func(t *testing.T) {
			m := newMemory()
			m.refuse = c.refuse
			s := newService(t, m, Options{})
			for _, commands := range [][]Command{{command()}, {command(), command()}} {
				outcomes, err := s.Commit(t.Context(), Caller{}, commands)
				if domain.KindOf(err) != c.want || err == nil || !errors.Is(err, c.refuse) || outcomes != nil {
					t.Errorf("Commit of %d = %v, %v; want kind %d", len(commands), outcomes, err, c.want)
				}
			}
			m.refuse = nil
			if o := mustCommit(t, s, command()); o[0].Version.Position != 0 {
				t.Errorf("after a refusal: %+v", o)
			}
		})
	}
	for name, c := range map[string]struct {
		failure error
		want    domain.Kind
	}{
		"log failed": {eventlog.ErrOutcomeUnknown, domain.Unavailable},
		"stopping":   {eventlog.ErrClosed, domain.Unavailable},
		"deadline":   {context.DeadlineExceeded, domain.Timeout},
	} {
		t.Run("wait/"+name, func(t *testing.T) {
			m := newMemory()
			s := newService(t, m, Options{})
			m.hold()
			done := commitLater(t.Context(), s, command())
			eventually(t, "the commit waits", func() bool { return m.waiting() == 1 })
			conflicting := commitLater(t.Context(), s, update(t, "Basic", "new1", basic("new1", "y")))
			eventually(t, "both wait", func() bool { return m.waiting() == 2 })
			m.fail(c.failure)
			if r := <-done; domain.KindOf(r.err) != c.want || !errors.Is(r.err, c.failure) {
				t.Errorf("decided commit: %v, want kind %d", r.err, c.want)
			}
			if r := <-conflicting; domain.KindOf(r.err) != c.want || !errors.Is(r.err, c.failure) {
				t.Errorf("commit that was not decided: %v, want kind %d", r.err, c.want)
			}
			if m.Next() != 1 {
				t.Errorf("%d records, want 1", m.Next())
			}
		})
	}
}

// TestTheDeadlineEndsTheWaitingAndNotTheWrite: a decided commit takes effect
// although its caller has gone.
func TestTheDeadlineEndsTheWaitingAndNotTheWrite(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.hold()
	ctx, cancel := context.WithCancel(t.Context())
	done := commitLater(ctx, s, update(t, "Basic", "a", basic("a", "one")))
	eventually(t, "the commit waits", func() bool { return m.waiting() == 1 })
	cancel()
	if r := <-done; domain.KindOf(r.err) != domain.Timeout {
		t.Errorf("Commit: %v, want Timeout", r.err)
	}
	m.release()
	if o := mustCommit(t, s, update(t, "Basic", "a", basic("a", "one"))); o[0].Change != Unchanged || o[0].Version.Version != 1 {
		t.Errorf("the write that nobody waited for: %+v", o)
	}
	gone, cancelled := context.WithCancel(t.Context())
	cancelled()
	if _, err := s.Commit(gone, Caller{}, []Command{update(t, "Basic", "a", basic("a", "two"))}); domain.KindOf(err) != domain.Timeout || m.Next() != 1 {
		t.Errorf("Commit of a caller that has gone: %v, %d records; want Timeout, 1", err, m.Next())
	}
}
