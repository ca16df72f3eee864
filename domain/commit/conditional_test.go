package commit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
)

// patient is a Patient with identifiers of system s; an empty id is left out.
func patient(id, family string, identifiers ...string) string {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Patient"`)
	if id != "" {
		fmt.Fprintf(&b, `,"id":%q`, id)
	}
	for i, value := range identifiers {
		lead := ","
		if i == 0 {
			lead = `,"identifier":[`
		}
		fmt.Fprintf(&b, `%s{"system":"s","value":%q}`, lead, value)
	}
	if len(identifiers) > 0 {
		b.WriteString("]")
	}
	fmt.Fprintf(&b, `,"name":[{"family":%q}]}`, family)
	return b.String()
}

// conditional is a command of Patients with a search for an identifier of system
// s, or for the pairs given.
func conditional(t testing.TB, i event.Interaction, text string, pairs ...string) Command {
	t.Helper()
	if len(pairs) == 1 {
		pairs = []string{"identifier", "s|" + pairs[0]}
	}
	c := Command{Interaction: i, Type: "Patient", Criteria: query(t, "Patient", pairs...)}
	if text != "" {
		c.Resource = parse(t, text)
	}
	return c
}

// TestConditionalRules begins each time with the Patients a and b, which have the
// identifier both, and each the identifier of its own name; c is deleted.
func TestConditionalRules(t *testing.T) {
	ifMatch := func(version string, c Command) Command {
		c.IfMatch = &version
		return c
	}
	limit := func(n int, c Command) Command {
		c.Limit = n
		return c
	}
	on := func(i event.Interaction, text string, pairs ...string) Command {
		return conditional(t, i, text, pairs...)
	}
	pastState := on(event.Create, patient("", "x"), "z")
	pastState.Criteria = &search.Query{Criteria: 1, AsOf: "2020", Scopes: pastState.Criteria.Scopes}
	nothingGiven := on(event.Create, patient("", "x"), "z")
	nothingGiven.Criteria = &search.Query{}
	mustNotExist := on(event.Update, patient("", "x"), "a")
	mustNotExist.MustNotExist = true

	for name, c := range map[string]struct {
		options Options
		command Command
		want    Change
		id      domain.LogicalID // of the outcome
		version domain.VersionID
		items   int
		fails   domain.Kind // instead of want
	}{
		"create, no match":                           {command: on(event.Create, patient("", "x", "z"), "z"), want: Created, id: "new1", version: 1},
		"create, no match, an id in the body":        {command: on(event.Create, patient("a", "x", "z"), "z"), want: Created, id: "new1", version: 1},
		"create, one match":                          {command: on(event.Create, patient("", "x", "z"), "a"), want: Existing, id: "a", version: 1},
		"create, several matches":                    {command: on(event.Create, patient("", "x", "z"), "both"), fails: domain.PreconditionFailed},
		"create, a deleted one":                      {command: on(event.Create, patient("", "x", "c"), "c"), want: Created, id: "new1", version: 1},
		"create, no condition":                       {command: nothingGiven, fails: domain.Invalid},
		"create, empty condition":                    {command: on(event.Create, patient("", "x"), "identifier", ""), fails: domain.PreconditionFailed},
		"create, condition on the past":              {command: pastState, fails: domain.Invalid},
		"create, one match and faulty content":       {command: on(event.Create, `{"resourceType":"Patient","wrong":1}`, "a"), fails: domain.Invalid},
		"create, several alternatives, one match":    {command: on(event.Create, patient("", "x"), "identifier", "s|z,s|a"), want: Existing, id: "a", version: 1},
		"update, no match, no id":                    {command: on(event.Update, patient("", "x", "z"), "z"), want: Created, id: "new1", version: 1},
		"update, no match, an id":                    {command: on(event.Update, patient("n", "x", "z"), "z"), want: Created, id: "n", version: 1},
		"update, no match, the id of another":        {command: on(event.Update, patient("a", "x", "z"), "z"), want: Updated, id: "a", version: 2},
		"update, no match, the id of a deleted one":  {command: on(event.Update, patient("c", "x", "z"), "z"), want: Updated, id: "c", version: 3},
		"update, no match, an id that is none":       {command: on(event.Update, patient("a/b", "x", "z"), "z"), fails: domain.Invalid},
		"update, no match, an id nobody can reach":   {command: on(event.Update, patient("..", "x", "z"), "z"), fails: domain.Invalid},
		"update, no match, no id, creates always":    {options: Options{NoUpdateCreate: true}, command: on(event.Update, patient("", "x", "z"), "z"), want: Created, id: "new1", version: 1},
		"update, no match, an id, no update creates": {options: Options{NoUpdateCreate: true}, command: on(event.Update, patient("n", "x", "z"), "z"), fails: domain.MethodNotAllowed},
		"update, one match, no id":                   {command: on(event.Update, patient("", "x", "a"), "a"), want: Updated, id: "a", version: 2},
		"update, one match, its id":                  {command: on(event.Update, patient("a", "x", "a"), "a"), want: Updated, id: "a", version: 2},
		"update, one match, another id":              {command: on(event.Update, patient("b", "x", "a"), "a"), fails: domain.Invalid},
		"update, one match, the same content":        {command: on(event.Update, patient("", "A", "a", "both"), "a"), want: Unchanged, id: "a", version: 1},
		"update, several matches":                    {command: on(event.Update, patient("a", "x", "a"), "both"), fails: domain.PreconditionFailed},
		"update, no condition":                       {command: Command{Interaction: event.Update, Type: "Patient", Resource: parse(t, patient("", "x")), Criteria: &search.Query{}}, fails: domain.Invalid},
		"update, empty condition":                    {command: on(event.Update, patient("", "x"), "identifier", ""), fails: domain.PreconditionFailed},
		"update, If-Match of the match":              {command: ifMatch("1", on(event.Update, patient("", "x", "a"), "a")), want: Updated, id: "a", version: 2},
		"update, If-Match of another version":        {command: ifMatch("2", on(event.Update, patient("", "x", "a"), "a")), fails: domain.VersionMismatch},
		"update, If-Match and no match":              {command: ifMatch("1", on(event.Update, patient("", "x", "z"), "z")), fails: domain.NotFound},
		"update, If-None-Match":                      {command: mustNotExist, fails: domain.PreconditionFailed},
		"update, the match counts as named":          {options: Options{Versioning: VersionedUpdate}, command: on(event.Update, patient("", "x", "a"), "a"), want: Updated, id: "a", version: 2},
		"update, the id of another is not named":     {options: Options{Versioning: VersionedUpdate}, command: on(event.Update, patient("a", "x", "z"), "z"), fails: domain.Invalid},
		"delete, no match":                           {command: on(event.Delete, "", "z"), want: Nothing},
		"delete, one match":                          {command: on(event.Delete, "", "a"), want: Deleted, id: "a", version: 2, items: 1},
		"delete, several matches":                    {command: on(event.Delete, "", "both"), fails: domain.PreconditionFailed},
		"delete, a deleted one":                      {command: on(event.Delete, "", "c"), want: Nothing},
		"delete one, several matches":                {command: limit(1, on(event.Delete, "", "both")), fails: domain.PreconditionFailed},
		"delete two, two matches":                    {command: limit(2, on(event.Delete, "", "both")), want: Deleted, items: 2},
		"delete two, one match":                      {command: limit(2, on(event.Delete, "", "a")), want: Deleted, id: "a", version: 2, items: 1},
		"delete two, no match":                       {command: limit(2, on(event.Delete, "", "z")), want: Nothing},
		"delete 101":                                 {command: limit(101, on(event.Delete, "", "both")), fails: domain.Invalid},
		"delete fewer than none":                     {command: limit(-1, on(event.Delete, "", "both")), fails: domain.Invalid},
		"delete, no condition":                       {command: Command{Interaction: event.Delete, Type: "Patient", Criteria: &search.Query{}}, fails: domain.PreconditionFailed},
		"delete, only a count":                       {command: on(event.Delete, "", "_count", "3"), fails: domain.PreconditionFailed},
		"delete, empty condition":                    {command: on(event.Delete, "", "identifier", ""), fails: domain.PreconditionFailed},
		"delete, If-Match of the match":              {command: ifMatch("1", on(event.Delete, "", "a")), want: Deleted, id: "a", version: 2, items: 1},
		"delete, If-Match of another version":        {command: ifMatch("2", on(event.Delete, "", "a")), fails: domain.VersionMismatch},
		"delete, If-Match and no match":              {command: ifMatch("1", on(event.Delete, "", "z")), fails: domain.NotFound},
		"delete several, If-Match":                   {command: limit(2, ifMatch("1", on(event.Delete, "", "a"))), fails: domain.Invalid},
		"hard delete, no match":                      {command: on(event.HardDelete, "", "z"), want: Nothing},
		"hard delete, one match":                     {command: on(event.HardDelete, "", "a"), want: Deleted, items: 1},
		"hard delete, several matches":               {command: on(event.HardDelete, "", "both"), fails: domain.PreconditionFailed},
		"hard delete two":                            {command: limit(2, on(event.HardDelete, "", "both")), want: Deleted, items: 2},
		"purge by criteria is a fault of the caller": {command: on(event.PurgeHistory, "", "a"), fails: domain.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			mustCommit(t, newService(t, m, Options{}), update(t, "Patient", "a", patient("a", "A", "a", "both")),
				update(t, "Patient", "b", patient("b", "B", "b", "both")), update(t, "Patient", "c", patient("c", "C", "c")))
			mustCommit(t, newService(t, m, Options{}), Command{Interaction: event.Delete, Type: "Patient", ID: "c"})
			before := m.Next()
			outcomes, err := newService(t, m, c.options).Commit(t.Context(), Caller{}, []Command{c.command})
			written := int(m.Next() - before)
			if c.want == 0 {
				if err == nil || domain.KindOf(err) != c.fails || written != 0 {
					t.Fatalf("Commit = %+v, %v, with %d events; want kind %d and none", outcomes, err, written, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatalf("Commit: %v", err)
			}
			o := outcomes[0]
			if o.Change != c.want || o.Version.ID != c.id || o.Version.Version != c.version || o.Items != c.items {
				t.Errorf("change %d of %q version %d, %d items; want %d of %q version %d, %d items",
					o.Change, o.Version.ID, o.Version.Version, o.Items, c.want, c.id, c.version, c.items)
			}
			wantWritten := max(1, c.items)
			if slices.Contains([]Change{Existing, Unchanged, Nothing}, c.want) {
				wantWritten = 0
			}
			if written != wantWritten {
				t.Errorf("%d events, want %d", written, wantWritten)
			}
			if o.Version.Version == 0 {
				return
			}
			if string(o.Version.Body) != m.body(o.Version.Position) {
				t.Errorf("the outcome does not show what is stored at %d: %s", o.Version.Position, o.Version.Body)
			}
			if got := parse(t, cmp.Or(m.body(o.Version.Position), "{}")); c.want != Deleted && got.Get("id").String() != string(c.id) {
				t.Errorf("stored with id %q, want %q", got.Get("id").String(), c.id)
			}
		})
	}
}
