package validate

import (
	"slices"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// eachInvariant visits all invariants of a version with the path of their element.
func eachInvariant(t testing.TB, d *definitions.Definitions, visit func(path string, i definitions.Invariant)) {
	t.Helper()
	for typ := range d.Types() {
		paths := []string{typ.Name}
		for i := range typ.Elements {
			for _, suffix := range []string{"", "[x]"} {
				if path := typ.Name + "." + typ.Elements[i].Name + suffix; d.Type(path) == nil {
					paths = append(paths, path)
				}
			}
		}
		for _, path := range paths {
			all, err := d.Invariants(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range all {
				visit(path, i)
			}
		}
	}
}

// TestInvariants makes sure that each published invariant is checked: by the walk
// itself, or compiled and in the rules of its type; or that the reason why not is
// named. No exception may name what is not there.
func TestInvariants(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			va := newValidator(t, v)
			d := va.definitions
			used := map[string]bool{}
			for typ := range d.Types() {
				rules := va.book.of(typ)
				for _, list := range append(slices.Clone(rules.elements), rules.rules) {
					for i := range list {
						used[list[i].key] = true
					}
				}
			}
			published, byTheWalk, evaluated, not := map[string]bool{}, 0, 0, 0
			eachInvariant(t, d, func(path string, i definitions.Invariant) {
				published[i.Key] = true
				switch {
				case byHand[i.Key] != "":
					byTheWalk++
				case unusable(v, i.Key) != "", quantityProfiles[i.Key] == "MoneyQuantity": // no element has that profile
					not++
				case used[i.Key]:
					evaluated++
				default:
					_, err := fhirpath.Compile(d, mended(v, i.Key, i.Expression), fhirpath.Options{})
					t.Errorf("%s of %s is not checked: %q: %v", i.Key, path, i.Expression, err)
				}
			})
			t.Logf("%d invariants are evaluated, %d checked by the walk, %d not checked", evaluated, byTheWalk, not)
			for key := range unusableInvariants[v] {
				if !published[key] {
					t.Errorf("unusableInvariants names %s, which is none", key)
				}
			}
			for key := range mendedInvariants[v] {
				if !published[key] {
					t.Errorf("mendedInvariants names %s, which is none", key)
				}
			}
			for key := range byHand {
				if !published[key] && v == definitions.R4 {
					t.Errorf("byHand names %s, which is none", key)
				}
			}
		})
	}
}

// TestOpenBindings counts the required bindings that are not checked because
// nobody can list the codes: media types, languages, units, codes of LOINC.
func TestOpenBindings(t *testing.T) {
	want := map[definitions.Version]int{definitions.R4: 16, definitions.STU3: 11, definitions.R4B: 14, definitions.R5: 191}
	for _, v := range definitions.Versions() {
		d, err := definitions.Load(v)
		if err != nil {
			t.Fatal(err)
		}
		open, listed := 0, 0
		for typ := range d.Types() {
			for i := range typ.Elements {
				switch b := typ.Elements[i].Binding; {
				case typ.Profile || b == nil || b.Strength != definitions.Required:
				case b.Codes == nil:
					open++
				default:
					listed++
				}
			}
		}
		if open != want[v] {
			t.Errorf("%s: %d required bindings are open and %d listed, want %d open", v, open, listed, want[v])
		}
	}
}
