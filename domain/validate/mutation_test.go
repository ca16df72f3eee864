package validate

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// mutation breaks one value of a valid resource and says what must be found.
type mutation struct {
	name string
	// edit returns what replaces the value, or nil if the mutation does not apply.
	edit func(v fhirjson.Value, m definitions.Member) []byte
	code string
	// at is the path of the finding, given that of the value.
	at func(path string) string
	// below tells that the finding stands at a member of the value rather than there.
	below bool
}

func same(path string) string { return path }

func withName(name string) func(string) string {
	return func(path string) string { return path + "." + name }
}

func mutations(va *Validator) []mutation {
	isCode := func(m definitions.Member) bool {
		return m.Type.Format == definitions.Code && m.Element.Binding != nil && m.Element.Binding.Codes != nil
	}
	return []mutation{
		{"a code that is not in the value set", func(_ fhirjson.Value, m definitions.Member) []byte {
			if isCode(m) {
				return []byte(`"no-such-code"`)
			}
			return nil
		}, codeCodeInvalid, same, false},
		{"an object for a primitive", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type.Kind == definitions.Primitive {
				return []byte(`{"value":1}`)
			}
			return nil
		}, codeStructure, same, false},
		{"a string for an object", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type.Kind != definitions.Primitive {
				return []byte(`"x"`)
			}
			return nil
		}, codeStructure, same, false},
		{"an array too many", func(v fhirjson.Value, m definitions.Member) []byte {
			return fmt.Appendf(nil, "[%s]", v.Raw())
		}, codeStructure, same, false},
		{"null", func(fhirjson.Value, definitions.Member) []byte { return []byte("null") }, codeStructure, same, false},
		{"an empty string", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type.JSON == definitions.JSONString && m.Type.Format != definitions.XHTML {
				return []byte(`""`)
			}
			return nil
		}, codeValue, same, false},
		{"an id alone", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type.Kind == definitions.Complex || m.Type.Kind == definitions.Backbone {
				return []byte(`{"id":"a"}`)
			}
			return nil
		}, codeInvariant, same, false},
		{"a member that is not known", func(v fhirjson.Value, m definitions.Member) []byte {
			if v.Kind() != fhirjson.Object {
				return nil
			}
			return append([]byte(`{"noSuch":1,`), v.Raw()[1:]...)
		}, codeStructure, withName("noSuch"), true},
		{"a reference to a wrong type", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type != va.types.reference || va.allows(targetsOf(m), va.definitions.Type("OperationOutcome")) {
				return nil
			}
			return []byte(`{"reference":"OperationOutcome/1"}`)
		}, codeStructure, withName("reference"), true},
		{"a reference to what is not contained", func(_ fhirjson.Value, m definitions.Member) []byte {
			if m.Type != va.types.reference {
				return nil
			}
			return []byte(`{"reference":"#no-such"}`)
		}, codeInvariant, withName("reference"), true},
	}
}

// TestMutations breaks each value of each example in all ways that apply: the fault
// must be found, at its path and at its place in the text.
func TestMutations(t *testing.T) {
	for _, v := range definitions.Versions() {
		va := newValidator(t, v)
		done := map[string]int{}
		for _, e := range examples(t) {
			if e.version == v && len(e.text) < 3_000 {
				mutate(t, va, e.text, done)
			}
		}
		t.Logf("%s: %v", v, done)
		for _, m := range mutations(va) {
			if done[m.name] == 0 {
				t.Errorf("%s: nothing was broken by %s", v, m.name)
			}
		}
	}
}

func mutate(t *testing.T, va *Validator, text []byte, done map[string]int) {
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	all := mutations(va)
	eachElement(va, document.Root(), func(v fhirjson.Value, m definitions.Member, beside bool) {
		for _, mutation := range all {
			with := mutation.edit(v, m)
			if with == nil || beside && string(with) == "null" { // right, where there are extensions

				continue
			}
			done[mutation.name]++
			broken := append(append(append([]byte(nil), text[:v.Start()]...), with...), text[v.End():]...)
			changed, err := fhirjson.Parse(broken, fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			path := mutation.at(pathOf(va, v))
			line, column := document.Position(v.NameStart())
			if mutation.below {
				line, column = document.Position(v.Start() + 1)
			}
			issues := va.Check(changed.Root(), Options{Rules: Fail})
			if !hasFinding(issues, mutation.code, path, line, column) {
				t.Errorf("%s for %s of %s: want %s at %s, line %d, column %d; got %v", mutation.name, v.Path(), document.Root().Get("id").String(), mutation.code, path, line, column, issues)
			}
		}
	})
}

func hasFinding(issues []domain.Issue, code, path string, line, column int) bool {
	for _, issue := range issues {
		// Of a repeating element the array may be meant instead of the item.
		if issue.Code == code && (issue.Expression[0] == path || strings.HasPrefix(path, issue.Expression[0]+"[")) && issue.Line == line && issue.Column == column {
			return true
		}
	}
	return false
}

// eachElement visits the values of all elements, and tells which of them may have
// extensions beside them.
func eachElement(va *Validator, resource fhirjson.Value, visit func(v fhirjson.Value, m definitions.Member, beside bool)) {
	var object func(v fhirjson.Value, t *definitions.Type)
	object = func(v fhirjson.Value, t *definitions.Type) {
		if t.Kind == definitions.Resource {
			t = va.definitions.TypeOf(v.Get("resourceType").Text())
		}
		for child := v.First(); child.Exists(); child = child.Next() {
			m, ok := t.Member(child.Name())
			if !ok {
				continue
			}
			items := []fhirjson.Value{child}
			if child.Kind() == fhirjson.Array {
				items = nil
				for item := child.First(); item.Exists(); item = item.Next() {
					items = append(items, item)
				}
			}
			for _, item := range items {
				if item.Kind() == fhirjson.Null {
					continue
				}
				visit(item, m, v.Get("_"+string(child.Name())).Exists())
				if m.Type.Kind != definitions.Primitive {
					object(item, m.Type)
				}
			}
		}
	}
	object(resource, va.definitions.TypeOf(resource.Get("resourceType").Text()))
}

// pathOf writes the FHIRPath of a value: Path, with the names of choices without
// their type.
func pathOf(va *Validator, v fhirjson.Value) string {
	steps := strings.Split(v.Path(), ".")
	t := va.definitions.Type(steps[0])
	at := v.Document().Root()
	for i, step := range steps[1:] {
		name, index, repeats := strings.Cut(step, "[")
		m, _ := t.Member([]byte(name))
		at, t = at.Get(name), m.Type
		steps[i+1] = m.Element.Name
		if repeats {
			steps[i+1] += "[" + index
			n := 0
			fmt.Sscanf(index, "%d", &n)
			for at = at.First(); n > 0; n-- {
				at = at.Next()
			}
		}
		if t.Kind == definitions.Resource {
			t = va.definitions.TypeOf(at.Get("resourceType").Text())
		}
	}
	return strings.Join(steps, ".")
}
