package commit

import (
	"context"
	"errors"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
)

// profilesFake demands an author of a Basic, and would like to see a subject.
type profilesFake struct {
	asked int
	fail  error
}

func (p *profilesFake) Validate(_ context.Context, resource fhirjson.Value, _ []string) (issues []domain.Issue, err error) {
	p.asked++
	if !resource.Get("author").Exists() {
		issues = append(issues, domain.Issue{Severity: domain.Fault, Code: "required", Message: "author", Expression: []string{"Basic.author"}, Line: 1, Column: 2})
	}
	if !resource.Get("subject").Exists() {
		issues = append(issues, domain.Issue{Severity: domain.Warning, Code: "required", Message: "subject"})
	}
	return issues, p.fail
}

func TestProfiles(t *testing.T) {
	const author, subject = `"author":{"display":"a"}`, `"subject":{"display":"s"}`
	make1 := func(members string) string {
		return `{"resourceType":"Basic","id":"a","code":{"text":"x"}` + members + `}`
	}
	for name, c := range map[string]struct {
		check   ProfileCheck
		members string
		want    domain.Kind // Internal: it is written
		issues  int         // of the failure, or the findings
	}{
		"not asked for":       {NoProfiles, "", domain.Internal, 0},
		"a fault":             {LenientProfiles, "", domain.Invalid, 2},
		"a warning":           {LenientProfiles, "," + author, domain.Internal, 1},
		"a warning, strictly": {StrictProfiles, "," + author, domain.Invalid, 1},
		"nothing":             {StrictProfiles, "," + author + "," + subject, domain.Internal, 0},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &profilesFake{}
			s := newService(t, newMemory(), Options{Profiles: fake})
			command := update(t, "Basic", "a", make1(c.members))
			command.Profiles = c.check
			outcomes, err := s.Commit(t.Context(), Caller{Findings: true}, []Command{command})
			if c.want == domain.Internal {
				if err != nil || len(outcomes[0].Findings) != c.issues {
					t.Errorf("got %v, %v, want %d findings", outcomes, err, c.issues)
				}
			} else if told, ok := errors.AsType[*domain.Error](err); !ok || told.Kind != c.want || len(told.Issues) != c.issues {
				t.Errorf("got %v, want %d issues", err, c.issues)
			}
			if (fake.asked > 0) != (c.check != NoProfiles) {
				t.Errorf("asked %d times", fake.asked)
			}
		})
	}
	t.Run("what a patch leads to", func(t *testing.T) {
		fake := &profilesFake{}
		s := newService(t, newMemory(), Options{Profiles: fake})
		if _, err := s.Commit(t.Context(), Caller{}, []Command{update(t, "Basic", "a", make1(","+author))}); err != nil {
			t.Fatal(err)
		}
		for document, want := range map[string]domain.Kind{
			`[{"op":"remove","path":"/author"}]`:                            domain.Invalid,
			`[{"op":"replace","path":"/author/display","value":"another"}]`: domain.Internal,
		} {
			by, err := patch.ParseJSON([]byte(document))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Commit(t.Context(), Caller{}, []Command{{Interaction: event.Patch, Type: "Basic", ID: "a", Patch: by, Profiles: LenientProfiles}})
			if domain.KindOf(err) != want || want == domain.Internal && err != nil {
				t.Errorf("%s: got %v, want kind %d", document, err, want)
			}
			if told, ok := errors.AsType[*domain.Error](err); ok && told.Issues[0].Line != 0 {
				t.Errorf("the place is that of a text that nobody sent: %+v", told.Issues[0])
			}
		}
	})
	t.Run("all faulty commands are told of", func(t *testing.T) {
		s := newService(t, newMemory(), Options{Profiles: &profilesFake{}})
		var commands []Command
		for range 3 {
			c := Command{Interaction: event.Create, Type: "Basic", Resource: parse(t, make1("")), Profiles: LenientProfiles}
			commands = append(commands, c)
		}
		_, err := s.Commit(t.Context(), Caller{}, commands)
		if failed, ok := errors.AsType[*CommandError](err); !ok || failed.Index != 0 || len(failed.Others) != 2 {
			t.Errorf("got %v, want that all three failed", err)
		}
	})
	t.Run("nobody can tell", func(t *testing.T) {
		command := update(t, "Basic", "a", make1(""))
		command.Profiles = LenientProfiles
		if _, err := newService(t, newMemory(), Options{}).Commit(t.Context(), Caller{}, []Command{command}); domain.KindOf(err) != domain.NotSupported {
			t.Errorf("got %v, want that it is not supported", err)
		}
		broken := errors.New("the disk is gone")
		if _, err := newService(t, newMemory(), Options{Profiles: &profilesFake{fail: broken}}).Commit(t.Context(), Caller{}, []Command{command}); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	})
}
