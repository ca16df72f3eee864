package search

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// exampleResources are HL7's examples of R4 in testdata.
func exampleResources(t testing.TB) map[string]fhirjson.Value {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "examples", "r4", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	all := map[string]fhirjson.Value{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = parseResource(t, string(text))
	}
	return all
}

// found is a value that was found, by its type and text: a union of FHIRPath
// has equal values once.
type found struct{ typ, text string }

// recorder notes the values that a path leads to.
type recorder struct {
	typ   string
	found []found
}

func (r *recorder) visit(_ *extractor, v fhirjson.Value) bool {
	r.found = append(r.found, found{r.typ, string(v.Raw())})
	return true
}

func compareFound(a, b found) int {
	return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.typ, b.typ))
}

// byPath follows the paths of a program.
func byPath(set *Set, p *Parameter, resource fhirjson.Value) []found {
	var v Values
	x := newExtractor(set, &v, resource)
	defer x.release()
	var r recorder
	for _, to := range append(slices.Clone(p.program.paths), p.program.elements...) {
		r.typ = to.typ.Name
		follow(x, to.steps, resource, &r)
	}
	slices.SortFunc(r.found, compareFound)
	return slices.Compact(r.found)
}

// byEngine evaluates the expression as FHIRPath, and keeps the types that
// the parameter can take.
func byEngine(t *testing.T, set *Set, p *Parameter, resource fhirjson.Value) []found {
	t.Helper()
	expression, err := fhirpath.Compile(set.definitions, p.Definition.Expression, fhirpath.Options{})
	if err != nil {
		t.Fatalf("%s: %v", p.URL, err)
	}
	items, err := expression.Eval(fhirpath.Context{Root: fhirpath.NewResource(set.definitions, resource)})
	if err != nil {
		t.Fatalf("%s: %v", p.URL, err)
	}
	c := &pathCompiler{definitions: set.definitions}
	var all []found
	for _, item := range items {
		typ := item.FHIRType()
		if typ != nil && isValue(item.Place()) && !isSibling(item) && (p.Type == Composite || c.adder(p.Type, typ) != nil) {
			all = append(all, found{typ.Name, string(item.Place().Raw())})
		}
	}
	slices.SortFunc(all, compareFound)
	return slices.Compact(all)
}

// isSibling tells whether an item is a primitive that has no value.
func isSibling(item fhirpath.Item) bool {
	return item.Sibling().Exists() && item.Place() == item.Sibling()
}

// TestPathsEqualFHIRPath compares what the paths of all parameters find in the
// examples with what the FHIRPath engine says.
func TestPathsEqualFHIRPath(t *testing.T) {
	set := loadSet(t, definitions.R4)
	compared, values := 0, 0
	for name, resource := range exampleResources(t) {
		for _, p := range set.Of(domain.ResourceType(resource.Get("resourceType").String())) {
			if p.program == nil || p.program.asked != nil || p.program.late != nil || strings.Contains(p.Definition.Expression, "extension(") ||
				p.Code == "composition" || p.Code == "message" {
				continue // what is no path, or stands for something else
			}
			got, want := byPath(set, p, resource), byEngine(t, set, p, resource)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s (%s)\n got %v\nwant %v", name, p.Code, p.Definition.Expression, got, want)
			}
			compared++
			values += len(want)
		}
	}
	if values < 500 {
		t.Errorf("only %d values in %d comparisons", values, compared)
	}
}

// TestTreeEqualsPaths checks that the one walk for all parameters gives what
// each parameter gives alone.
func TestTreeEqualsPaths(t *testing.T) {
	set := loadSet(t, definitions.R4)
	for name, resource := range exampleResources(t) {
		typ := domain.ResourceType(resource.Get("resourceType").String())
		var alone Values
		x := newExtractor(set, &alone, resource)
		c := &pathCompiler{definitions: set.definitions, resource: set.definitions.Type(string(typ))}
		for _, p := range set.Of(typ) {
			if p.program == nil || p.Type == Composite {
				continue
			}
			for _, to := range p.program.paths {
				if !p.follows {
					follow(x, to.steps, resource, c.action(p.Slot, p.Type, to))
				}
			}
		}
		x.release()
		var want []string
		alone.Each(func(e Entry) { want = append(want, fmt.Sprintf("%q %d %d %q", e.Key, e.Low, e.High, e.Target)) })
		var got []string
		for _, e := range extractAll(set, resource) {
			if p := slotOwner(set, typ, e); p != nil && p.Type != Composite && p.program.asked == nil {
				got = append(got, fmt.Sprintf("%q %d %d %q", e.Key, e.Low, e.High, e.Target))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d entries by the walk, %d by paths", name, len(got), len(want))
		}
	}
}

func slotOwner(set *Set, typ domain.ResourceType, e Entry) *Parameter {
	for _, p := range set.Of(typ) {
		if p.Slot == SlotOf(e.Key) && p.program != nil {
			return p
		}
	}
	return nil
}
