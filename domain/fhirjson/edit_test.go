package fhirjson

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestAppendCompact(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"scalar", " 1.50 ", "1.50"},
		{"already compact", `{"a":[1,2]}`, `{"a":[1,2]}`},
		{"all kinds of white space", "{ \"a\" :\r\n[\t1 , null]\n}", `{"a":[1,null]}`},
		{"white space in strings stays", `[ "a  b" , "\" c  " , "\\" , "\\\" d " ]`, `["a  b","\" c  ","\\","\\\" d "]`},
		{"spelling of strings stays", `{ "\u0061" : "\u00e9\/" }`, `{"\u0061":"\u00e9\/"}`},
		{"numbers stay", `[ 1.00 , 1E+2 ]`, `[1.00,1E+2]`},
		{"empty containers", "[ { } , [\n] ]", `[{},[]]`},
		{"characters outside ASCII", "[ \"\u00A0 \u2028 é\" ]", "[\"\u00A0 \u2028 é\"]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := mustParse(t, test.text)
			if got := string(AppendCompact([]byte("before"), d.Root(), nil)); got != "before"+test.want {
				t.Errorf("AppendCompact(%s) = %s, want %s", test.text, got, test.want)
			}
			checkCompact(t, d)
		})
	}
	if got := AppendCompact([]byte("x"), Value{}, nil); string(got) != "x" {
		t.Errorf("AppendCompact of an absent value appends %q", got[1:])
	}
}

// checkCompact compares AppendCompact with jsontext, and every part with the
// part of the whole.
func checkCompact(t testing.TB, d *Document) {
	t.Helper()
	want := jsontext.Value(bytes.Clone(d.src))
	if err := want.Compact(); err != nil {
		t.Fatalf("jsontext cannot compact %q: %v", d.src, err)
	}
	got := AppendCompact(nil, d.Root(), nil)
	if !bytes.Equal(got, want) {
		t.Fatalf("AppendCompact(%q)\n got %q\nwant %q", d.src, got, want)
	}
	again := mustParse(t, string(got))
	if !bytes.Equal(AppendCompact(nil, again.Root(), nil), got) || again.spaced {
		t.Fatalf("%q is not compact", got)
	}
	for i := range d.nodes {
		part := AppendCompact(nil, Value{d, uint32(i)}, nil)
		if !bytes.Equal(part, (Value{again, uint32(i)}).Raw()) {
			t.Fatalf("AppendCompact of node %d in %q = %q", i, d.src, part)
		}
	}
}

func TestAppendCompactEdits(t *testing.T) {
	// edit "from|to" replaces the only occurrence of from, edit "^from|to"
	// inserts before it.
	tests := []struct {
		name, text string
		edits      []string
		want       string
	}{
		{"replace a value", `{ "a" : 1 , "b" : 2 }`, []string{"1|[3]"}, `{"a":[3],"b":2}`},
		{"replacement is written as it is", `{ "a" : 1 }`, []string{"1| 3  "}, `{"a": 3  }`},
		{"insert first member", `{ "a" : 1 }`, []string{`^ "a"|"id":"x",`}, `{"id":"x","a":1}`},
		{"insert twice at one place", `{"a":1}`, []string{`^"a"|"x":1,`, `^"a"|"y":2,`}, `{"x":1,"y":2,"a":1}`},
		{"remove", `{ "a" : 1 , "b" : 2 }`, []string{` "a" : 1 ,|`}, `{"b":2}`},
		{"within a string", `{ "div" : "<a href=\"urn:1\"> x </a>" , "b" : 2 }`, []string{"urn:1|Patient/1", "2|3"}, `{"div":"<a href=\"Patient/1\"> x </a>","b":3}`},
		{"up to within a string", `[ "a b" , "c d" ]`, []string{`"a b" , "c|"c`}, `["c d"]`},
		{"from within a string", `[ "a  b" , 1 ]`, []string{`  b"|"`}, `["a",1]`},
		{"within white space", `[ 1    ,  2 ]`, []string{`^  ,|0`}, `[10,2]`},
		{"without white space", `{"a":"x y","b":2}`, []string{"x y|z", "2|3"}, `{"a":"z","b":3}`},
		{"everything", ` {"a": 1} `, []string{`{"a": 1}|null`}, `null`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := mustParse(t, test.text)
			var edits []Edit
			for _, e := range test.edits {
				from, to, _ := strings.Cut(e, "|")
				insert := strings.HasPrefix(from, "^")
				from = strings.TrimPrefix(from, "^")
				start := strings.Index(test.text, from)
				edit := Edit{Start: start, End: start + len(from), With: []byte(to)}
				if insert {
					edit.End = start
				}
				edits = append(edits, edit)
			}
			if got := string(AppendCompact(nil, d.Root(), edits)); got != test.want {
				t.Errorf("AppendCompact(%s, %q) = %s, want %s", test.text, test.edits, got, test.want)
			}
		})
	}
}

func TestAppendCompactOfAPartWithEdits(t *testing.T) {
	d := mustParse(t, `{ "a" : { "b" : [ 1 , 2 ] } , "c" : 3 }`)
	part := d.Root().Get("a").Get("b")
	edits := []Edit{{part.Start() + 1, part.Start() + 1, []byte("0,")}, {part.End() - 1, part.End() - 1, []byte(",3")}, {part.End(), part.End(), []byte("!")}}
	if got, want := string(AppendCompact(nil, part, edits)), "[0,1,2,3]!"; got != want {
		t.Errorf("AppendCompact = %s, want %s", got, want)
	}
}

func TestAppendCompactRefusesWrongEdits(t *testing.T) {
	d := mustParse(t, `{"a":[1,2],"b":3}`)
	for name, edits := range map[string][]Edit{
		"before the value": {{0, 6, nil}},
		"behind the value": {{6, 11, nil}},
		"overlapping":      {{6, 8, nil}, {7, 9, nil}},
		"not in order":     {{8, 9, nil}, {6, 7, nil}},
		"end before start": {{8, 7, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("AppendCompact accepts %v", edits)
				}
			}()
			AppendCompact(nil, d.Root().Get("a"), edits)
		})
	}
}

// TestAppendCompactEqualsSplicing makes random edits at values, names and
// places between tokens: AppendCompact must give what plain splicing of the
// text and compacting afterwards gives.
func TestAppendCompactEqualsSplicing(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		text := []string{observation(int(seed)), patient(), bundle(2), sample}[seed%4]
		if random.IntN(2) == 0 {
			value := jsontext.Value(text)
			if err := value.Indent(); err != nil {
				t.Fatal(err)
			}
			text = string(value)
		}
		d := mustParse(t, text)
		edits := randomEdits(random, d)
		spliced, at := []byte(nil), 0
		for _, e := range edits {
			spliced = append(append(spliced, text[at:e.Start]...), e.With...)
			at = e.End
		}
		want := jsontext.Value(append(spliced, text[at:]...))
		if err := want.Compact(); err != nil {
			t.Fatalf("seed %d: the test makes bad edits: %v", seed, err)
		}
		if got := AppendCompact(nil, d.Root(), edits); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: with %d edits AppendCompact gives\n%s\nwant\n%s", seed, len(edits), got, want)
		}
	}
}

// randomEdits chooses values to replace, strings to change in the middle and
// containers to insert into.
func randomEdits(random *rand.Rand, d *Document) []Edit {
	var edits []Edit
	free := d.Root().Start()
	for i := range d.nodes {
		v := Value{d, uint32(i)}
		if v.Start() < free || random.IntN(6) > 0 {
			continue
		}
		var e Edit
		switch plain := v.Kind() == String && !v.HasEscapes() && v.End()-v.Start() > 2; {
		case v.Kind() == Array && v.First().Exists():
			e = Edit{v.Start() + 1, v.Start() + 1, []byte(`"first",`)}
		case v.Kind() == Object && v.First().Exists():
			e = Edit{v.Start() + 1, v.Start() + 1, fmt.Appendf(nil, `"added%d":1,`, i)}
		case plain && random.IntN(2) == 0:
			e = Edit{v.Start() + 1, v.End() - 1, []byte(`new\n  text`)}
		case v.IsMember() && random.IntN(2) == 0:
			e = Edit{v.NameStart(), v.End(), fmt.Appendf(nil, `"other%d":{"x":[]}`, i)}
		default:
			e = Edit{v.Start(), v.End(), []byte(`[1.0,"  "]`)}
		}
		if e.Start < free {
			continue
		}
		edits = append(edits, e)
		free = e.End
	}
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].Start < edits[j].Start })
	return edits
}

// TestRemoveMembers removes every subset of four members.
func TestRemoveMembers(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	for _, text := range []string{`{"a":1,"b":[2],"c":{"x":3},"d":"4"}`, "{ \"a\" : 1 ,\n \"b\" : [ 2 ] , \"c\" : { \"x\" : 3 } , \"d\" : \"4\" }"} {
		d := mustParse(t, text)
		for subset := range 1 << len(names) {
			var kept []string
			for i, member := 0, d.Root().First(); member.Exists(); i, member = i+1, member.Next() {
				if subset>>i&1 == 0 {
					kept = append(kept, `"`+names[i]+`":`+string(AppendCompact(nil, member, nil)))
				}
			}
			edits := RemoveMembers(nil, d.Root(), func(name []byte) bool {
				return subset>>strings.IndexByte("abcd", name[0])&1 == 1
			})
			got, want := string(AppendCompact(nil, d.Root(), edits)), "{"+strings.Join(kept, ",")+"}"
			if got != want {
				t.Errorf("without subset %04b: %s, want %s", subset, got, want)
			}
		}
	}
}

func TestRemoveMembersOfNothing(t *testing.T) {
	d := mustParse(t, `[{},1]`)
	for _, v := range []Value{{}, d.Root().First(), d.Root().First().Next()} {
		if edits := RemoveMembers(nil, v, func([]byte) bool { return true }); len(edits) != 0 {
			t.Errorf("RemoveMembers of %q = %v, want nothing", v.Raw(), edits)
		}
	}
}
