package fhirjson

import (
	"strconv"
	"strings"
	"testing"
)

const sample = `{
  "resourceType": "Patient",
  "name": [
    {"given": ["Zo\u00eb", "B"], "family": "O\"Neill \ud83d\ude00"},
    {}
  ],
  "active": true, "deceased" : false,
  "nothing": null,
  "weight": -12.500,
  "odd-n\u0061me": [[], [7]]
}`

func TestValueReads(t *testing.T) {
	root := mustParse(t, sample).Root()
	tests := []struct {
		name string
		v    Value
		kind Kind
		raw  string
		text string
	}{
		{"root", root, Object, sample, ""},
		{"resourceType", root.Get("resourceType"), String, `"Patient"`, "Patient"},
		{"name", root.Get("name").First().Next(), Object, "{}", ""},
		{"given", root.Get("name").First().Get("given").First(), String, `"Zo\u00eb"`, "Zoë"},
		{"family", root.Get("name").First().Get("family"), String, `"O\"Neill \ud83d\ude00"`, `O"Neill 😀`},
		{"active", root.Get("active"), True, "true", ""},
		{"deceased", root.Get("deceased"), False, "false", ""},
		{"nothing", root.Get("nothing"), Null, "null", ""},
		{"weight", root.Get("weight"), Number, "-12.500", ""},
		{"odd-name", root.Get("odd-name"), Array, "[[], [7]]", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := test.v
			if !v.Exists() || v.Kind() != test.kind || string(v.Raw()) != test.raw || v.String() != test.text || string(v.Text()) != test.text {
				t.Errorf("got %v %s with text %q, want %v %s with text %q", v.Kind(), v.Raw(), v.Text(), test.kind, test.raw, test.text)
			}
			if sample[v.Start():v.End()] != test.raw {
				t.Errorf("bytes %d to %d are %q, want %q", v.Start(), v.End(), sample[v.Start():v.End()], test.raw)
			}
			if want := strings.Contains(test.raw, `\`) && test.kind == String; v.HasEscapes() != want {
				t.Errorf("HasEscapes() = %t, want %t", v.HasEscapes(), want)
			}
			if v.Document() != root.Document() {
				t.Error("Document() is another one")
			}
		})
	}
}

func TestValueWalks(t *testing.T) {
	root := mustParse(t, sample).Root()
	var names []string
	for member := root.First(); member.Exists(); member = member.Next() {
		names = append(names, string(member.Name()))
		if !member.IsMember() || sample[member.NameStart()] != '"' {
			t.Errorf("%s: not at a name", member.Path())
		}
	}
	if got, want := strings.Join(names, " "), "resourceType name active deceased nothing weight odd-name"; got != want {
		t.Errorf("members %s, want %s", got, want)
	}
	for v, want := range map[Value]int{root: 7, root.Get("name"): 2, root.Get("name").First().Next(): 0, root.Get("active"): 0, root.Get("odd-name"): 2} {
		if got := v.Len(); got != want {
			t.Errorf("%s: Len() = %d, want %d", v.Path(), got, want)
		}
	}
	element := root.Get("name").First()
	if element.IsMember() || element.Name() != nil || element.NameStart() != element.Start() {
		t.Errorf("%s is no member, but has the name %q", element.Path(), element.Name())
	}
	if root.Get("name").First() != element {
		t.Error("two cursors at one value differ")
	}
}

func TestAbsentValue(t *testing.T) {
	root := mustParse(t, sample).Root()
	for name, v := range map[string]Value{
		"zero":                   {},
		"missing member":         root.Get("missing"),
		"prefix of a name":       root.Get("act"),
		"member of a string":     root.Get("resourceType").Get("x"),
		"member of an array":     root.Get("name").Get("given"),
		"after the last":         root.Get("odd-name").Next(),
		"after the root":         root.Next(),
		"first of empty object":  root.Get("name").First().Next().First(),
		"first of empty array":   root.Get("odd-name").First().First(),
		"first of a number":      root.Get("weight").First(),
		"chain of missing":       root.Get("a").First().Next().Get("b"),
		"first of true":          root.Get("active").First(),
		"first of last scalar":   root.Get("odd-name").First().Next().First().First(),
		"next of an only member": root.Get("odd-name").First().Next().First().Next(),
	} {
		if v.Exists() || v.Kind() != Absent || v.Raw() != nil || v.Name() != nil || v.Text() != nil || v.String() != "" ||
			v.Len() != 0 || v.Start() != 0 || v.End() != 0 || v.NameStart() != 0 || v.HasEscapes() || v.Path() != "" || v.Document() != nil {
			t.Errorf("%s: %v %q is not absent", name, v.Kind(), v.Raw())
		}
	}
}

func TestKindString(t *testing.T) {
	got := ""
	for k := Absent; k <= Object+1; k++ {
		got += k.String() + " "
	}
	if want := "nothing null false true number string array object unknown "; got != want {
		t.Errorf("the kinds are %s, want %s", got, want)
	}
}

func TestTextSharesTheSource(t *testing.T) {
	d := mustParse(t, `{"plain":"value"}`)
	v := d.Root().First()
	if &v.Text()[0] != &d.Source()[10] || &v.Name()[0] != &d.Source()[2] {
		t.Error("Text and Name copy although there is no escape")
	}
	if cap(v.Text()) != len(v.Text()) || cap(v.Name()) != len(v.Name()) || cap(v.Raw()) != len(v.Raw()) {
		t.Error("appending to a Text, Name or Raw would overwrite the source")
	}
	allocations := testing.AllocsPerRun(100, func() {
		if d.Root().Get("plain").Raw() == nil {
			t.Error("no value")
		}
	})
	if allocations != 0 {
		t.Errorf("Get allocates %v times", allocations)
	}
}

// TestNumbersKeepEveryDigit: the spelling of a number is clinical content
// (https://hl7.org/fhir/R4/datatypes.html#decimal).
func TestNumbersKeepEveryDigit(t *testing.T) {
	for _, number := range []string{
		"0", "-0", "0.0", "-0.00", "1.00", "0.10", "1E+2", "1e2", "1E-02", "-1.50e+007", "100", "12345678901234567890",
		"123456789012345678901234567890", "0.123456789012345678901234567890", "3.141592653589793238462643383279e-100", "1e400",
	} {
		for _, frame := range []string{"%", "[%]", "{ \"value\" : % }", " % ", "[1,%\n,2]"} {
			d := mustParse(t, strings.Replace(frame, "%", number, 1))
			found := false
			for i := range d.nodes {
				found = found || string(Value{d, uint32(i)}.Raw()) == number
			}
			compact := string(AppendCompact(nil, d.Root(), nil))
			if !found || !strings.Contains(compact, number) {
				t.Errorf("%s in %q becomes %q", number, frame, compact)
			}
		}
	}
}

func TestPosition(t *testing.T) {
	d := mustParse(t, "[\"é😀\",\r\n\n 1]")
	tests := []struct{ offset, line, column int }{
		{-1, 1, 1}, {0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {4, 1, 4}, {8, 1, 5}, {10, 1, 7}, {11, 1, 8}, {12, 2, 1}, {13, 3, 1}, {14, 3, 2}, {16, 3, 4}, {99, 3, 4},
	}
	for _, test := range tests {
		if line, column := d.Position(test.offset); line != test.line || column != test.column {
			t.Errorf("Position(%d) = %d, %d, want %d, %d", test.offset, line, column, test.line, test.column)
		}
	}
}

func TestPath(t *testing.T) {
	long := strings.Repeat("n", 64)
	d := mustParse(t, `{"meta":{},"resourceType":"Patient","name":[{"given":["A","B"]},{"_given":[null]}],"b-c":[[1,[2]]],"d\u0060\\\u0007é\u2028":true,`+
		`"contains":1,"1st":2,"":3,"`+long+`":4,"`+long+`n":5,"\udbff\udffd":6}`)
	want := []string{
		"Patient", "Patient.meta", "Patient.resourceType", "Patient.name", "Patient.name[0]", "Patient.name[0].given", "Patient.name[0].given[0]",
		"Patient.name[0].given[1]", "Patient.name[1]", "Patient.name[1]._given", "Patient.name[1]._given[0]",
		"Patient.`b-c`", "Patient.`b-c`[0]", "Patient.`b-c`[0][0]", "Patient.`b-c`[0][1]", "Patient.`b-c`[0][1][0]",
		"Patient.`d\\`\\\\\\u0007é\\u2028`", "Patient.contains", "Patient.`1st`", "Patient.``", "Patient." + long, "Patient.`" + long + "…`", "Patient.`?`",
	}
	if len(d.nodes) != len(want) {
		t.Fatalf("the tree has %d nodes, want %d", len(d.nodes), len(want))
	}
	for i := range d.nodes {
		if got := (Value{d, uint32(i)}).Path(); got != want[i] {
			t.Errorf("Path of node %d = %s, want %s", i, got, want[i])
		}
	}
}

func TestPathBeginsWithTheRoot(t *testing.T) {
	for text, want := range map[string]string{
		`[{"resourceType":"Patient"}]`:         "$[0]",
		`{"resourceType":["Patient"]}`:         "$.resourceType",
		`{"resourceType":"Pat ient"}`:          "$.resourceType",
		`{"a":{"resourceType":"Patient"}}`:     "$.a",
		`{"a":1,"resourceType":"Observation"}`: "Observation.a",
	} {
		if got := mustParse(t, text).Root().First().Path(); got != want {
			t.Errorf("Path in %s = %s, want %s", text, got, want)
		}
	}
}

// TestPathLeadsBack follows the path of every value from the root.
func TestPathLeadsBack(t *testing.T) {
	for _, text := range []string{observation(1), bundle(30), patient()} {
		d := mustParse(t, text)
		for i := range d.nodes {
			v := Value{d, uint32(i)}
			if got := follow(t, d.Root(), v.Path()); got != v {
				t.Fatalf("the path %s of node %d leads to node %d", v.Path(), i, got.i)
			}
		}
	}
}

// follow resolves a path of plain names and positions.
func follow(t *testing.T, v Value, path string) Value {
	t.Helper()
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for _, step := range steps[1:] {
		position, err := strconv.Atoi(step)
		if err != nil {
			v = v.Get(step)
			continue
		}
		for v = v.First(); position > 0; position-- {
			v = v.Next()
		}
	}
	return v
}
