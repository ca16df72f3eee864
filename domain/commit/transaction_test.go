package commit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

func TestTransactionsAreAtomic(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	wrong := "9"
	failing := update(t, "Basic", "b", basic("b", "1"))
	failing.IfMatch = &wrong
	_, err := s.Commit(t.Context(), Caller{}, []Command{update(t, "Basic", "a", basic("a", "1")), failing})
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Index != 1 || domain.KindOf(err) != domain.NotFound || m.Next() != 0 {
		t.Errorf("Commit: %v, %d records; want a NotFound of command 1 and nothing written", err, m.Next())
	}
	if !strings.Contains(failed.Error(), "command 1") {
		t.Errorf("the error does not name the command: %v", failed)
	}
	outcomes := mustCommit(t, s, update(t, "Basic", "a", basic("a", "1")), update(t, "Basic", "b", basic("b", "1")))
	if m.Next() != 2 || !m.records[1].CommitEnd || m.records[0].CommitEnd || outcomes[0].Version.Instant != outcomes[1].Version.Instant {
		t.Errorf("a transaction of two is not one commit: %+v", outcomes)
	}
	if outcomes := mustCommit(t, s); len(outcomes) != 0 || m.Next() != 2 {
		t.Errorf("an empty transaction: %+v", outcomes)
	}
}

func TestDuplicatesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		commands []Command
		refused  bool
	}{
		"update and delete of one": {[]Command{update(t, "Basic", "a", basic("a", "1")), {Interaction: event.Delete, Type: "Basic", ID: "a"}}, true},
		"two deletions":            {[]Command{{Interaction: event.Delete, Type: "Basic", ID: "x"}, {Interaction: event.Delete, Type: "Basic", ID: "x"}}, true},
		"same id, another type":    {[]Command{{Interaction: event.Delete, Type: "Basic", ID: "x"}, {Interaction: event.Delete, Type: "List", ID: "x"}}, false},
		"ids differ in case":       {[]Command{{Interaction: event.Delete, Type: "Basic", ID: "x"}, {Interaction: event.Delete, Type: "Basic", ID: "X"}}, false},
		"two creations":            {[]Command{create(t, "Patient", `{"resourceType":"Patient"}`), create(t, "Patient", `{"resourceType":"Patient"}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			_, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, c.commands)
			if !c.refused {
				if err != nil {
					t.Errorf("Commit: %v", err)
				}
				return
			}
			failed, ok := errors.AsType[*CommandError](err)
			if !ok || failed.Index != 1 || domain.KindOf(err) != domain.Invalid || m.Next() != 0 {
				t.Errorf("Commit: %v; want Invalid at command 1", err)
			}
		})
	}
}

// TestAllFaultyResourcesAreNamed, up to a bound.
func TestAllFaultyResourcesAreNamed(t *testing.T) {
	s := newService(t, newMemory(), Options{})
	var commands []Command
	for i := range 300 {
		text := `{"resourceType":"Patient"}`
		if i%2 == 1 {
			text = `{"resourceType":"Patient","wrong":true}`
		}
		commands = append(commands, create(t, "Patient", text))
	}
	_, err := s.Commit(t.Context(), Caller{}, commands)
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Index != 1 || len(failed.Others) != maxOthers || failed.Others[0].Index != 3 || domain.KindOf(failed.Others[0]) != domain.Invalid {
		t.Fatalf("Commit: %v", err)
	}
}

func TestProvenance(t *testing.T) {
	const rest = `"recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"someone"}}]`
	provenance := func(members string) Command {
		return Command{Interaction: event.Create, Type: "Provenance", Resource: parse(t, `{"resourceType":"Provenance",`+members+` }`), ProvenanceOf: 1}
	}
	target := func(t *testing.T, o Outcome) string {
		return parse(t, string(o.Version.Body)).Get("target").First().Get("reference").String()
	}
	t.Run("points at the version that was written", func(t *testing.T) {
		s := newService(t, newMemory(), Options{})
		outcomes := mustCommit(t, s, create(t, "Patient", `{"resourceType":"Patient"}`), provenance(rest))
		if got := target(t, outcomes[1]); got != "Patient/new1/_history/1" || outcomes[1].Change != Created {
			t.Errorf("target %q of %+v", got, outcomes[1])
		}
		outcomes = mustCommit(t, s, update(t, "Patient", "new1", `{"resourceType":"Patient","id":"new1","active":true}`), provenance(rest))
		if got := target(t, outcomes[1]); got != "Patient/new1/_history/2" {
			t.Errorf("target %q", got)
		}
	})
	t.Run("points at the later version after a conflict", func(t *testing.T) {
		m := newMemory()
		s := newService(t, m, Options{})
		m.hold()
		first := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "1")))
		eventually(t, "the first is ordered", func() bool { return m.Next() == 1 })
		second := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "2")), provenance(rest))
		eventually(t, "both wait", func() bool { return m.waiting() == 2 })
		m.release()
		<-first
		r := <-second
		if r.err != nil || target(t, r.outcomes[1]) != "Basic/a/_history/2" {
			t.Errorf("%+v, %v", r.outcomes, r.err)
		}
	})
	for name, members := range map[string]string{
		"with a target":    rest + `,"target":[{"reference":"Patient/1"}]`,
		"that is no valid": `"recorded":"yesterday","agent":[{"who":{"display":"someone"}}]`,
		"without an agent": `"recorded":"2026-01-01T00:00:00Z"`,
	} {
		t.Run("is refused "+name, func(t *testing.T) {
			m := newMemory()
			_, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, []Command{create(t, "Patient", `{"resourceType":"Patient"}`), provenance(members)})
			if domain.KindOf(err) != domain.Invalid || m.Next() != 0 {
				t.Errorf("Commit: %v, %d records; want Invalid and nothing written", err, m.Next())
			}
		})
	}
	t.Run("must belong to another command", func(t *testing.T) {
		for _, of := range []int{2, 3} {
			p := provenance(rest)
			p.ProvenanceOf = of
			_, err := newService(t, newMemory(), Options{}).Commit(t.Context(), Caller{}, []Command{create(t, "Patient", `{"resourceType":"Patient"}`), p})
			if err == nil || domain.KindOf(err) != domain.Internal {
				t.Errorf("Provenance of command %d: %v; want an internal error", of, err)
			}
		}
	})
}

// TestServerIDsAreULIDsInOrder: also many within a millisecond.
func TestServerIDsAreULIDsInOrder(t *testing.T) {
	next := newULIDs()
	last := domain.LogicalID("")
	for range 10_000 {
		id := next()
		if id <= last || len(id) != 26 {
			t.Fatalf("id %q after %q", id, last)
		}
		if _, err := domain.ParseLogicalID(string(id)); err != nil {
			t.Fatal(err)
		}
		last = id
	}
}

// TestALargeTransactionIsOneCommit of 30,000 entries with links between them.
func TestALargeTransactionIsOneCommit(t *testing.T) {
	n := 30_000
	if testing.Short() {
		n = 3000
	}
	m := newMemory()
	s := newService(t, m, Options{})
	commands := make([]Command, n)
	for i := range commands {
		commands[i] = create(t, "Basic", fmt.Sprintf(`{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"urn:uuid:%d"}}`, (i+1)%n))
		commands[i].FullURL = fmt.Sprintf("urn:uuid:%d", i)
	}
	outcomes := mustCommit(t, s, commands...)
	if m.packs != 1 || int(m.Next()) != n {
		t.Fatalf("%d batches of %d records", m.packs, m.Next())
	}
	for i, o := range outcomes {
		want := fmt.Sprintf("Basic/new%d", (i+1)%n+1)
		if got := parse(t, string(o.Version.Body)).Get("subject").Get("reference").String(); got != want || o.Version.Position != uint64(i) {
			t.Fatalf("entry %d refers to %q at position %d, want %q", i, got, o.Version.Position, want)
		}
	}
}
