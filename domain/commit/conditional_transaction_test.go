package commit

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// TestConditionalTransactions mixes conditional entries with others. The Patients
// a and b are there.
func TestConditionalTransactions(t *testing.T) {
	on := func(i event.Interaction, text, identifier string) Command {
		return conditional(t, i, text, identifier)
	}
	plainUpdate := update(t, "Patient", "a", patient("a", "x", "a"))
	for name, c := range map[string]struct {
		commands []Command
		want     []Change // nil for a refusal
		at       int      // the command that is refused
		fails    domain.Kind
	}{
		"different ones": {
			commands: []Command{on(event.Delete, "", "b"), on(event.Create, patient("", "x", "n"), "n"), on(event.Update, patient("", "x", "a"), "a"), create(t, "Patient", patient("", "y"))},
			want:     []Change{Deleted, Created, Updated, Created},
		},
		"one that is there and one that is not": {
			commands: []Command{on(event.Create, patient("", "x"), "a"), on(event.Create, patient("", "x", "n"), "n")},
			want:     []Change{Existing, Created},
		},
		"deletions of nothing, twice":             {commands: []Command{on(event.Delete, "", "z"), on(event.Delete, "", "z")}, want: []Change{Nothing, Nothing}},
		"two creations find one":                  {commands: []Command{on(event.Create, patient("", "x"), "a"), on(event.Create, patient("", "x"), "a")}, at: 1, fails: domain.Invalid},
		"two creations find nothing for the same": {commands: []Command{on(event.Create, patient("", "x"), "n"), on(event.Create, patient("", "x"), "n")}, at: 1, fails: domain.Invalid},
		"create and update find nothing":          {commands: []Command{on(event.Create, patient("", "x"), "n"), on(event.Update, patient("", "x"), "n")}, at: 1, fails: domain.Invalid},
		"update by id and by criteria":            {commands: []Command{plainUpdate, on(event.Update, patient("", "x"), "a")}, at: 1, fails: domain.Invalid},
		"update by id of what a creation finds":   {commands: []Command{on(event.Create, patient("", "x"), "a"), plainUpdate}, at: 1, fails: domain.Invalid},
		"delete and update by criteria":           {commands: []Command{on(event.Delete, "", "a"), on(event.Update, patient("", "x"), "a")}, at: 1, fails: domain.Invalid},
		"update by criteria, of a new id twice":   {commands: []Command{on(event.Update, patient("n", "x"), "n"), update(t, "Patient", "n", patient("n", "x"))}, at: 1, fails: domain.Invalid},
		"one of them finds several":               {commands: []Command{create(t, "Patient", patient("", "y")), on(event.Delete, "", "both")}, at: 1, fails: domain.PreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			outcomes, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, c.commands)
			if c.want == nil {
				failed, ok := errors.AsType[*CommandError](err)
				if !ok || failed.Index != c.at || domain.KindOf(err) != c.fails || m.Next() != 2 {
					t.Errorf("Commit = %+v, %v; want kind %d at command %d, and nothing written", outcomes, err, c.fails, c.at)
				}
				return
			}
			if err != nil {
				t.Fatalf("Commit: %v", err)
			}
			for i, o := range outcomes {
				if o.Change != c.want[i] {
					t.Errorf("outcome %d: change %d, want %d", i, o.Change, c.want[i])
				}
				if o.Version.Body != nil && m.body(o.Version.Position) != string(o.Version.Body) {
					t.Errorf("outcome %d is at another place than %d", i, o.Version.Position)
				}
			}
		})
	}
}

// TestLinksToConditionalEntries lead to what the criteria found, or to what is
// made.
func TestLinksToConditionalEntries(t *testing.T) {
	entry := func(i event.Interaction, text, identifier, fullURL string) Command {
		c := conditional(t, i, text, identifier)
		c.FullURL = fullURL
		return c
	}
	const far = "http://example.org/fhir/Patient/9"
	for name, c := range map[string]struct {
		command Command
		link    string
		want    string
	}{
		"a creation that found one":                 {entry(event.Create, patient("", "x"), "a", urnA), urnA, "Patient/a"},
		"a creation that found one, with fragment":  {entry(event.Create, patient("", "x"), "a", urnA), urnA + "#f", "Patient/a#f"},
		"a creation that found one under a URL":     {entry(event.Create, patient("9", "x"), "a", far), far, "Patient/a"},
		"a creation that made one":                  {entry(event.Create, patient("", "x"), "n", urnA), urnA, "Patient/new2"},
		"an update that found one":                  {entry(event.Update, patient("", "x"), "b", urnA), urnA, "Patient/b"},
		"an update that found one, under a URL":     {entry(event.Update, patient("", "x"), "b", far), far, "Patient/b"},
		"an update that made one":                   {entry(event.Update, patient("", "x"), "n", urnA), urnA, "Patient/new2"},
		"an update that made one, of an id":         {entry(event.Update, patient("own", "x"), "n", urnA), urnA, "Patient/own"},
		"a link in its own content to what is made": {entry(event.Create, `{"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"`+urnA+`"}}]}`, "n", urnA), urnA, "Patient/new2"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			outcomes := mustCommit(t, newService(t, m, Options{}), create(t, "Basic", citing("", c.link)), c.command)
			if got := subject(t, outcomes[0]); got != c.want {
				t.Errorf("refers to %q, want %q", got, c.want)
			}
			if own := parse(t, string(outcomes[1].Version.Body)).Get("link").First().Get("other").Get("reference"); own.Exists() && own.String() != c.want {
				t.Errorf("refers to itself as %q, want %q", own.String(), c.want)
			}
		})
	}
}

// TestTheIDOfAConditionalCreateStaysBetweenPlans: a second plan that still finds
// nothing makes the same resource of the same bytes.
func TestTheIDOfAConditionalCreateStaysBetweenPlans(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "1")))
	eventually(t, "the other is ordered", func() bool { return m.Next() == 1 })
	loser := commitLater(t.Context(), s, update(t, "Basic", "a", basic("a", "2")), conditional(t, event.Create, patient("", "x", "n"), "n"))
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	m.release()
	<-other
	r := <-loser
	if r.err != nil || r.outcomes[1].Version.ID != "new1" || r.outcomes[1].Change != Created || m.packs != 2 {
		t.Errorf("%+v, %v, packed %d times; want a creation of new1, 2 packings", r.outcomes, r.err, m.packs)
	}
}

// TestDeletionTakesIncludedAlong, first, and at most as many as asked for.
func TestDeletionTakesIncludedAlong(t *testing.T) {
	revinclude := func(more ...string) Command {
		return conditional(t, event.Delete, "", append([]string{"identifier", "s|both", "_revinclude", "Observation:subject"}, more...)...)
	}
	few := revinclude("_includesCount", "2")
	few.Limit = 2
	two := revinclude()
	two.Limit = 2
	erase := two
	erase.Interaction = event.HardDelete
	one := conditional(t, event.Delete, "", "identifier", "s|a", "_revinclude", "Observation:subject")
	none := conditional(t, event.Delete, "", "identifier", "s|z", "_revinclude", "Observation:subject")
	for name, c := range map[string]struct {
		command Command
		want    []string // what goes, in order
		id      domain.LogicalID
		kind    event.Kind
		fails   domain.Kind
	}{
		"of two matches":               {command: two, want: []string{"o0", "o1", "o2", "a", "b"}, kind: event.Deleted},
		"of two matches, erased":       {command: erase, want: []string{"o0", "o1", "o2", "a", "b"}, kind: event.Erased},
		"of one match":                 {command: one, want: []string{"o0", "o2", "a"}, id: "a", kind: event.Deleted},
		"of no match":                  {command: none},
		"more than may be included":    {command: few, fails: domain.Invalid},
		"more matches than may be one": {command: revinclude(), fails: domain.PreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			s := newService(t, m, Options{})
			for i := range 3 {
				id := fmt.Sprintf("o%d", i)
				mustCommit(t, s, update(t, "Observation", domain.LogicalID(id), fmt.Sprintf(
					`{"resourceType":"Observation","id":%q,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%c"}}`, id, "ab"[i%2])))
			}
			before := int(m.Next())
			outcomes, err := s.Commit(t.Context(), Caller{}, []Command{c.command})
			if c.fails != 0 {
				if domain.KindOf(err) != c.fails || int(m.Next()) != before {
					t.Errorf("Commit = %+v, %v; want kind %d and nothing written", outcomes, err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var gone []string
			for _, e := range m.events(t, before) {
				gone = append(gone, string(e.ID))
				if e.Kind != c.kind {
					t.Errorf("event of kind %d, want %d", e.Kind, c.kind)
				}
			}
			o := outcomes[0]
			if !slices.Equal(gone, c.want) || o.Items != len(c.want) || o.Version.ID != c.id {
				t.Errorf("%q are gone, %d items, version of %q; want %q, of %q", gone, o.Items, o.Version.ID, c.want, c.id)
			}
			if c.id != "" && o.Version.Position != uint64(m.Next())-1 {
				t.Errorf("the deletion is said to be at %d", o.Version.Position)
			}
			for i, r := range m.records[before:] {
				if r.CommitEnd != (i == len(c.want)-1) {
					t.Errorf("event %d ends a commit: %t; want all in one", i, r.CommitEnd)
				}
			}
		})
	}
}

// TestProvenanceOfConditionalCommands points at what was written, and is not
// written where nothing was.
func TestProvenanceOfConditionalCommands(t *testing.T) {
	provenance := Command{Interaction: event.Create, Type: "Provenance", ProvenanceOf: 1, Resource: parse(t,
		`{"resourceType":"Provenance","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"display":"someone"}}]}`)}
	for name, c := range map[string]struct {
		command Command
		want    string // "": none is written
	}{
		"create":            {conditional(t, event.Create, patient("", "x"), "n"), "Patient/new2/_history/1"},
		"create, finds one": {conditional(t, event.Create, patient("", "x"), "a"), ""},
		"update":            {conditional(t, event.Update, patient("", "x"), "a"), "Patient/a/_history/2"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			before := m.Next()
			outcomes := mustCommit(t, newService(t, m, Options{}), c.command, provenance)
			if c.want == "" {
				if outcomes[1].Change != Nothing || m.Next() != before {
					t.Errorf("%+v, %d records", outcomes[1], m.Next())
				}
				return
			}
			got := parse(t, string(outcomes[1].Version.Body)).Get("target").First().Get("reference").String()
			if got != c.want {
				t.Errorf("target %q, want %q", got, c.want)
			}
		})
	}
}
