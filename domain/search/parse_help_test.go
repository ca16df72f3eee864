package search

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// testBase is the URL of the service in the tests, and testNow the instant of
// their searches.
const testBase = "http://here/fhir/"

var testNow = time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)

// r4 is the R4 parameters, made once for all tests that only read them.
var r4 = sync.OnceValues(func() (*Set, error) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		return nil, err
	}
	return NewSet(d, nil)
})

func r4Set(t testing.TB) *Set {
	t.Helper()
	set, err := r4()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// askFor reads a search as it stands after the base of a URL: [Type], or
// Compartment/id/Type-or-*, and the query.
func askFor(t testing.TB, text string) Ask {
	t.Helper()
	path, query, _ := strings.Cut(text, "?")
	ask := Ask{Bases: []string{testBase}, Now: testNow}
	if parts := strings.Split(path, "/"); len(parts) == 3 {
		ask.Compartment, ask.CompartmentID = domain.ResourceType(parts[0]), domain.LogicalID(parts[1])
		path = strings.TrimPrefix(parts[2], "*")
	}
	if path != "" {
		ask.Types = []domain.ResourceType{domain.ResourceType(path)}
	}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err1 := url.PathUnescape(name)
		value, err2 := url.PathUnescape(value)
		if err1 != nil || err2 != nil {
			t.Fatalf("the test has a bad query: %s", text)
		}
		if part != "" {
			ask.Pairs = append(ask.Pairs, Pair{name, value})
		}
	}
	return ask
}

func parseAsk(t testing.TB, ask Ask) (*Query, error) {
	t.Helper()
	set := r4Set(t)
	return Parse(set.definitions, set, ask)
}

// mustParse parses a search that has no fault.
func mustParse(t testing.TB, text string) *Query {
	t.Helper()
	q, err := parseAsk(t, askFor(t, text))
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return q
}

// holdsFor evaluates an expression for one version by its values alone, as the
// index would. What follows references to other resources is not for it.
func holdsFor(t testing.TB, e Expr, id domain.LogicalID, values *Values, resource fhirjson.Value) bool {
	t.Helper()
	some := func(list []Expr, want bool) bool {
		return slices.ContainsFunc(list, func(part Expr) bool { return holdsFor(t, part, id, values, resource) == want })
	}
	switch e := e.(type) {
	case nil:
		return true
	case And:
		return !some(e, false)
	case Or:
		return some(e, true)
	case Not:
		return !holdsFor(t, e.Of, id, values, resource)
	case Checked:
		return holdsFor(t, e.Of, id, values, resource) && e.Accept(resource)
	case IDs:
		return slices.Contains(e, id)
	case Match:
		return anyEntry(values, Posting, e.Key, e.Whole, func(entry Entry) bool {
			return e.Keep == nil || e.Keep(ValueOf(entry.Key))
		})
	case Between:
		return anyEntry(values, Column, e.Key, e.Whole, func(entry Entry) bool {
			test := e.Test
			if e.Select != nil {
				test = e.Select(ValueOf(entry.Key))
			}
			return test != nil && test(entry.Low, entry.High)
		})
	}
	t.Fatalf("%T has no place in this test", e)
	return false
}

func anyEntry(values *Values, kind EntryKind, key []byte, whole bool, keep func(Entry) bool) bool {
	found := false
	values.Each(func(e Entry) {
		if e.Kind == kind && bytes.HasPrefix(e.Key, key) && (!whole || len(e.Key) == len(key)) && keep(e) {
			found = true
		}
	})
	return found
}

// finds tells whether a search of a type finds a resource.
func finds(t testing.TB, text string, resource fhirjson.Value) bool {
	t.Helper()
	q := mustParse(t, text)
	var values Values
	r4Set(t).Extract(&values, resource)
	if len(q.Scopes) != 1 {
		t.Fatalf("%s has %d scopes", text, len(q.Scopes))
	}
	id := domain.LogicalID(resource.Get("id").Text())
	return holdsFor(t, q.Scopes[0].Where, id, &values, resource)
}

// runMatches takes searches, one a line, with 'y' before those that find the resource, 'n'
// before those that do not.
func runMatches(t *testing.T, resource string, searches string) {
	t.Helper()
	parsed := parseResource(t, resource)
	for line := range strings.Lines(searches) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		want, text, _ := strings.Cut(line, " ")
		if want != "y" && want != "n" {
			t.Fatalf("the test has a bad line: %s", line)
		}
		if got := finds(t, text, parsed); got != (want == "y") {
			t.Errorf("%s finds %s: %v", text, resource[:min(len(resource), 200)], got)
		}
	}
}
