package commit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// citing is a Basic whose subject is a reference.
func citing(id, reference string) string {
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	return fmt.Sprintf(`{"resourceType":"Basic",%s"code":{"text":"x"},"subject":{"reference":%q}}`, id, reference)
}

// subject is where a stored Basic refers to.
func subject(t *testing.T, o Outcome) string {
	t.Helper()
	return parse(t, string(o.Version.Body)).Get("subject").Get("reference").String()
}

// storeTwo stores the Patients a and b, which share the identifier both.
func storeTwo(t *testing.T, m *memory) {
	t.Helper()
	mustCommit(t, newService(t, m, Options{}), update(t, "Patient", "a", patient("a", "A", "a", "both", "+ %")),
		update(t, "Patient", "b", patient("b", "B", "b", "both")))
}

func TestConditionalReferences(t *testing.T) {
	for name, c := range map[string]struct{ reference, want string }{ // want "" is a fault
		"of one resource":              {"Patient?identifier=s|a", "Patient/a"},
		"with escapes of a URL":        {"Patient?identifier=s%7Ca", "Patient/a"},
		"with a space":                 {"Patient?identifier=s|%2B+%25", "Patient/a"},
		"several criteria":             {"Patient?identifier=s|both&identifier=s|b", "Patient/b"},
		"an empty criterion beside":    {"Patient?&identifier=s|b&", "Patient/b"},
		"of nothing":                   {"Patient?identifier=s|z", ""},
		"of several":                   {"Patient?identifier=s|both", ""},
		"of a type that is none":       {"Patiend?identifier=s|a", ""},
		"of a type in lower case":      {"patient?identifier=s|a", ""},
		"by a parameter that is none":  {"Patient?identifer=s|a", ""},
		"without criteria":             {"Patient?", ""},
		"without a value":              {"Patient?identifier=", ""},
		"badly escaped":                {"Patient?identifier=s|%a", ""},
		"elsewhere: no search of ours": {"http://example.org/Patient?identifier=s|a", "http://example.org/Patient?identifier=s|a"},
		"urn":                          {"urn:x?y", "urn:x?y"},
		"fragment":                     {"#p?", "#p?"},
		"by place":                     {"Patient/a", "Patient/a"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTwo(t, m)
			s := newService(t, m, Options{})
			for _, command := range []Command{create(t, "Basic", citing("", c.reference)), update(t, "Basic", "u", citing("u", c.reference))} {
				before := m.Next()
				outcomes, err := s.Commit(t.Context(), Caller{}, []Command{command})
				if c.want != "" {
					if err != nil || subject(t, outcomes[0]) != c.want || string(outcomes[0].Version.Body) != m.body(uint64(before)) {
						t.Errorf("Commit = %+v, %v; want a reference to %s", outcomes, err, c.want)
					}
					continue
				}
				failed, ok := errors.AsType[*domain.Error](err)
				if !ok || failed.Kind != domain.Invalid || len(failed.Issues) != 1 || m.Next() != before {
					t.Fatalf("Commit = %+v, %v; want one issue of kind Invalid, and nothing written", outcomes, err)
				}
				if issue := failed.Issues[0]; issue.Expression[0] != "Basic.subject.reference" || !strings.Contains(issue.Message, "exactly one") {
					t.Errorf("the issue does not name place and rule: %+v", issue)
				}
			}
		})
	}
}

// TestConditionalReferencesOfATransaction are searched for once each, and all
// that fail are told of.
func TestConditionalReferencesOfATransaction(t *testing.T) {
	m := newMemory()
	storeTwo(t, m)
	s := newService(t, m, Options{})
	var commands []Command
	for i := range 40 {
		commands = append(commands, create(t, "Basic", citing("", fmt.Sprintf("Patient?identifier=s|%c", "ab"[i%2]))))
	}
	m.finds = 0
	for i, o := range mustCommit(t, s, commands...) {
		if want := "Patient/" + "ab"[i%2:i%2+1]; subject(t, o) != want {
			t.Errorf("entry %d refers to %q, want %q", i, subject(t, o), want)
		}
	}
	if m.finds != 2 {
		t.Errorf("%d searches for 2 different references", m.finds)
	}

	before := m.Next()
	commands[3] = create(t, "Basic", citing("", "Patient?identifier=s|both"))
	commands[7] = create(t, "Basic", citing("", "Patient?identifier=s|none"))
	_, err := s.Commit(t.Context(), Caller{}, commands)
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Index != 3 || len(failed.Others) != 1 || failed.Others[0].Index != 7 || domain.KindOf(err) != domain.Invalid || m.Next() != before {
		t.Errorf("Commit: %v; want faults of 3 and 7, and nothing written", err)
	}
}

// TestConditionalReferencesAreBounded, the different ones of a commit.
func TestConditionalReferencesAreBounded(t *testing.T) {
	m := newMemory()
	storeTwo(t, m)
	rs := references{service: newService(t, m, Options{}), set: parameters()}
	for i := range maxReferences {
		if r := rs.of(fmt.Appendf(nil, "Patient?_id=%d", i)); r.fault != nil {
			t.Fatalf("reference %d: %v", i, r.fault)
		}
	}
	for text, refused := range map[string]bool{"Patient?_id=1": false, "Patient?_id=x": true} {
		if r := rs.of([]byte(text)); (r.fault != nil) != refused {
			t.Errorf("%s: %v, refused should be %t", text, r.fault, refused)
		}
	}
	long := create(t, "Basic", citing("", "Patient?identifier=s|"+strings.Repeat("x", maxReferenceBytes)))
	if _, err := rs.service.Commit(t.Context(), Caller{}, []Command{long}); domain.KindOf(err) != domain.Invalid {
		t.Errorf("a reference of %d bytes: %v, want Invalid", maxReferenceBytes, err)
	}
}

// TestConditionalReferencesMeanWhatIsStored, not what the same transaction makes.
func TestConditionalReferencesMeanWhatIsStored(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	both := []Command{create(t, "Patient", patient("", "x", "n")), create(t, "Basic", citing("", "Patient?identifier=s|n"))}
	if _, err := s.Commit(t.Context(), Caller{}, both); domain.KindOf(err) != domain.Invalid || m.Next() != 0 {
		t.Fatalf("Commit: %v; want Invalid", err)
	}
	mustCommit(t, s, update(t, "Patient", "n", patient("n", "x", "n")))
	if outcomes := mustCommit(t, s, both...); subject(t, outcomes[1]) != "Patient/n" {
		t.Errorf("refers to %q", subject(t, outcomes[1]))
	}
}

// TestAllLinksOfAResourceAreRewrittenTogether: conditional references, links to
// entries, contained resources and the narrative.
func TestAllLinksOfAResourceAreRewrittenTogether(t *testing.T) {
	m := newMemory()
	storeTwo(t, m)
	posted := `{"resourceType":"Basic","contained":[{"resourceType":"Basic","id":"c","code":{"text":"x"},"subject":{"reference":"Patient?identifier=s|a"}}],` +
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"` + urnA + `\">x</a></div>"},` +
		`"code":{"text":"x"},"subject":{"reference":"Patient?identifier=s|b"},"author":{"reference":"` + urnA + `"}}`
	outcomes := mustCommit(t, newService(t, m, Options{}), linkBundle(t, "", posted)...)
	want := `{"resourceType":"Basic","id":"new3","meta":{},"contained":[{"resourceType":"Basic","id":"c","code":{"text":"x"},"subject":{"reference":"Patient/a"}}],` +
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"Patient/new1\">x</a></div>"},` +
		`"code":{"text":"x"},"subject":{"reference":"Patient/b"},"author":{"reference":"Patient/new1"}}`
	if got := string(outcomes[4].Version.Body); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
}

// TestAnXProvenanceHasNoConditionalReferences: they would dangle for ever.
func TestAnXProvenanceHasNoConditionalReferences(t *testing.T) {
	m := newMemory()
	storeTwo(t, m)
	provenance := Command{Interaction: event.Create, Type: "Provenance", ProvenanceOf: 1, Resource: parse(t,
		`{"resourceType":"Provenance","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"reference":"Patient?identifier=s|a"}}]}`)}
	_, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, []Command{create(t, "Patient", patient("", "x")), provenance})
	failed, ok := errors.AsType[*domain.Error](err)
	if !ok || failed.Kind != domain.Invalid || failed.Issues[0].Expression[0] != "Provenance.agent[0].who.reference" || m.Next() != 2 {
		t.Errorf("Commit: %v, want Invalid", err)
	}
}
