package validate

import (
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// TestRemovals takes each required element of each object of the examples away, and
// gives each choice a second value: the fault must be found, at its path and at the
// place of the object.
func TestRemovals(t *testing.T) {
	for _, v := range definitions.Versions() {
		va := newValidator(t, v)
		removed, doubled := 0, 0
		for _, e := range examples(t) {
			if e.version != v || len(e.text) > 12_000 {
				continue
			}
			document, err := fhirjson.Parse(e.text, fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			object := func(o fhirjson.Value, typ *definitions.Type) {
				removed += removeRequired(t, va, o, typ)
				doubled += doubleChoices(t, va, o, typ)
			}
			root := document.Root()
			object(root, va.definitions.TypeOf(root.Get("resourceType").Text()))
			eachElement(va, root, func(o fhirjson.Value, m definitions.Member, _ bool) {
				typ := m.Type
				if typ.Kind == definitions.Resource {
					typ = va.definitions.TypeOf(o.Get("resourceType").Text())
				}
				if o.Kind() == fhirjson.Object {
					object(o, typ)
				}
			})
		}
		t.Logf("%s: %d required elements removed, %d choices doubled", v, removed, doubled)
		if removed < 20 || doubled < 2 {
			t.Errorf("%s: too little was broken: %d removed, %d doubled", v, removed, doubled)
		}
	}
}

func removeRequired(t *testing.T, va *Validator, o fhirjson.Value, typ *definitions.Type) (count int) {
	for _, index := range typ.Required {
		e := &typ.Elements[index]
		left := 0
		edits := fhirjson.RemoveMembers(nil, o, func(name []byte) bool {
			m, ok := typ.Member([]byte(strings.TrimPrefix(string(name), "_")))
			if ok && m.Element == e {
				return true
			}
			left++
			return false
		})
		if left == 0 {
			continue // an empty object is another fault
		}
		count++
		expect(t, va, o, edits, codeRequired, e.Name)
	}
	return count
}

// anyValue are values of types that choices often have.
var anyValue = map[string]string{"boolean": "true", "string": `"x"`, "dateTime": `"2000"`, "integer": "1", "uri": `"urn:x"`, "date": `"2000"`, "code": `"x"`}

func doubleChoices(t *testing.T, va *Validator, o fhirjson.Value, typ *definitions.Type) (count int) {
	for child := o.First(); child.Exists(); child = child.Next() {
		m, ok := typ.Member(child.Name())
		if !ok || !m.Element.Choice {
			continue
		}
		for name, other := range typ.Members() {
			value := anyValue[other.Type.Name]
			if other.Element != m.Element || value == "" || o.Get(name).Exists() || o.Get("_"+name).Exists() {
				continue
			}
			count++
			at := o.End() - 1
			expect(t, va, o, []fhirjson.Edit{{Start: at, End: at, With: []byte(`,"` + name + `":` + value)}}, codeStructure, m.Element.Name)
			break
		}
	}
	return count
}

// expect makes the edits in an object and looks for the fault of one of its
// elements. What is missing has the place of the object, what is too much its own.
func expect(t *testing.T, va *Validator, o fhirjson.Value, edits []fhirjson.Edit, code, element string) {
	t.Helper()
	source := o.Document().Source()
	var text []byte
	at := 0
	for _, e := range edits {
		text = append(append(text, source[at:e.Start]...), e.With...)
		at = e.End
	}
	text = append(text, source[at:]...)
	changed, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	path := pathOf(va, o) + "." + element
	line, column := o.Document().Position(o.NameStart())
	for _, issue := range va.Resource(changed.Root(), "", nil) {
		if issue.Code == code && issue.Expression[0] == path && (code != codeRequired || issue.Line == line && issue.Column == column) {
			return
		}
	}
	t.Errorf("%s of %s: want %s at %s, line %d, column %d; got %v", element, o.Path(), code, path, line, column, va.Resource(changed.Root(), "", nil))
}
