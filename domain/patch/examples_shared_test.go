package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// The tests of this file take HL7's examples apart and put them together again.

// eachExample visits the examples of a version.
func eachExample(t *testing.T, version definitions.Version, visit func(name string, resource fhirjson.Value)) {
	t.Helper()
	count := 0
	publicdata.EachExample(t, version, func(name string, text []byte) {
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			return // a fault of the example
		}
		if root := document.Root(); root.Get("resourceType").Exists() {
			visit(name, root)
			count++
		}
	})
	if count < 500 {
		t.Errorf("there are %d examples of %s", count, version)
	}
}

// TestSharedExamplesJSON takes each value out of each example and puts it back.
func TestSharedExamplesJSON(t *testing.T) {
	for _, version := range definitions.Versions() {
		eachExample(t, version, func(name string, resource fhirjson.Value) {
			operations := takeAndGive(nil, resource, "")
			got, err := runJSON(t, []byte("["+strings.Join(operations, ",")+"]"), string(resource.Raw()))
			if err != nil || !fhirjson.Equal(got, resource) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// takeAndGive appends operations that remove each part of v and add it again, as
// many as one patch may have.
func takeAndGive(operations []string, v fhirjson.Value, path string) []string {
	i := 0
	for m := v.First(); m.Exists() && len(operations) < greatestOperations-3; m = m.Next() {
		step := path + "/" + fmt.Sprint(i)
		if m.IsMember() {
			step = path + escaped(string(m.Name()))
		}
		at := string(fhirjson.AppendQuoted(nil, step))
		operations = append(operations,
			`{"op":"test","path":`+at+`,"value":`+string(m.Raw())+`}`, `{"op":"remove","path":`+at+`}`, `{"op":"add","path":`+at+`,"value":`+string(m.Raw())+`}`)
		operations = takeAndGive(operations, m, step)
		i++
	}
	return operations
}

// TestSharedExamplesFHIRPath replaces each element of each example by itself, and
// takes the last of each list out and puts it back.
func TestSharedExamplesFHIRPath(t *testing.T) {
	for _, version := range definitions.Versions() {
		d, total := load(t, version), 0
		eachExample(t, version, func(name string, resource fhirjson.Value) {
			s := selfPatch{d: d}
			s.object(resource, nil, resource.Get("resourceType").String())
			total += len(s.operations)
			for some := range slices.Chunk(s.operations, 50) {
				p, err := ParseFHIRPath(d, parse(t, parameters(some...)))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				result, err := p.Apply(resource)
				if err != nil || !fhirjson.Equal(result.Root(), resource) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		t.Logf("%s: %d operations", version, total)
	}
}

// selfPatch makes operations that change nothing in the end, up to 300 for an
// example.
type selfPatch struct {
	d          *definitions.Definitions
	operations []string // some are two, which belong together
}

func (s *selfPatch) object(object fhirjson.Value, t *definitions.Type, path string) {
	if t == nil || t.Kind == definitions.Resource {
		t = s.d.TypeOf(object.Get("resourceType").Text())
	}
	if t == nil {
		return
	}
	for m := object.First(); m.Exists(); m = m.Next() {
		found, ok := t.Member(m.Name())
		if !ok || len(s.operations) >= 300 {
			continue
		}
		at := path + ".`" + found.Element.Name + "`"
		sibling := object.Get("_" + string(m.Name()))
		if m.Kind() != fhirjson.Array {
			s.element(m, sibling, found.Type, at)
			continue
		}
		k, last, beside := 0, fhirjson.Value{}, fhirjson.Value{}
		for v, w := m.First(), sibling.First(); v.Exists(); v, w = v.Next(), w.Next() {
			s.element(v, w, found.Type, fmt.Sprintf("%s[%d]", at, k))
			last, beside, k = v, w, k+1
		}
		if posted := s.value(last, beside, found.Type); posted != "" {
			index := fmt.Sprintf(`{"name":"index","valueInteger":%d}`, k-1)
			s.operations = append(s.operations, op("delete", fmt.Sprintf("%s[%d]", at, k-1))+","+op("insert", at, index, with(posted)))
		}
	}
}

func (s *selfPatch) element(v, sibling fhirjson.Value, t *definitions.Type, path string) {
	if posted := s.value(v, sibling, t); posted != "" {
		s.operations = append(s.operations, op("replace", path, with(posted)))
	}
	if v.Kind() == fhirjson.Object {
		s.object(v, t, path)
	}
}

// value writes an element as the value of an operation, "" if it cannot be one.
func (s *selfPatch) value(v, sibling fhirjson.Value, t *definitions.Type) string {
	if t.Kind == definitions.Resource {
		return `"resource":` + string(v.Raw())
	}
	name := "value" + strings.ToUpper(t.Name[:1]) + t.Name[1:]
	if _, ok := s.d.Type("Parameters.parameter").Member([]byte(name)); !ok {
		return ""
	}
	var members []string
	if v.Kind() != fhirjson.Null {
		members = append(members, fmt.Sprintf("%q:%s", name, v.Raw()))
	}
	if sibling.Kind() == fhirjson.Object {
		members = append(members, fmt.Sprintf(`"_%s":%s`, name, sibling.Raw()))
	}
	return strings.Join(members, ",")
}
