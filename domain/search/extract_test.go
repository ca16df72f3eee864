package search

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// loadSet gives the Set of a version; tests share those without custom
// parameters.
func loadSet(t testing.TB, v definitions.Version, custom ...Custom) *Set {
	t.Helper()
	if len(custom) > 0 {
		return buildSet(t, v, custom...)
	}
	loadedSets.Lock()
	defer loadedSets.Unlock()
	if loadedSets.of[v] == nil {
		loadedSets.of[v] = buildSet(t, v)
	}
	return loadedSets.of[v]
}

var loadedSets = struct {
	sync.Mutex
	of map[definitions.Version]*Set
}{of: map[definitions.Version]*Set{}}

func buildSet(t testing.TB, v definitions.Version, custom ...Custom) *Set {
	t.Helper()
	d, err := definitions.Load(v)
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(d, custom)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func parseResource(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return document.Root()
}

func extractAll(set *Set, resource fhirjson.Value) []Entry {
	var v Values
	set.Extract(&v, resource)
	var all []Entry
	v.Each(func(e Entry) { all = append(all, e) })
	return all
}

var aspectNames = map[Aspect]string{
	AspectValue: "value", AspectPresent: "present", AspectSystem: "system", AspectIdentifier: "identifier",
	AspectText: "text", AspectOfType: "of-type", AspectForward: "forward",
}

// describe writes an entry such that a person can read it: aspect, components
// in brackets, marks as digits; columns with their low and high as dates or
// numbers.
func describe(p ParameterType, e Entry) string {
	text := aspectNames[AspectOf(e.Key)] + describeValue(ValueOf(e.Key))
	switch e.Kind {
	case Column:
		return fmt.Sprintf("%s %s..%s", text, describeEnd(p, e.Low), describeEnd(p, e.High))
	case Forward:
		return text + " " + describeValue(e.Target)
	}
	return text
}

func describeValue(value []byte) string {
	text := ""
	for {
		component, rest, ok := CutComponent(value)
		if !ok {
			return text
		}
		value = rest
		mark := ""
		if len(component) > 0 && component[0] >= NoSystem && component[0] <= ImpliedSystem {
			mark = fmt.Sprint(component[0]) + " "
			component = component[1:]
		}
		text += "[" + strings.TrimSpace(mark+string(component)) + "]"
	}
}

func describeEnd(p ParameterType, end int64) string {
	switch {
	case end == Earliest || end == Latest:
		return "open"
	case p == Date:
		return instantText(end)
	}
	return fmt.Sprint(KeyNumber(end))
}

// valuesOf describes the entries of one parameter; of a composite the type is
// that of its last component.
func valuesOf(set *Set, resource fhirjson.Value, code string) []string {
	typ := domain.ResourceType(resource.Get("resourceType").String())
	p := set.Find(typ, code)
	if p == nil {
		return []string{"no such parameter"}
	}
	of := p.Type
	if of == Composite {
		of = p.Components[len(p.Components)-1].Type
	}
	var found []string
	for _, e := range extractAll(set, resource) {
		if SlotOf(e.Key) == p.Slot {
			found = append(found, describe(of, e))
		}
	}
	return found
}

// checkValues compares the entries of a parameter, in any order.
func checkValues(t *testing.T, set *Set, resource, code string, want ...string) {
	t.Helper()
	got := valuesOf(set, parseResource(t, resource), code)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s of %s\n got %q\nwant %q", code, resource, got, want)
	}
}

type extractTest struct {
	name, resource, code string
	want                 []string
}

func runExtract(t *testing.T, v definitions.Version, tests []extractTest) {
	t.Helper()
	set := loadSet(t, v)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkValues(t, set, test.resource, test.code, test.want...) })
	}
}
