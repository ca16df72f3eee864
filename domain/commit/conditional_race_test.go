package commit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
	"fhirlog/eventlog"
)

// TestEqualConditionalCreatesMakeOneResource, as many as there may be at once.
func TestEqualConditionalCreatesMakeOneResource(t *testing.T) {
	const clients, rounds = 64, 20
	m := newMemory()
	s := newService(t, m, Options{})
	for round := range rounds {
		identifier := fmt.Sprint(round)
		outcomes := make([]Outcome, clients)
		var wg sync.WaitGroup
		for i := range clients {
			command := conditional(t, event.Create, patient("", fmt.Sprint(i), identifier), identifier)
			wg.Go(func() {
				o, err := s.Commit(t.Context(), Caller{}, []Command{command})
				if err != nil {
					t.Errorf("Commit: %v", err)
					return
				}
				outcomes[i] = o[0]
			})
		}
		wg.Wait()
		created := 0
		for _, o := range outcomes {
			if o.Change == Created {
				created++
			} else if o.Change != Existing {
				t.Errorf("change %d", o.Change)
			}
			if o.Version.ID != outcomes[0].Version.ID || o.Version.Position != uint64(round) {
				t.Fatalf("round %d: %q at %d beside %q", round, o.Version.ID, o.Version.Position, outcomes[0].Version.ID)
			}
		}
		if created != 1 || int(m.Next()) != round+1 {
			t.Fatalf("round %d: %d were created, %d records", round, created, m.Next())
		}
	}
}

// TestWhatIsOrderedButNotAppliedCounts: between the plan of a command and its
// decision somebody else writes.
func TestWhatIsOrderedButNotAppliedCounts(t *testing.T) {
	const refused = Change(0)
	for name, c := range map[string]struct {
		other   Command
		command Command
		want    Change
		waits   bool // for the other, and plans again
	}{
		"create: a match comes": {
			create(t, "Patient", patient("", "y", "n")), conditional(t, event.Create, patient("", "x"), "n"), Existing, true,
		},
		"create: something else comes": {
			create(t, "Patient", patient("", "y", "m")), conditional(t, event.Create, patient("", "x"), "n"), Created, false,
		},
		"create: another type comes": {
			create(t, "Practitioner", `{"resourceType":"Practitioner","identifier":[{"system":"s","value":"n"}]}`),
			conditional(t, event.Create, patient("", "x"), "n"), Created, false,
		},
		"create by the beginning of a name: a match comes": {
			create(t, "Patient", patient("", "Nina", "m")), conditional(t, event.Create, patient("", "x"), "family", "nin"), Existing, true,
		},
		"create through a chain: what is referred to comes to match": {
			update(t, "Organization", "g", `{"resourceType":"Organization","id":"g","name":"x","identifier":[{"system":"s","value":"g"}]}`),
			conditional(t, event.Create, patient("", "x"), "organization:Organization.identifier", "s|g"), Existing, true,
		},
		"update by id: it comes": {
			update(t, "Patient", "n", patient("n", "y")), conditional(t, event.Update, patient("", "x"), "_id", "n"), Updated, true,
		},
		"update by id: another comes": {
			update(t, "Patient", "m", patient("m", "y")), conditional(t, event.Update, patient("", "x"), "_id", "n"), Created, false,
		},
		"update: the match gets another identifier": {
			update(t, "Patient", "a", patient("a", "y", "m")), conditional(t, event.Update, patient("", "x", "a"), "a"), Created, true,
		},
		"update: the match is deleted": {
			Command{Interaction: event.Delete, Type: "Patient", ID: "a"}, conditional(t, event.Update, patient("", "x", "a"), "a"), Created, true,
		},
		"update: the match changes": {
			update(t, "Patient", "a", patient("a", "y", "a")), conditional(t, event.Update, patient("", "x", "a"), "a"), Updated, true,
		},
		"update: another match comes": {
			create(t, "Patient", patient("", "y", "a")), conditional(t, event.Update, patient("", "x", "a"), "a"), refused, true,
		},
		"delete: another match comes": {
			create(t, "Patient", patient("", "y", "a")), conditional(t, event.Delete, "", "a"), refused, true,
		},
		"delete: the match is erased": {
			Command{Interaction: event.HardDelete, Type: "Patient", ID: "a"}, conditional(t, event.Delete, "", "a"), Nothing, true,
		},
		"delete with what refers to it: one comes": {
			create(t, "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/a"}}`),
			conditional(t, event.Delete, "", "identifier", "s|a", "_revinclude", "Observation:subject"), Deleted, true,
		},
		"reference: another match comes": {
			create(t, "Patient", patient("", "y", "a")), create(t, "Basic", citing("", "Patient?identifier=s|a")), refused, true,
		},
		"reference: the match is deleted": {
			Command{Interaction: event.Delete, Type: "Patient", ID: "a"}, create(t, "Basic", citing("", "Patient?identifier=s|a")), refused, true,
		},
		"reference: something else comes": {
			create(t, "Patient", patient("", "y", "m")), create(t, "Basic", citing("", "Patient?identifier=s|a")), Created, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			s := newService(t, m, Options{})
			mustCommit(t, s, update(t, "Patient", "o", `{"resourceType":"Patient","id":"o","managingOrganization":{"reference":"Organization/g"}}`))
			m.hold()
			other := commitLater(t.Context(), s, c.other)
			eventually(t, "the other is ordered", func() bool { return m.Next() == 4 })
			done := commitLater(t.Context(), s, c.command)
			eventually(t, "both wait", func() bool { return m.waiting() == 2 })
			if ordered := m.Next() > 4; ordered == c.waits {
				t.Errorf("ordered at once: %t, want %t", ordered, !c.waits)
			}
			m.release()
			if r := <-other; r.err != nil {
				t.Fatal(r.err)
			}
			r := <-done
			if c.want == refused {
				if k := domain.KindOf(r.err); k != domain.PreconditionFailed && k != domain.Invalid {
					t.Errorf("%+v, %v; want a refusal", r.outcomes, r.err)
				}
				return
			}
			if r.err != nil || r.outcomes[0].Change != c.want {
				t.Fatalf("%+v, %v; want change %d", r.outcomes, r.err, c.want)
			}
			if v := r.outcomes[0].Version; v.Body != nil && parse(t, string(v.Body)).Get("id").String() != string(v.ID) {
				t.Errorf("%s is stored as %s", v.ID, v.Body)
			}
			if q := c.command.Criteria; q != nil && len(q.RevInclude) > 0 && r.outcomes[0].Items != 2 {
				t.Errorf("%d items are deleted, want 2", r.outcomes[0].Items)
			}
		})
	}
}

// TestLinksFollowTheNewPlan: what a conditional create found goes before the
// decision, so it makes another resource, and the link leads there.
func TestLinksFollowTheNewPlan(t *testing.T) {
	m := newMemory()
	storeTwo(t, m)
	s := newService(t, m, Options{})
	m.hold()
	other := commitLater(t.Context(), s, Command{Interaction: event.Delete, Type: "Patient", ID: "a"})
	eventually(t, "the other is ordered", func() bool { return m.Next() == 3 })
	entry := conditional(t, event.Create, patient("", "x", "a"), "a")
	entry.FullURL = urnA
	done := commitLater(t.Context(), s, create(t, "Basic", citing("", urnA)), entry)
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	m.release()
	<-other
	r := <-done
	if r.err != nil || r.outcomes[1].Change != Created {
		t.Fatalf("%+v, %v; want a creation", r.outcomes, r.err)
	}
	if got, want := subject(t, r.outcomes[0]), "Patient/"+string(r.outcomes[1].Version.ID); got != want || got == "Patient/a" {
		t.Errorf("refers to %q, want %q", got, want)
	}
}

// TestWhatIsErasedAfterASearchWasNeverFound: an erasure hides a resource from the
// snapshot of a plan that has found it.
func TestWhatIsErasedAfterASearchWasNeverFound(t *testing.T) {
	for name, c := range map[string]struct {
		command Command
		options Options
		want    Change
	}{
		"delete":      {conditional(t, event.Delete, "", "a"), Options{}, Nothing},
		"hard delete": {conditional(t, event.HardDelete, "", "a"), Options{}, Nothing},
		"update":      {conditional(t, event.Update, patient("", "x"), "a"), Options{NoUpdateCreate: true}, Created},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			s := newService(t, m, c.options)
			var once sync.Once
			m.onFind = func() {
				once.Do(func() { mustCommit(t, s, Command{Interaction: event.HardDelete, Type: "Patient", ID: "a"}) })
			}
			outcomes, err := s.Commit(t.Context(), Caller{}, []Command{c.command})
			if err != nil || outcomes[0].Change != c.want || outcomes[0].Version.ID == "a" {
				t.Errorf("Commit = %+v, %v; want change %d", outcomes, err, c.want)
			}
		})
	}
	m := newMemory()
	storeTwo(t, m)
	lying := &lyingState{m}
	s := New(m, lying, r4(), Options{})
	if _, err := s.Commit(t.Context(), Caller{}, []Command{conditional(t, event.Delete, "", "a")}); err == nil || domain.KindOf(err) != domain.Internal || m.Next() != 2 {
		t.Errorf("a search that finds what is not there: %v, want an internal error", err)
	}
}

// lyingState finds everything at a position where it is not.
type lyingState struct{ *memory }

func (l *lyingState) Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	found, err := l.memory.Find(ctx, q, snapshot, limit)
	for i := range found {
		found[i].Position += 7
	}
	return found, err
}

// TestValuesOfAnotherSetCannotBeCompared: whether they match is not known.
func TestValuesOfAnotherSetCannotBeCompared(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.hold()
	other := commitLater(t.Context(), s, create(t, "Patient", patient("", "x", "m")))
	eventually(t, "the other is ordered", func() bool { return m.Next() == 1 })
	set, err := search.NewSet(r4(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.set = set
	m.mu.Unlock()
	done := commitLater(t.Context(), s, conditional(t, event.Create, patient("", "x", "n"), "n"))
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	if m.Next() != 1 {
		t.Error("ordered beside content that was extracted by another set")
	}
	m.release()
	<-other
	if r := <-done; r.err != nil || r.outcomes[0].Change != Created {
		t.Errorf("%+v, %v", r.outcomes, r.err)
	}
}

// TestASearchAmongBusyWritersComesToAnEnd: after each search, before its plan can
// be decided, somebody writes what could match; others write all the time, and it
// takes a while until that is applied.
func TestASearchAmongBusyWritersComesToAnEnd(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.hold()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			m.release()
			m.hold()
		}
		m.release()
	})
	write := func() { _, _ = s.Commit(ctx, Caller{}, []Command{create(t, "Patient", patient("", "other"))}) }
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				write()
			}
		})
	}
	m.onFind = func() {
		wg.Go(write)
		// In the end nobody else can write meanwhile, and this waits in vain.
		written := m.Next()
		for deadline := time.Now().Add(50 * time.Millisecond); m.Next() == written && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	done := commitLater(t.Context(), s, conditional(t, event.Create, patient("", "Mine"), "family", "mine"))
	select {
	case r := <-done:
		if r.err != nil || r.outcomes[0].Change != Created {
			t.Errorf("%+v, %v", r.outcomes, r.err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the others always come first")
	}
	stop()
	wg.Wait()
	if m.finds != patience+1 {
		t.Errorf("%d searches, want %d", m.finds, patience+1)
	}
}

// TestHandoff: the values come in the order of the log, event by event.
func TestHandoff(t *testing.T) {
	m := newMemory()
	next := uint64(0)
	got := map[uint64]*search.Values{}
	s := newService(t, m, Options{Handoff: func(first eventlog.Position, set *search.Set, values []*search.Values) {
		if uint64(first) != next || set != parameters() {
			t.Errorf("values of %d come when those of %d are due", first, next)
		}
		for i, v := range values {
			got[uint64(first)+uint64(i)] = v
		}
		next += uint64(len(values))
	}})
	storeTwo := []Command{update(t, "Patient", "a", patient("a", "A", "a")), update(t, "Patient", "b", patient("b", "B", "b"))}
	mustCommit(t, s, storeTwo...)
	mustCommit(t, s, storeTwo...) // nothing changes
	mustCommit(t, s, conditional(t, event.Delete, "", "a"), conditional(t, event.Update, patient("", "x", "c"), "b"), create(t, "Basic", citing("", "Patient?identifier=s|b")))
	mustCommit(t, s, linkBundle(t, "", citing("", urnA))...)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				commands := []Command{update(t, "Basic", "c", citing("c", fmt.Sprint("Patient/", i))), create(t, "Patient", patient("", "x", "d"))}
				if _, err := s.Commit(t.Context(), Caller{}, commands); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	provenance := Command{Interaction: event.Create, Type: "Provenance", ProvenanceOf: 1, Resource: parse(t,
		`{"resourceType":"Provenance","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"someone"}}]}`)}
	mustCommit(t, s, create(t, "Patient", patient("", "x")), provenance)
	if next != uint64(m.Next()) {
		t.Fatalf("values of %d of %d events", next, m.Next())
	}
	for position, e := range m.events(t, 0) {
		v := got[uint64(position)]
		if e.Kind != event.Written {
			if v != nil {
				t.Errorf("event %d of kind %d has values", position, e.Kind)
			}
			continue
		}
		if want := listed(m.valuesLocked(uint64(position))); v == nil || listed(v) != want {
			t.Errorf("values of event %d are\n%s\nwant\n%s", position, listed(v), want)
		}
	}
}

func listed(v *search.Values) (text string) {
	v.Each(func(e search.Entry) { text += fmt.Sprintf("%d %q %d %d %q\n", e.Kind, e.Key, e.Low, e.High, e.Target) })
	return text
}
