package commit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
)

// replacing is a patch that replaces a text, which must be there.
type replacing struct{ old, with string }

func (r replacing) Apply(v fhirjson.Value) (*fhirjson.Document, error) {
	text := string(v.Raw())
	if !strings.Contains(text, r.old) {
		return nil, domain.NewError(domain.Invalid, "there is no "+r.old)
	}
	return fhirjson.Parse([]byte(strings.ReplaceAll(text, r.old, r.with)), fhirjson.Limits{})
}

func patchOf(t domain.ResourceType, id domain.LogicalID, old, with string) Command {
	return Command{Interaction: event.Patch, Type: t, ID: id, Patch: replacing{old, with}}
}

// storeTests stores the Patients a and b, which have the identifier both, and each
// the identifier of its own name.
func storeTests(t *testing.T, m *memory) {
	t.Helper()
	mustCommit(t, newService(t, m, Options{}), update(t, "Patient", "a", patient("a", "Test", "both", "a")),
		update(t, "Patient", "b", patient("b", "Test", "both", "b")))
}

// TestPatchRules begins each time with the Patients a and b, which have the
// identifier both, and each the identifier of its own name; c is deleted.
func TestPatchRules(t *testing.T) {
	ifMatch := func(version string, c Command) Command {
		c.IfMatch = &version
		return c
	}
	noMetaHistory := func(c Command) Command {
		c.KeepNoMetaHistory = true
		return c
	}
	by := func(old, with string, pairs ...string) Command {
		c := conditional(t, event.Patch, "", pairs...)
		c.Patch = replacing{old, with}
		return c
	}
	nothingGiven := by("Test", "x", "a")
	nothingGiven.Criteria.Criteria, nothingGiven.Criteria.Applied = 0, nil

	for name, c := range map[string]struct {
		options Options
		command Command
		want    Change
		version domain.VersionID
		drops   bool        // the event drops the version before
		fails   domain.Kind // instead of want
	}{
		"a change":                             {command: patchOf("Patient", "a", "Test", "Patched"), want: Updated, version: 2},
		"no change":                            {command: patchOf("Patient", "a", "Test", "Test"), want: Unchanged, version: 1},
		"nothing there":                        {command: patchOf("Patient", "none", "Test", "x"), fails: domain.NotFound},
		"deleted":                              {command: patchOf("Patient", "c", "Test", "x"), fails: domain.Deleted},
		"deleted, another version":             {command: ifMatch("1", patchOf("Patient", "c", "Test", "x")), fails: domain.Deleted},
		"the version":                          {command: ifMatch("1", patchOf("Patient", "a", "Test", "x")), want: Updated, version: 2},
		"another version":                      {command: ifMatch("2", patchOf("Patient", "a", "Test", "x")), fails: domain.VersionMismatch},
		"another version, and the patch fails": {command: ifMatch("2", patchOf("Patient", "a", "missing", "x")), fails: domain.VersionMismatch},
		"a version of nothing":                 {command: ifMatch("1", patchOf("Patient", "none", "Test", "x")), fails: domain.NotFound},
		"the patch fails":                      {command: patchOf("Patient", "a", "missing", "x"), fails: domain.Invalid},
		"an unknown element":                   {command: patchOf("Patient", "a", `"name"`, `"nam"`), fails: domain.Invalid},
		"another id":                           {command: patchOf("Patient", "a", `"id":"a"`, `"id":"b"`), fails: domain.Invalid},
		"another type":                         {command: patchOf("Patient", "a", `"resourceType":"Patient"`, `"resourceType":"Person"`), fails: domain.Invalid},
		"another versionId":                    {command: patchOf("Patient", "a", `"versionId":"1"`, `"versionId":"7"`), fails: domain.Invalid},
		"no-version":                           {options: Options{Versioning: NoVersion}, command: patchOf("Patient", "a", "Test", "x"), want: Updated, version: 2, drops: true},
		"versioned-update":                     {options: Options{Versioning: VersionedUpdate}, command: patchOf("Patient", "a", "Test", "x"), want: Updated, version: 2},
		"only meta, and no history of that":    {command: noMetaHistory(patchOf("Patient", "a", `"meta":{`, `"meta":{"tag":[{"code":"t"}],`)), want: Updated, version: 2, drops: true},
		"more than meta, no history of meta":   {command: noMetaHistory(patchOf("Patient", "a", "Test", "x")), want: Updated, version: 2},

		"by criteria":                          {command: by("Test", "x", "a"), want: Updated, version: 2},
		"by criteria, no change":               {command: by("Test", "Test", "a"), want: Unchanged, version: 1},
		"by criteria, no match":                {command: by("Test", "x", "z"), fails: domain.NotFound},
		"by criteria, only a deleted one":      {command: by("Test", "x", "c"), fails: domain.NotFound},
		"by criteria, two":                     {command: by("Test", "x", "both"), fails: domain.PreconditionFailed},
		"by criteria, the version":             {command: ifMatch("1", by("Test", "x", "a")), want: Updated, version: 2},
		"by criteria, another version":         {command: ifMatch("2", by("Test", "x", "a")), fails: domain.VersionMismatch},
		"by criteria, version of nothing":      {command: ifMatch("2", by("Test", "x", "z")), fails: domain.NotFound},
		"by criteria that are none":            {command: nothingGiven, fails: domain.PreconditionFailed},
		"by criteria, such that they fail now": {command: by(`"value":"a"`, `"value":"other"`, "a"), want: Updated, version: 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			storeTests(t, m)
			first := newService(t, m, Options{})
			mustCommit(t, first, update(t, "Patient", "c", patient("c", "Test", "c")))
			mustCommit(t, first, Command{Interaction: event.Delete, Type: "Patient", ID: "c"})
			before := m.Next()

			outcomes, err := newService(t, m, c.options).Commit(t.Context(), Caller{RequestID: "request"}, []Command{c.command})
			if c.want == 0 {
				if err == nil || domain.KindOf(err) != c.fails || m.Next() != before {
					t.Fatalf("Commit = %+v, %v; want kind %d and nothing written", outcomes, err, c.fails)
				}
				if failed, _ := errors.AsType[*domain.Error](err); failed.Kind == domain.Deleted && failed.Version != 2 {
					t.Errorf("the version of the deletion is %d, want 2", failed.Version)
				}
				return
			}
			if err != nil {
				t.Fatalf("Commit: %v", err)
			}
			o := outcomes[0]
			if o.Change != c.want || o.Version.Version != c.version || o.Version.ID != "a" {
				t.Fatalf("outcome %+v, want change %d of Patient/a to version %d", o, c.want, c.version)
			}
			written := m.events(t, int(before))
			if c.want == Unchanged {
				if len(written) != 0 {
					t.Errorf("written: %+v, want nothing", written)
				}
				return
			}
			e := written[0]
			if len(written) != 1 || e.Kind != event.Written || e.Interaction != event.Patch || e.Version != c.version || e.DropsPrevious != c.drops || e.Previous != 0 {
				t.Errorf("written: %+v, drops %t wanted", written, c.drops)
			}
			if body := m.body(uint64(before)); strings.Contains(body, "versionId") || !strings.HasPrefix(body, `{"resourceType":"Patient","id":"a","meta":{`) {
				t.Errorf("the stored body has not the stored form: %s", body)
			}
			if m.values[uint64(before)] != nil {
				t.Errorf("values without Handoff")
			}
		})
	}
}

// TestPatchesOfOneCommit looks at what a patch refers to, and what refers to it.
func TestPatchesOfOneCommit(t *testing.T) {
	const urn, link = "urn:uuid:00000000-0000-4000-8000-000000000001", `"link":[{"other":{"reference":%q},"type":"seealso"}]`
	linkTo := func(to string) string { return fmt.Sprintf(`"name":[{"family":"x"}],`+link, to) }
	const name = `"name":[{"family":"Test"}]`
	const abroad, local = "http://other.example/fhir/Patient/1", "Patient/1"
	stored := update(t, "Patient", "r", `{"resourceType":"Patient","id":"r",`+linkTo(abroad)+`,"generalPractitioner":[{"reference":"Practitioner/1"}]}`)
	entry := func(fullURL string, c Command) Command {
		c.FullURL = fullURL
		return c
	}
	for title, c := range map[string]struct {
		commands []Command
		bodies   []string // parts of what is written, in this order; nil for a refusal
		at       int      // the command that is refused
		fails    domain.Kind
	}{
		"a patch links to what is created": {
			commands: []Command{entry(urn, create(t, "Patient", patient("", "new"))), patchOf("Patient", "a", name, linkTo(urn))},
			bodies:   []string{`"family":"new"`, `"reference":"Patient/new1"`},
		},
		"what is created links to what is patched": {
			commands: []Command{create(t, "Patient", `{"resourceType":"Patient",`+linkTo(urn)+`}`), entry(urn, patchOf("Patient", "a", "Test", "x"))},
			bodies:   []string{`"reference":"Patient/a"`, `"family":"x"`},
		},
		"what is created links to what is patched by criteria": {
			commands: []Command{create(t, "Patient", `{"resourceType":"Patient",`+linkTo(urn)+`}`), entry(urn, func() Command {
				c := conditional(t, event.Patch, "", "b")
				c.Patch = replacing{"Test", "x"}
				return c
			}())},
			bodies: []string{`"reference":"Patient/b"`, `"family":"x"`},
		},
		"a reference that is a search": {
			commands: []Command{patchOf("Patient", "a", name, linkTo("Patient?identifier=s|b"))},
			bodies:   []string{`"reference":"Patient/b"`},
		},
		"a patch links to what comes from another server": {
			commands: []Command{entry(abroad, create(t, "Patient", patient("", "new"))), entry("http://other.example/fhir/Patient/a", patchOf("Patient", "a", name, linkTo(abroad+"#x")))},
			bodies:   []string{`"family":"new"`, `"reference":"Patient/new1#x"`},
		},
		"a relative reference of a patch is one on this server": {
			commands: []Command{entry(abroad, create(t, "Patient", patient("", "new"))), entry("http://other.example/fhir/Patient/a", patchOf("Patient", "a", name, linkTo(local)))},
			bodies:   []string{`"family":"new"`, `"reference":"Patient/1"`},
		},
		"what was there stays, whatever it is called in the Bundle": {
			commands: []Command{entry(abroad, create(t, "Patient", patient("", "new"))),
				entry("http://other.example/fhir/Practitioner/1", create(t, "Practitioner", `{"resourceType":"Practitioner"}`)),
				entry("http://other.example/fhir/Patient/r", patchOf("Patient", "r", `"family":"x"`, `"family":"y"`))},
			bodies: []string{`"family":"new"`, `"Practitioner"`, `"family":"y"}],"link":[{"other":{"reference":"` + abroad + `"},"type":"seealso"}],"generalPractitioner":[{"reference":"Practitioner/1"}]`},
		},
		"a reference that finds nothing":      {commands: []Command{patchOf("Patient", "a", name, linkTo("Patient?identifier=s|z"))}, fails: domain.Invalid},
		"a reference that finds two":          {commands: []Command{patchOf("Patient", "a", name, linkTo("Patient?identifier=s|both"))}, fails: domain.Invalid},
		"a reference that cannot be searched": {commands: []Command{patchOf("Patient", "a", name, linkTo("Patient?nonsense=1"))}, fails: domain.Invalid},
		"one patch fails": {
			commands: []Command{create(t, "Patient", patient("", "new")), patchOf("Patient", "a", "Test", "x"), patchOf("Patient", "b", "missing", "x")},
			at:       2, fails: domain.Invalid,
		},
		"one patch has no target": {
			commands: []Command{patchOf("Patient", "a", "missing", "x"), patchOf("Patient", "none", "Test", "x")},
			at:       1, fails: domain.NotFound,
		},
		"two patches of one resource": {
			commands: []Command{patchOf("Patient", "a", "Test", "x"), patchOf("Patient", "a", "Test", "y")},
			at:       1, fails: domain.Invalid,
		},
		"a patch by id and one by criteria of one resource": {
			commands: []Command{patchOf("Patient", "a", "Test", "x"), func() Command {
				c := conditional(t, event.Patch, "", "a")
				c.Patch = replacing{"Test", "y"}
				return c
			}()},
			at: 1, fails: domain.Invalid,
		},
		"an update and a patch of one resource": {
			commands: []Command{update(t, "Patient", "a", patient("a", "x")), patchOf("Patient", "a", "Test", "y")},
			at:       1, fails: domain.Invalid,
		},
	} {
		t.Run(title, func(t *testing.T) {
			m := newMemory()
			storeTests(t, m)
			mustCommit(t, newService(t, m, Options{}), stored)
			before := m.Next()
			outcomes, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, c.commands)
			if c.bodies == nil {
				failed, isOne := errors.AsType[*CommandError](err)
				if err == nil || domain.KindOf(err) != c.fails || isOne && failed.Index != c.at || m.Next() != before {
					t.Fatalf("Commit = %+v, %v; want kind %d at command %d, and nothing written", outcomes, err, c.fails, c.at)
				}
				return
			}
			if err != nil {
				t.Fatalf("Commit: %v", err)
			}
			for i, part := range c.bodies {
				if body := m.body(uint64(before) + uint64(i)); !strings.Contains(body, part) {
					t.Errorf("body %d is %s, want %s in it", i, body, part)
				}
			}
		})
	}
}

// TestAPatchOfWhatIsCompactedAway: the resource is erased, and its content removed
// from the log, while a patch of it is being planned. It is to be asked for again.
func TestAPatchOfWhatIsCompactedAway(t *testing.T) {
	m := newMemory()
	storeTests(t, m)
	m.records[0].Body, m.records[0].HasBody, m.records[0].Erased = nil, false, true
	before := m.Next()
	_, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, []Command{patchOf("Patient", "a", "Test", "x")})
	if domain.KindOf(err) != domain.Unavailable || m.Next() != before {
		t.Errorf("Commit: %v; want that it is unavailable, and nothing written", err)
	}
}

// TestFaultyPatchesAreAllToldOf: a client hears of all patches of a transaction
// that cannot be applied.
func TestFaultyPatchesAreAllToldOf(t *testing.T) {
	m := newMemory()
	storeTests(t, m)
	_, err := newService(t, m, Options{}).Commit(t.Context(), Caller{}, []Command{
		patchOf("Patient", "a", "missing", "x"), create(t, "Patient", patient("", "new")), patchOf("Patient", "b", `"name"`, `"nam"`),
	})
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Index != 0 || len(failed.Others) != 1 || failed.Others[0].Index != 2 {
		t.Fatalf("Commit: %#v", err)
	}
	if other, _ := errors.AsType[*domain.Error](failed.Others[0].Err); other == nil || other.Issues[0].Expression[0] != "Patient.nam" {
		t.Errorf("the second fault is %+v", failed.Others[0].Err)
	}
}

// TestReserveBoundsPatches: memory is asked for by the size of what is stored, once
// for the same size, and a refusal is told.
func TestReserveBoundsPatches(t *testing.T) {
	m := newMemory()
	storeTests(t, m)
	s := newService(t, m, Options{})
	var asked []int64
	caller := Caller{Reserve: func(_ context.Context, n int64) error {
		asked = append(asked, n)
		return nil
	}}
	m.hold()
	other := commitLater(t.Context(), s, update(t, "Patient", "a", patient("a", "Tes2", "both", "a")))
	eventually(t, "the other commit is ordered", func() bool { return m.Next() == 3 })
	done := make(chan error)
	go func() {
		_, err := s.Commit(t.Context(), caller, []Command{patchOf("Patient", "a", "Tes", "Tesx")})
		done <- err
	}()
	eventually(t, "both wait", func() bool { return m.waiting() == 2 })
	m.release()
	if r := <-other; r.err != nil {
		t.Fatal(r.err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// The other commit left a body of the same size.
	if len(asked) != 2 || asked[0] != reservePerByte*int64(len(m.body(0))) || asked[1] <= 0 || asked[1] > 1000 {
		t.Errorf("asked for %v bytes, of a body of %d", asked, len(m.body(0)))
	}
	full := domain.NewError(domain.Throttled, "full")
	before := m.Next()
	_, err := s.Commit(t.Context(), Caller{Reserve: func(context.Context, int64) error { return full }}, []Command{patchOf("Patient", "a", "Tes", "x")})
	if !errors.Is(err, full) || m.Next() != before {
		t.Errorf("Commit: %v, want the refusal of Reserve and nothing written", err)
	}
}
