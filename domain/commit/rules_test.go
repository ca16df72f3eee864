package commit

import (
	"fmt"
	"reflect"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// step is one commit of a story: a change, or a failure.
type step struct {
	command Command
	want    Change
	version domain.VersionID
	fails   domain.Kind // instead of want
}

// The stories tell the rules one by one. Each begins with an empty server.
func TestRules(t *testing.T) {
	put := func(code string, adjust ...func(*Command)) Command {
		c := update(t, "Basic", "a", basic("a", code))
		for _, f := range adjust {
			f(&c)
		}
		return c
	}
	ifMatch := func(version string) func(*Command) {
		return func(c *Command) { c.IfMatch = &version }
	}
	mustNotExist := func(c *Command) { c.MustNotExist = true }
	on := func(i event.Interaction, adjust ...func(*Command)) Command {
		c := Command{Interaction: i, Type: "Basic", ID: "a"}
		for _, f := range adjust {
			f(&c)
		}
		return c
	}
	versionedUpdate := Options{VersioningOf: map[domain.ResourceType]VersioningPolicy{"Basic": VersionedUpdate}}
	stories := map[string]struct {
		options Options
		steps   []step
	}{
		"update creates, updates, and leaves equal content": {steps: []step{
			{command: put("1"), want: Created, version: 1},
			{command: put("1"), want: Unchanged, version: 1},
			{command: put("2"), want: Updated, version: 2},
			{command: put("1"), want: Updated, version: 3},
		}},
		"delete, and undelete by update": {steps: []step{
			{command: on(event.Delete), want: Nothing},
			{command: put("1"), want: Created, version: 1},
			{command: on(event.Delete), want: Deleted, version: 2},
			{command: on(event.Delete), want: Nothing},
			{command: put("1"), want: Updated, version: 3},
		}},
		"If-Match": {steps: []step{
			{command: put("1", ifMatch("1")), fails: domain.NotFound},
			{command: on(event.Delete, ifMatch("1")), fails: domain.NotFound},
			{command: put("1"), want: Created, version: 1},
			{command: put("2", ifMatch("2")), fails: domain.VersionMismatch},
			{command: put("2", ifMatch("01")), fails: domain.VersionMismatch},
			{command: put("1", ifMatch("7")), fails: domain.VersionMismatch},
			{command: put("2", ifMatch("1")), want: Updated, version: 2},
			{command: on(event.Delete, ifMatch("1")), fails: domain.VersionMismatch},
			{command: on(event.Delete, ifMatch("2")), want: Deleted, version: 3},
			{command: put("3", ifMatch("2")), fails: domain.VersionMismatch},
			{command: put("3", ifMatch("3")), want: Updated, version: 4},
		}},
		"If-None-Match: * may only create": {steps: []step{
			{command: put("1", mustNotExist), want: Created, version: 1},
			{command: put("1", mustNotExist), fails: domain.PreconditionFailed},
			{command: on(event.Delete), want: Deleted, version: 2},
			{command: put("1", mustNotExist), want: Updated, version: 3},
		}},
		"an update must name the version it replaces": {options: versionedUpdate, steps: []step{
			{command: put("1"), want: Created, version: 1},
			{command: put("2"), fails: domain.Invalid},
			{command: put("1"), fails: domain.Invalid},
			{command: put("2", ifMatch("1")), want: Updated, version: 2},
			{command: on(event.Delete), want: Deleted, version: 3},
			{command: put("3"), fails: domain.Invalid},
		}},
		"the policy of a type goes before the general one": {
			options: Options{Versioning: VersionedUpdate, VersioningOf: map[domain.ResourceType]VersioningPolicy{"Basic": Versioned}},
			steps:   []step{{command: put("1"), want: Created, version: 1}, {command: put("2"), want: Updated, version: 2}},
		},
		"no update creates": {options: Options{NoUpdateCreate: true}, steps: []step{
			{command: put("1"), fails: domain.MethodNotAllowed},
			{command: create(t, "Basic", `{"resourceType":"Basic","code":{"text":"1"}}`), want: Created, version: 1},
			{command: update(t, "Basic", "new1", basic("new1", "2")), want: Updated, version: 2},
		}},
		"hard delete begins anew": {steps: []step{
			{command: on(event.HardDelete), want: Nothing},
			{command: put("1"), want: Created, version: 1},
			{command: put("2"), want: Updated, version: 2},
			{command: on(event.HardDelete), want: Deleted},
			{command: on(event.HardDelete), want: Nothing},
			{command: put("2"), want: Created, version: 1},
			{command: on(event.Delete), want: Deleted, version: 2},
			{command: on(event.HardDelete), want: Deleted},
		}},
		"purge of the history": {steps: []step{
			{command: on(event.PurgeHistory), want: Nothing},
			{command: put("1"), want: Created, version: 1},
			{command: on(event.PurgeHistory), want: Nothing},
			{command: put("2"), want: Updated, version: 2},
			{command: on(event.PurgeHistory), want: Purged},
			{command: on(event.PurgeHistory), want: Nothing},
			{command: put("2"), want: Unchanged, version: 2},
			{command: put("3"), want: Updated, version: 3},
		}},
		"an update carries the id of its URL": {steps: []step{
			{command: update(t, "Basic", "a", basic("b", "1")), fails: domain.Invalid},
			{command: update(t, "Basic", "a", `{"resourceType":"Basic","code":{"text":"1"}}`), fails: domain.Invalid},
			{command: update(t, "Basic", "a", `{"resourceType":"Basic","\u0069d":"\u0061","code":{"text":"1"}}`), want: Created, version: 1},
		}},
		"content is validated": {steps: []step{
			{command: update(t, "Patient", "a", basic("a", "1")), fails: domain.Invalid},
			{command: create(t, "Basic", `{"resourceType":"Basic","code":{"text":1}}`), fails: domain.Invalid},
		}},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := newService(t, m, story.options)
			for i, st := range story.steps {
				before := m.Next()
				outcomes, err := s.Commit(t.Context(), Caller{}, []Command{st.command})
				written := int(m.Next() - before)
				if st.want == 0 {
					if err == nil || domain.KindOf(err) != st.fails || written != 0 {
						t.Fatalf("step %d: %+v, %v, %d events; want kind %d and no event", i, outcomes, err, written, st.fails)
					}
					continue
				}
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				changes := st.want != Unchanged && st.want != Nothing
				if o := outcomes[0]; o.Change != st.want || o.Version.Version != st.version || (written == 1) != changes {
					t.Fatalf("step %d: change %d of version %d, %d events; want change %d of version %d", i, o.Change, o.Version.Version, written, st.want, st.version)
				}
			}
		})
	}
}

// TestEvents shows what goes into the log for each change.
func TestEvents(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{VersioningOf: map[domain.ResourceType]VersioningPolicy{"List": NoVersion}})
	list := func(title string) Command {
		return update(t, "List", "l", fmt.Sprintf(`{"resourceType":"List","id":"l","status":"current","mode":"working","title":%q}`, title))
	}
	tagged := update(t, "Basic", "a", `{"resourceType":"Basic","id":"a","meta":{"tag":[{"code":"t"}]},"code":{"text":"1"}}`)
	tagged.KeepNoMetaHistory = true
	other := update(t, "Basic", "a", basic("a", "2"))
	other.KeepNoMetaHistory = true
	for _, c := range []Command{
		update(t, "Basic", "a", basic("a", "1")), tagged, other,
		{Interaction: event.Delete, Type: "Basic", ID: "a"},
		{Interaction: event.HardDelete, Type: "Basic", ID: "a"},
		list("1"), list("2"),
		{Interaction: event.Delete, Type: "List", ID: "l"},
		list("3"),
		{Interaction: event.PurgeHistory, Type: "List", ID: "l"},
	} {
		mustCommit(t, s, c)
	}
	type summary struct {
		kind     event.Kind
		version  domain.VersionID
		previous uint64
		drops    bool
	}
	want := []summary{
		{event.Written, 1, event.NoPosition, false},
		{event.Written, 2, 0, true},  // only meta differs
		{event.Written, 3, 1, false}, // more than meta differs
		{event.Deleted, 4, 2, false},
		{event.Erased, 4, 3, false},
		{event.Written, 1, event.NoPosition, false},
		{event.Written, 2, 5, true},
		{event.Deleted, 3, 6, true},
		{event.Written, 4, 7, true},
	}
	got := m.events(t, 0)
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, e := range got {
		if s := (summary{e.Kind, e.Version, e.Previous, e.DropsPrevious}); s != want[i] {
			t.Errorf("event %d: %+v, want %+v", i, s, want[i])
		}
		signed := Caller{Author: e.Author, RequestID: e.RequestID, Agent: e.Agent, Address: e.Address, Reason: e.Reason}
		if !reflect.DeepEqual(signed, testCaller) {
			t.Errorf("event %d is of %+v, want %+v", i, signed, testCaller)
		}
		if hasBody := m.body(uint64(i)) != ""; hasBody != (e.Kind == event.Written) {
			t.Errorf("event %d of kind %d: has a body %t", i, e.Kind, hasBody)
		}
	}
}

// TestOutcomesTellWhatTheLogAssigned: position, instant and body.
func TestOutcomesTellWhatTheLogAssigned(t *testing.T) {
	m := newMemory()
	s := newService(t, m, Options{})
	mustCommit(t, s, update(t, "Basic", "a", basic("a", "1")))
	outcomes := mustCommit(t, s,
		update(t, "Basic", "a", basic("a", "1")),
		update(t, "Basic", "b", basic("b", "1")),
		Command{Interaction: event.Delete, Type: "Basic", ID: "none"},
		update(t, "Basic", "c", basic("c", "1")))
	for i, want := range []struct{ position, version uint64 }{{0, 1}, {1, 1}, {0, 0}, {2, 1}} {
		v := outcomes[i].Version
		wantInstant := instant(1)
		if i == 0 {
			wantInstant = instant(0)
		}
		if i == 2 {
			wantInstant = 0
		}
		if v.Position != want.position || uint64(v.Version) != want.version || v.Instant != wantInstant {
			t.Errorf("outcome %d: position %d, version %d, instant %d; want %+v at %d", i, v.Position, v.Version, v.Instant, want, wantInstant)
		}
		if v.Version != 0 && string(v.Body) != m.body(v.Position) {
			t.Errorf("outcome %d: body %s", i, v.Body)
		}
	}
}
