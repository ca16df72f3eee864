package projections_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/dictionary"
	"fhirlog/domain/event"
	"fhirlog/domain/profile"
	"fhirlog/eventlog"
	"fhirlog/projections"
)

// TestLibrary writes definitions and finds them at once, as they are then.
func TestLibrary(t *testing.T) {
	dir := t.TempDir()
	log, _, err := eventlog.Open(filepath.Join(dir, "log"), eventlog.Options{Dictionary: dictionary.V1, SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	live, _, err := projections.OpenLive(log, projections.Options{Dir: filepath.Join(dir, "projections"), FHIRVersion: "R4", LogIdentity: "test"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	commits := commit.New(log, live, d, commit.Options{Handoff: live.Handoff, Registry: live.Registry})
	ended := make(chan error, 2)
	go func() { ended <- log.Run(context.Background()) }()
	go func() { ended <- live.Run(context.Background()) }()
	defer func() {
		if err := errors.Join(log.Close(), <-ended, <-ended, live.Close()); err != nil {
			t.Error(err)
		}
	}()

	library := live.Library()
	do := func(c commit.Command) {
		t.Helper()
		if _, err := commits.Commit(t.Context(), commit.Caller{RequestID: "r"}, []commit.Command{c}); err != nil {
			t.Fatal(err)
		}
	}
	put := func(typ, id, url, version, more string) commit.Command {
		text := fmt.Sprintf(`{"resourceType":%q,"id":%q,"url":%q,"version":%q,"status":"active"%s}`, typ, id, url, version, more)
		return commit.Command{Interaction: event.Update, Type: domain.ResourceType(typ), ID: domain.LogicalID(id), Resource: parsed(t, text)}
	}
	structure := func(id, url, version, typ string) commit.Command {
		return put("StructureDefinition", id, url, version, `,"name":"n","kind":"resource","abstract":false,"derivation":"constraint","type":"`+typ+`"`)
	}
	remove := func(i event.Interaction, typ, id string) commit.Command {
		return commit.Command{Interaction: i, Type: domain.ResourceType(typ), ID: domain.LogicalID(id)}
	}
	states := map[string]int{}
	state := func(step int) string {
		t.Helper()
		text, err := library.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if earlier, seen := states[text]; seen {
			t.Errorf("after step %d the state is %q, as after step %d", step, text, earlier)
		}
		states[text] = step
		return text
	}
	find := func(typ, url, version string) string {
		t.Helper()
		v, err := library.Find(t.Context(), domain.ResourceType(typ), url, version)
		if err != nil {
			t.Fatal(err)
		}
		return v.Get("id").String()
	}
	const odd = "http://a.example/p,q$r\\s"
	state(0)
	for step, s := range []struct {
		command                    commit.Command
		first, firstOne, odd, code string // what is found
	}{
		{structure("a", "http://a.example/p", "1", "Patient"), "a", "a", "", ""},
		{structure("b", "http://a.example/p", "2", "Patient"), "b", "a", "", ""},
		{structure("c", odd, "1", "Group"), "b", "a", "c", ""},
		{put("CodeSystem", "d", "http://a.example/p", "1", `,"content":"complete"`), "b", "a", "c", "d"},
		{structure("a", "http://a.example/p", "1", "Practitioner"), "a", "a", "c", "d"},
		{remove(event.Delete, "StructureDefinition", "a"), "b", "", "c", "d"},
		{remove(event.HardDelete, "StructureDefinition", "b"), "", "", "c", "d"},
		{put("ValueSet", "e", "http://a.example/p", "1", ""), "", "", "c", "d"},
		{remove(event.HardDelete, "CodeSystem", "d"), "", "", "c", ""},
		{structure("a", "http://a.example/p", "1", "Patient"), "a", "a", "c", ""},
	} {
		do(s.command)
		before := state(step + 1)
		for _, c := range []struct{ typ, url, version, want string }{
			{"StructureDefinition", "http://a.example/p", "", s.first}, {"StructureDefinition", "http://a.example/p", "1", s.firstOne},
			{"StructureDefinition", odd, "", s.odd}, {"CodeSystem", "http://a.example/p", "", s.code}, {"StructureDefinition", "http://a.example/none", "", ""},
		} {
			if got := find(c.typ, c.url, c.version); got != c.want {
				t.Errorf("after step %d Find(%s, %s, %s) = %q, want %q", step+1, c.typ, c.url, c.version, got, c.want)
			}
		}
		do(commit.Command{Interaction: event.Update, Type: "Patient", ID: "x", Resource: parsed(t, fmt.Sprintf(`{"resourceType":"Patient","id":"x","active":%v}`, step%2 == 0))})
		if after, err := library.State(t.Context()); err != nil || after != before {
			t.Errorf("after step %d another resource changed the state from %q to %q, %v", step+1, before, after, err)
		}
	}
	list, err := library.Profiles(t.Context())
	if err != nil || len(list) != 2 || list[0] != (profile.Summary{URL: odd, Type: "Group"}) || list[1] != (profile.Summary{URL: "http://a.example/p", Type: "Patient"}) {
		t.Errorf("Profiles() = %v, %v", list, err)
	}
}
