package definitions

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

func load(t testing.TB, v Version) *Definitions {
	t.Helper()
	d, err := Load(v)
	if err != nil {
		t.Fatalf("Load(%s): %v", v, err)
	}
	return d
}

func TestLoad(t *testing.T) {
	want := []struct {
		version     Version
		fhirVersion string
		resources   int // as the specification's resource list counts them
	}{
		{R4, "4.0.1", 146}, {STU3, "3.0.2", 117}, {R4B, "4.3.0", 141}, {R5, "5.0.0", 158},
	}
	if len(want) != len(Versions()) {
		t.Fatalf("%d versions are tested, Versions() has %d", len(want), len(Versions()))
	}
	for _, w := range want {
		t.Run(w.version.String(), func(t *testing.T) {
			d := load(t, w.version)
			if got := d.FHIRVersion(); got != w.fhirVersion {
				t.Errorf("FHIRVersion() = %q, want %q", got, w.fhirVersion)
			}
			if got := len(d.Resources()); got != w.resources {
				t.Errorf("%d resources, want %d", got, w.resources)
			}
			if again := load(t, w.version); again != d {
				t.Error("a second Load gives another value")
			}
			for name, is := range map[string]bool{"Patient": true, "patient": false, "Resource": false, "DomainResource": false, "HumanName": false, "Patient.contact": false, "": false} {
				if got := d.IsResource(name); got != is {
					t.Errorf("IsResource(%q) = %v, want %v", name, got, is)
				}
			}
		})
	}
	if _, err := Load("R6"); err == nil {
		t.Error("Load(R6) succeeds")
	}
}

func TestParseVersion(t *testing.T) {
	for _, v := range Versions() {
		if got, err := ParseVersion(v.String()); got != v || err != nil {
			t.Errorf("ParseVersion(%q) = %q, %v", v.String(), got, err)
		}
	}
	for _, s := range []string{"", "r4", "4.0.1", "R6"} {
		if got, err := ParseVersion(s); err == nil {
			t.Errorf("ParseVersion(%q) = %q, want an error", s, got)
		}
	}
}

func TestMember(t *testing.T) {
	tests := []struct {
		version            Version
		owner, json        string
		element, typ       string // element "" if there is none
		min, max           int
		choice, isModifier bool
	}{
		{R4, "Patient", "name", "name", "HumanName", 0, Unbounded, false, false},
		{R4, "Patient", "active", "active", "boolean", 0, 1, false, true},
		{R4, "Patient", "contact", "contact", "Patient.contact", 0, Unbounded, false, false},
		{R4, "Patient", "deceasedBoolean", "deceased", "boolean", 0, 1, true, true},
		{R4, "Patient", "deceasedDateTime", "deceased", "dateTime", 0, 1, true, true},
		{R4, "Patient", "deceased", "", "", 0, 0, false, false},
		{R4, "Patient", "deceasedString", "", "", 0, 0, false, false},
		{R4, "Patient", "resourceType", "", "", 0, 0, false, false},
		{R4, "Patient", "_name", "", "", 0, 0, false, false},
		{R4, "Patient", "Name", "", "", 0, 0, false, false},
		{R4, "Patient", "", "", "", 0, 0, false, false},
		{R4, "Patient", "id", "id", "id", 0, 1, false, false},
		{R4, "Patient", "contained", "contained", "Resource", 0, Unbounded, false, false},
		{R4, "Patient.contact", "id", "id", "string", 0, 1, false, false},
		{R4, "Observation", "valueQuantity", "value", "Quantity", 0, 1, true, false},
		{R4, "Observation", "component", "component", "Observation.component", 0, Unbounded, false, false},
		{R4, "Observation.component", "referenceRange", "referenceRange", "Observation.referenceRange", 0, Unbounded, false, false},
		{R4, "Questionnaire.item", "item", "item", "Questionnaire.item", 0, Unbounded, false, false},
		{R4, "Extension", "valueBase64Binary", "value", "base64Binary", 0, 1, true, false},
		{R4, "Extension", "url", "url", "uri", 1, 1, false, false},
		{R4, "SimpleQuantity", "value", "value", "decimal", 0, 1, false, false},
		{R4, "Narrative", "div", "div", "xhtml", 1, 1, false, false},
		{R4, "Bundle.entry", "resource", "resource", "Resource", 0, 1, false, false},
		{STU3, "SimpleQuantity", "unit", "unit", "string", 0, 1, false, false},
		{STU3, "Extension", "valueCanonical", "", "", 0, 0, false, false},
		{STU3, "Patient", "animal", "animal", "Patient.animal", 0, 1, false, true},
		{STU3, "Observation", "id", "id", "id", 0, 1, false, false},
		{R4B, "Ingredient.manufacturer", "manufacturer", "manufacturer", "Reference", 1, 1, false, false},
		{R5, "Extension", "valueInteger64", "value", "integer64", 0, 1, true, false},
		{R5, "Observation", "triggeredBy", "triggeredBy", "Observation.triggeredBy", 0, Unbounded, false, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s/%s.%s", test.version, test.owner, test.json), func(t *testing.T) {
			owner := load(t, test.version).Type(test.owner)
			if owner == nil {
				t.Fatalf("Type(%q) = nil", test.owner)
			}
			m, ok := owner.Member([]byte(test.json))
			if ok != (test.element != "") {
				t.Fatalf("found = %v", ok)
			}
			if !ok {
				return
			}
			e := m.Element
			if e.Name != test.element || m.Type.Name != test.typ || e.Min != test.min || e.Max != test.max || e.Choice != test.choice || e.Modifier != test.isModifier {
				t.Errorf("got %s: %s %d..%d choice %v modifier %v, want %+v", e.Name, m.Type.Name, e.Min, e.Max, e.Choice, e.Modifier, test)
			}
		})
	}
}

// TestTypes checks on every type of every version what the code that walks
// them relies on.
func TestTypes(t *testing.T) {
	for _, v := range Versions() {
		d := load(t, v)
		elements, members := 0, 0
		for name, typ := range d.types {
			if typ.Name != name {
				t.Errorf("%s: type %q is filed as %q", v, typ.Name, name)
			}
			if isPrimitive := typ.Kind == Primitive; isPrimitive != (typ.Format != NoFormat) || isPrimitive != (typ.JSON != NotPrimitive) {
				t.Errorf("%s: %s: kind %d, format %d, JSON form %d", v, name, typ.Kind, typ.Format, typ.JSON)
			}
			for i := range typ.Elements {
				e := &typ.Elements[i]
				elements++
				if e.Index != i || e.Max == 0 || e.Max != Unbounded && e.Min > e.Max || (e.Type == nil) != e.Choice {
					t.Errorf("%s: %s.%s is inconsistent: %+v", v, name, e.Name, e)
				}
				if e.Type != nil {
					if m, ok := typ.Member([]byte(e.Name)); !ok || m.Element != e || m.Type != e.Type {
						t.Errorf("%s: %s: Member(%q) does not give its element", v, name, e.Name)
					}
				}
			}
			for _, m := range typ.members.members {
				members++
				if got, ok := typ.Member([]byte(m.name)); !ok || got != m.Member {
					t.Errorf("%s: %s: Member(%q) = %v, %v", v, name, m.name, got, ok)
				}
				if _, ok := typ.Member([]byte(m.name + "x")); ok {
					t.Errorf("%s: %s: Member(%q) finds something", v, name, m.name+"x")
				}
			}
		}
		t.Logf("%s: %d types, %d elements, %d members", v, len(d.types), elements, members)
	}
}

func TestCodes(t *testing.T) {
	gender, _ := load(t, R4).Type("Patient").Member([]byte("gender"))
	codes := gender.Element.Binding.Codes
	if codes == nil || codes.Len() != 4 {
		t.Fatalf("Patient.gender has codes %v", codes)
	}
	for code, want := range map[string]bool{"male": true, "unknown": true, "": false, "Male": false, "males": false} {
		if got := codes.HasCode([]byte(code)); got != want {
			t.Errorf("HasCode(%q) = %v", code, got)
		}
	}
	system := "http://hl7.org/fhir/administrative-gender"
	if !codes.Has([]byte(system), []byte("female")) || codes.Has([]byte("urn:other"), []byte("female")) {
		t.Error("Has does not look at the system")
	}
	seen := 0
	codes.All(func(s, _ string) bool { seen++; return s == system && seen < 3 })
	if seen != 3 {
		t.Errorf("All stopped after %d codes, want 3", seen)
	}
	contentType, _ := load(t, R4).Type("Attachment").Member([]byte("contentType"))
	if b := contentType.Element.Binding; b.Strength != Required || b.Codes != nil {
		t.Errorf("media types cannot be listed; got %+v", b)
	}
}

// dangling counts the components of composite parameters whose definition the
// packages themselves do not have, such as STU3's Observation-code.
var dangling = map[Version]int{R4: 0, STU3: 4, R4B: 0, R5: 18}

func danglingComponents(t *testing.T, d *Definitions) int {
	n := 0
	search, err := d.search()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range search.byURL {
		for _, part := range p.Components {
			if search.byURL[part.Definition] == nil {
				n++
			}
		}
	}
	return n
}

func TestConformance(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v.String(), func(t *testing.T) {
			d := load(t, v)
			of := map[string]*SearchParameter{}
			list, err := d.SearchParameters("Observation")
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range list {
				of[p.Code] = p
				if i > 0 && list[i-1].Code > p.Code {
					t.Errorf("%s stands after %s", p.Code, list[i-1].Code)
				}
			}
			for _, code := range []string{"_id", "_lastUpdated", "code", "subject", "code-value-quantity"} {
				if of[code] == nil {
					t.Errorf("Observation has no search parameter %s", code)
				}
			}
			composite := of["code-value-quantity"]
			if composite == nil || len(composite.Components) != 2 {
				t.Fatalf("code-value-quantity = %+v", composite)
			}
			if got := danglingComponents(t, d); got != dangling[v] {
				t.Errorf("%d components name a search parameter that is not there, want %d", got, dangling[v])
			}
			compartments, err := d.Compartments()
			if err != nil || len(compartments) < 5 || compartments[len(compartments)-1].Code != "RelatedPerson" {
				t.Errorf("compartments %v, %v", compartments, err)
			}
			operations, err := d.Operations()
			found := false
			for _, o := range operations {
				found = found || o.Code == "everything" && o.Instance && len(o.Parameters) > 0
			}
			if !found || err != nil {
				t.Errorf("no operation everything (%v)", err)
			}
			rules, err := d.Invariants("Patient.contact")
			if err != nil || len(rules) != 1 || rules[0].Key != "pat-1" || rules[0].Expression == "" {
				t.Errorf("Invariants(Patient.contact) = %+v, %v", rules, err)
			}
		})
	}
}

// TestValueSet has value sets of required bindings, of extensible ones, and such as
// nobody can list.
func TestValueSet(t *testing.T) {
	for _, v := range Versions() {
		d := load(t, v)
		if _, err := d.extensible(); err != nil {
			t.Fatal(err)
		}
		for url, known := range map[string]bool{
			"http://hl7.org/fhir/ValueSet/administrative-gender":       true,
			"http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1": true,
			"http://hl7.org/fhir/ValueSet/identifier-type":             true,
			"http://hl7.org/fhir/ValueSet/condition-code":              false,
			"http://hl7.org/fhir/ValueSet/mimetypes":                   false,
			"":                                                         false,
		} {
			if codes := d.ValueSet(url); (codes != nil) != known || known && codes.Len() < 2 {
				t.Errorf("%s: ValueSet(%q) = %v, want one: %v", v, url, codes, known)
			}
		}
	}
}

func TestTypeNumbers(t *testing.T) {
	d := load(t, R4)
	seen := map[int]string{}
	for typ := range d.Types() {
		if other, taken := seen[typ.Number]; taken || typ.Number < 0 {
			t.Errorf("%s and %s have the number %d", typ.Name, other, typ.Number)
		}
		seen[typ.Number] = typ.Name
	}
	for i := range len(seen) {
		if seen[i] == "" {
			t.Errorf("no type has the number %d of %d", i, len(seen))
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	d, err := read(R4, tablesR4)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if p, err := d.SearchParameters("Patient"); len(p) == 0 || err != nil {
				t.Errorf("SearchParameters(Patient): %d, %v", len(p), err)
			}
			if i, err := d.Invariants("Bundle"); len(i) == 0 || err != nil {
				t.Errorf("Invariants(Bundle): %d, %v", len(i), err)
			}
			if _, ok := d.Type("Patient").Member([]byte("birthDate")); !ok {
				t.Error("Patient has no birthDate")
			}
		})
	}
	group.Wait()
}

// BenchmarkLoad reads the tables of R4 (types and codes) from the embedded
// bytes; heap-kB is what stays.
func BenchmarkLoad(b *testing.B) {
	for _, v := range Versions() {
		b.Run(v.String(), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			d, err := read(v, v.embedded())
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(d)
			for b.Loop() {
				if _, err := read(v, v.embedded()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1000, "heap-kB")
		})
	}
}

// BenchmarkMember looks up all member names of R4's Observation in turn.
func BenchmarkMember(b *testing.B) {
	observation := load(b, R4).Type("Observation")
	var names [][]byte
	for _, m := range observation.members.members {
		names = append(names, []byte(m.name))
	}
	for b.Loop() {
		for _, name := range names {
			if _, ok := observation.Member(name); !ok {
				b.Fatal(string(name))
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/member")
}
