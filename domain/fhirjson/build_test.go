package fhirjson

import (
	"strings"
	"testing"
)

// rebuild builds a value anew, strings by their content or as they are spelled.
func rebuild(b *Builder, v Value, spelled bool) {
	switch kind := v.Kind(); {
	case kind == Object || kind == Array:
		b.Open(v.Name(), kind)
		for m := v.First(); m.Exists(); m = m.Next() {
			rebuild(b, m, spelled)
		}
		b.Close()
	case kind == String && !spelled:
		b.Text(v.Name(), v.Text())
	case kind == String && v.HasEscapes():
		b.Escaped(v.Name(), v.Raw()[1:len(v.Raw())-1])
	case kind == String:
		b.Spelled(v.Name(), kind, v.Raw()[1:len(v.Raw())-1])
	default:
		b.Spelled(v.Name(), kind, v.Raw())
	}
}

// sameTree fails unless a document has the tree that Parse makes of its text.
func sameTree(t *testing.T, d *Document) {
	t.Helper()
	parsed, err := Parse(d.src, Limits{MaxDepth: greatestDepth})
	if err != nil {
		t.Fatalf("%v\n%s", err, d.src)
	}
	if len(parsed.nodes) != len(d.nodes) || d.spaced {
		t.Fatalf("%d nodes, Parse makes %d of %s", len(d.nodes), len(parsed.nodes), d.src)
	}
	for i, n := range parsed.nodes {
		if d.nodes[i] != n {
			t.Fatalf("node %d is %+v, Parse makes %+v of %s", i, d.nodes[i], n, d.src)
		}
	}
}

func TestBuilder(t *testing.T) {
	var b Builder // used again and again, after large ones too
	for _, text := range []string{
		`{}`, `[]`, `"a"`, `1.50`, `null`,
		`{"resourceType":"Patient","name":[{"given":["A","B"]},{}],"active":true,"_x":null}`,
		`{"text":"\"\\\n é","number":-1.0e+3,"long name of a member":"a value of more than sixteen bytes"}`,
		`[[[],[[]]],{"a":{}},[]]`,
		`{"resourceType":"Patient","name":[` + strings.Repeat(`{"family":"Müller"},`, 20_000) + `{}]}`,
		`["` + strings.Repeat("x", 300_000) + `"]`,
	} {
		parsed, err := Parse([]byte(text), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, spelled := range []bool{true, false} {
			b.Reset(make([]byte, 3, len(text)/2+3))
			rebuild(&b, parsed.Root(), spelled)
			if b.Len() != len(text) || b.Nodes() != len(parsed.nodes) {
				t.Errorf("%d bytes and %d nodes for %.200s", b.Len(), b.Nodes(), text)
			}
			d := b.Document()
			if string(d.Source()) != text {
				t.Errorf("built %.200s, want %.200s", d.Source(), text)
			}
			sameTree(t, d)
		}
	}
}

func TestBuilderDocumentsAreIndependent(t *testing.T) {
	var b Builder
	b.Reset(nil)
	b.Spelled(nil, String, []byte("first"))
	first := b.Document()
	b.Reset(nil)
	b.Spelled(nil, String, []byte("other"))
	if got := first.Root().String(); got != "first" {
		t.Errorf("the first document became %q", got)
	}
}

func TestBuilderDraft(t *testing.T) {
	var b Builder
	if b.Draft().Exists() {
		t.Error("there is a draft of nothing")
	}
	b.Open(nil, Object)
	if b.Draft().First().Exists() {
		t.Error("an open object without members has one")
	}
	b.Open([]byte("name"), Array)
	b.Spelled(nil, String, []byte("A"))
	b.Spelled(nil, String, []byte("B"))
	name := b.Draft().Get("name")
	if name.Len() != 2 || name.First().Next().String() != "B" {
		t.Errorf("an open array has %d elements", name.Len())
	}
}

func BenchmarkBuilder(b *testing.B) {
	parsed, err := Parse([]byte(observation(1)), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var builder Builder
	b.SetBytes(int64(len(parsed.src)))
	b.ReportAllocs()
	space := make([]byte, 0, 2*len(parsed.src))
	for b.Loop() {
		builder.Reset(space)
		rebuild(&builder, parsed.Root(), true)
		builder.Document().Release()
	}
}

// FuzzBuilder builds what parses: the tree must be the one that is parsed.
func FuzzBuilder(f *testing.F) {
	for _, text := range []string{`{"a":[1,"b\n",null,{"c":{}}],"d":"é"}`, `[[],{},"\ud83d\ude00"]`, `"` + strings.Repeat("a", 20) + `"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := Parse(text, Limits{})
		if err != nil {
			return
		}
		for _, n := range parsed.nodes {
			if n.flags&member != 0 && !plainMember(parsed, &n) {
				return // a name that a Builder does not write
			}
		}
		for _, spelled := range []bool{true, false} {
			var b Builder
			b.Reset(nil)
			rebuild(&b, parsed.Root(), spelled)
			d := b.Document()
			if compact := AppendCompact(nil, parsed.Root(), nil); spelled && string(d.src) != string(compact) {
				t.Fatalf("built %s\nwant  %s", d.src, compact)
			}
			sameTree(t, d)
			if !Equal(d.Root(), parsed.Root()) {
				t.Fatalf("built %s from %s", d.src, text)
			}
		}
	})
}

// plainMember tells whether a name is one that a Builder writes.
func plainMember(d *Document, n *node) bool {
	name := spelledName(d.src, n)
	for _, c := range name {
		if c < ' ' || c >= 0x80 {
			return false
		}
	}
	return len(name) > 0 && n.flags&nameEscaped == 0
}
