package definitions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions/tables"
	"fhirlog/domain/publicdata"
)

// TestSharedTables compares the tables with those that another program
// distilled from the same packages.
func TestSharedTables(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v.String(), func(t *testing.T) {
			dir := strings.ToLower(v.String())
			compareTypes(t, load(t, v), dir)
			compareCodes(t, load(t, v), dir)
			compareSearch(t, load(t, v), dir)
		})
	}
}

func readShared(t *testing.T, into any, path ...string) {
	t.Helper()
	if err := json.Unmarshal(publicdata.Read(t, append([]string{"definitions"}, path...)...), into); err != nil {
		t.Fatal(err)
	}
}

func compareTypes(t *testing.T, d *Definitions, dir string) {
	var shared struct {
		Types []struct {
			Name, Kind, Base, Regex string
			Abstract, Constraint    bool
			Elements                []struct {
				Path, Max, ContentRef     string
				Min                       int
				Choice, Summary, Modifier bool
				Types                     []struct {
					Code            string
					Target, Profile []string
				}
				Binding *struct{ Strength, ValueSet, MaxValueSet string }
			}
		}
	}
	readShared(t, &shared, dir, "types.json")
	elements := 0
	for _, s := range shared.Types {
		typ := d.Type(s.Name)
		if typ == nil || typ.Base != s.Base || typ.Abstract != s.Abstract || typ.Profile != s.Constraint || typ.Regex != s.Regex {
			t.Errorf("type %s: %+v, want %+v", s.Name, typ, s)
			continue
		}
		for _, e := range s.Elements {
			elements++
			dot := strings.LastIndexByte(e.Path, '.')
			owner := d.Type(e.Path[:dot])
			name := strings.TrimSuffix(e.Path[dot+1:], "[x]")
			at := -1
			if owner != nil {
				at = slices.IndexFunc(owner.Elements, func(o Element) bool { return o.Name == name })
			}
			if at < 0 {
				t.Errorf("%s is missing", e.Path)
				continue
			}
			got, want := &owner.Elements[at], &e
			max := fmt.Sprint(got.Max)
			if got.Max == Unbounded {
				max = "*"
			}
			var gotTypes, wantTypes []string
			for _, ref := range got.Types {
				gotTypes = append(gotTypes, fmt.Sprint(ref.Type.Name, ref.Targets, ref.Profiles))
			}
			for _, ref := range want.Types {
				wantTypes = append(wantTypes, fmt.Sprint(ref.Code, ref.Target, ref.Profile))
			}
			binding, wantBinding := "", ""
			if got.Binding != nil {
				binding = fmt.Sprint([]string{"", "example", "preferred", "extensible", "required"}[got.Binding.Strength], got.Binding.ValueSet)
			}
			if want.Binding != nil && want.Binding.ValueSet != "" {
				wantBinding = want.Binding.Strength + want.Binding.ValueSet
			}
			if got.Min != want.Min || max != want.Max || got.Choice != want.Choice || got.Summary != want.Summary || got.Modifier != want.Modifier ||
				got.ContentReference != want.ContentRef || !slices.Equal(gotTypes, wantTypes) || binding != wantBinding {
				t.Errorf("%s: %+v %v %s\nwant %+v %v %s", e.Path, got, gotTypes, binding, want, wantTypes, wantBinding)
			}
		}
	}
	mine := 0
	for _, typ := range d.types {
		if !typ.Profile {
			mine += len(typ.Elements)
		}
	}
	if mine != elements {
		t.Errorf("%d elements, want %d", mine, elements)
	}
}

func compareCodes(t *testing.T, d *Definitions, dir string) {
	var shared struct {
		ValueSets []struct {
			URL    string
			Open   bool
			Groups []tables.CodeGroup
		}
	}
	readShared(t, &shared, dir, "valuesets-required.json")
	sets, err := d.file.ValueSets()
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) != len(shared.ValueSets) {
		t.Errorf("%d value sets, want %d", len(sets), len(shared.ValueSets))
	}
	for i, want := range shared.ValueSets {
		got := sets[i]
		if got.URL != want.URL {
			t.Fatalf("value set %s, want %s", got.URL, want.URL)
		}
		if open := want.Open || len(want.Groups) == 0; got.Open != open {
			t.Logf("%s: open %v, there %v", got.URL, got.Open, open)
			continue
		}
		if !got.Open && fmt.Sprint(got.Groups) != fmt.Sprint(want.Groups) {
			t.Errorf("%s: %.300v\nwant %.300v", got.URL, got.Groups, want.Groups)
		}
	}
}

func compareSearch(t *testing.T, d *Definitions, dir string) {
	var shared struct {
		SearchParameters []struct {
			URL, Code, Type, Expression string
			Base, Target                []string
		}
	}
	readShared(t, &shared, dir, "search-parameters.json")
	for _, want := range shared.SearchParameters {
		got, err := d.SearchParameter(want.URL)
		if err != nil || got == nil || got.Code != want.Code || got.Type != want.Type || got.Expression != want.Expression ||
			!slices.Equal(got.Base, want.Base) || !slices.Equal(got.Targets, want.Target) {
			t.Errorf("%s: %+v, %v, want %+v", want.URL, got, err, want)
		}
	}
	search, err := d.search()
	if err != nil || len(search.byURL) != len(shared.SearchParameters) {
		t.Errorf("%d search parameters, want %d (%v)", len(search.byURL), len(shared.SearchParameters), err)
	}
}
