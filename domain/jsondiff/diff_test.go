package jsondiff_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/jsondiff"
	"fhirlog/domain/patch"
)

func parse(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	d, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d.Root()
}

// shown writes changes as the table has them.
func shown(changes []jsondiff.Change) string {
	var lines []string
	for _, c := range changes {
		line := string(c.Op) + " " + c.Pointer + " " + c.Place
		if c.Before.Exists() {
			line += " " + string(c.Before.Raw())
		}
		if c.After.Exists() {
			line += " > " + string(c.After.Raw())
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestOf(t *testing.T) {
	for name, c := range map[string]struct{ before, after, want string }{
		"equal":                    {`{"a":1,"b":[2]}`, `{ "b":[2], "a":1 }`, ""},
		"a value":                  {`{"a":{"b":"x"}}`, `{"a":{"b":"y"}}`, `replace /a/b a.b "x" > "y"`},
		"digits count":             {`{"a":1.0}`, `{"a":1.00}`, "replace /a a 1.0 > 1.00"},
		"spelling does not":        {`{"a":"\u0041"}`, `{"a":"A"}`, ""},
		"members":                  {`{"a":1,"b":2}`, `{"b":2,"c":3}`, "remove /a a 1\nadd /c c > 3"},
		"another kind":             {`{"a":[1]}`, `{"a":{"b":1}}`, `replace /a a [1] > {"b":1}`},
		"the whole":                {`1`, `2`, "replace   1 > 2"},
		"an element in front":      {`{"a":[1,2]}`, `{"a":[0,1,2]}`, "add /a/0 a[0] > 0"},
		"an element behind":        {`{"a":[1,2]}`, `{"a":[1,2,3]}`, "add /a/2 a[2] > 3"},
		"one taken out":            {`{"a":[1,2,3]}`, `{"a":[1,3]}`, "remove /a/1 a[1] 2"},
		"in an element":            {`{"a":[{"b":1},{"c":2}]}`, `{"a":[{"b":1},{"c":3}]}`, "replace /a/1/c a[1].c 2 > 3"},
		"out and in":               {`{"a":[1,2,3,4]}`, `{"a":[2,3,9,4,5]}`, "remove /a/0 a[0] 1\nadd /a/2 a[2] > 9\nadd /a/4 a[4] > 5"},
		"two out of the middle":    {`{"a":[1,2,3,4]}`, `{"a":[1,4]}`, "remove /a/1 a[1] 2\nremove /a/1 a[2] 3"},
		"names that are escaped":   {`{"a/b":1,"c~d":1}`, `{"a/b":2,"c~d":2}`, "replace /a~1b \"a/b\" 1 > 2\nreplace /c~0d \"c~d\" 1 > 2"},
		"a changed one and a new":  {`{"a":[{"b":1},{"b":9}]}`, `{"a":[{"b":2},{"b":3},{"b":9}]}`, "replace /a/0/b a[0].b 1 > 2\nadd /a/1 a[1] > {\"b\":3}"},
		"null among primitives":    {`{"given":["x"],"_given":[{"id":"1"}]}`, `{"given":["x","y"],"_given":[{"id":"1"},null]}`, "add /given/1 given[1] > \"y\"\nadd /_given/1 _given[1] > null"},
		"in an array of an array":  {`[[1,2],[3]]`, `[[1,2],[3,4]]`, "add /1/1 [1][1] > 4"},
		"a name with a line break": {`{"a\nb":1}`, `{}`, "remove /a\nb \"a\\nb\" 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(jsondiff.Of(parse(t, c.before), parse(t, c.after))); got != c.want {
				t.Errorf("Of(%s, %s):\n%s\nwant\n%s", c.before, c.after, got, c.want)
			}
		})
	}
}

// TestLongArraysAreComparedOneByOne shows that the work is bounded.
func TestLongArraysAreComparedOneByOne(t *testing.T) {
	list := func(of func(i int) int) string {
		var b strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&b, ",%d", of(i))
		}
		return "[" + b.String()[1:] + "]"
	}
	before, after := parse(t, list(func(i int) int { return i })), parse(t, list(func(i int) int { return 1999 - i }))
	changes := jsondiff.Of(before, after)
	if len(changes) != 2000 {
		t.Errorf("%d changes, want one for each of the 2000 elements", len(changes))
	}
	checkPatch(t, before, after)
}

// checkPatch applies the patch, with a plain program of this test.
func checkPatch(t testing.TB, before, after fhirjson.Value) {
	t.Helper()
	text := jsondiff.AppendPatch(nil, jsondiff.Of(before, after))
	got := apply(t, before.Document().Source(), text)
	if !fhirjson.Equal(parse(t, string(got)), after) {
		t.Fatalf("before %s\nafter  %s\npatch  %s\ngives  %s", before.Raw(), after.Raw(), text, got)
	}
}

// apply is RFC 6902 as far as it is needed, on the trees of encoding/json.
func apply(t testing.TB, document, patch []byte) []byte {
	t.Helper()
	var root any
	var operations []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := unmarshal(document, &root); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		t.Fatalf("%v in %s", err, patch)
	}
	for _, o := range operations {
		var value any
		if o.Op != "remove" {
			if err := unmarshal(o.Value, &value); err != nil {
				t.Fatal(err)
			}
		}
		if o.Path == "" {
			root = value
			continue
		}
		root = change(t, root, strings.Split(o.Path, "/")[1:], o.Op, value)
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func unmarshal(text []byte, into *any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

func change(t testing.TB, at any, path []string, op string, value any) any {
	t.Helper()
	name := strings.ReplaceAll(strings.ReplaceAll(path[0], "~1", "/"), "~0", "~")
	last := len(path) == 1
	switch at := at.(type) {
	case map[string]any:
		_, there := at[name]
		switch {
		case !last:
			at[name] = change(t, at[name], path[1:], op, value)
		case there == (op == "add"):
			t.Fatalf("%s of the member %q, which is there: %t", op, name, there)
		case op == "remove":
			delete(at, name)
		default:
			at[name] = value
		}
		return at
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i > len(at) || i == len(at) && op != "add" {
			t.Fatalf("%s of the element %q of %d", op, name, len(at))
		}
		switch {
		case !last:
			at[i] = change(t, at[i], path[1:], op, value)
		case op == "add":
			at = append(at[:i:i], append([]any{value}, at[i:]...)...)
		case op == "remove":
			at = append(at[:i:i], at[i+1:]...)
		default:
			at[i] = value
		}
		return at
	}
	t.Fatalf("nothing has an element %q", name)
	return nil
}

// maker makes resources that patches take: no empty objects or arrays.
type maker struct{ *rand.Rand }

func (m maker) value(depth int) string {
	switch n := m.IntN(6); {
	case n < 2 && depth > 0:
		return m.object(depth-1, "")
	case n == 2 && depth > 0:
		var items []string
		for range 1 + m.IntN(5) {
			items = append(items, m.value(depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return []string{`"x"`, `"y"`, "1", "1.0", "true", `"\u00e4/~"`}[m.IntN(6)]
}

func (m maker) object(depth int, head string) string {
	members := []string{}
	if head != "" {
		members = append(members, head)
	}
	for _, name := range []string{"a", "b", "c/d", "e~f", "g"} {
		if m.IntN(2) == 0 {
			members = append(members, fmt.Sprintf("%q:%s", name, m.value(depth)))
		}
	}
	if len(members) == 0 {
		members = append(members, `"z":0`)
	}
	m.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

// TestThePatchLeadsFromOneToTheOther holds for random trees, with the plain program
// and with the one that serves PATCH.
func TestThePatchLeadsFromOneToTheOther(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	m := maker{rand.New(rand.NewPCG(seed, 0))}
	for range 3000 {
		before := parse(t, m.object(4, `"resourceType":"Basic"`))
		after := parse(t, m.object(4, `"resourceType":"Basic"`))
		checkPatch(t, before, after)
		text := jsondiff.AppendPatch(nil, jsondiff.Of(before, after))
		p, err := patch.ParseJSON(text)
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, text)
		}
		made, err := p.Apply(before)
		if err != nil || !fhirjson.Equal(made.Root(), after) {
			t.Fatalf("seed %d: %v\nbefore %s\nafter  %s\npatch  %s", seed, err, before.Raw(), after.Raw(), text)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add(`{"a":[1,2,3]}`, `{"a":[3,2,{"b":null}]}`)
	f.Add(`[[],{}]`, `[{},[]]`)
	f.Add(`{"a/~":"\ud83d\ude00"}`, `"x"`)
	f.Fuzz(func(t *testing.T, before, after string) {
		limits := fhirjson.Limits{MaxDepth: 50, MaxNodes: 500}
		a, err := fhirjson.Parse([]byte(before), limits)
		if err != nil {
			return
		}
		b, err := fhirjson.Parse([]byte(after), limits)
		if err != nil {
			return
		}
		checkPatch(t, a.Root(), b.Root())
		if changes := jsondiff.Of(a.Root(), a.Root()); len(changes) > 0 {
			t.Fatalf("a value differs from itself: %s", shown(changes))
		}
	})
}

func BenchmarkOf(b *testing.B) {
	before := parse(b, `{"resourceType":"Patient","id":"1","meta":{},"name":[{"family":"Smith","given":["A","B"]}],"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"2"}],"birthDate":"1970-01-01"}`)
	after := parse(b, `{"resourceType":"Patient","id":"1","meta":{},"name":[{"family":"Smith","given":["A","C"]}],"telecom":[{"system":"email","value":"2"}],"birthDate":"1970-01-01","active":true}`)
	for b.Loop() {
		jsondiff.Of(before, after)
	}
}
