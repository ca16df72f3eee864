package fhirjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// mustParse parses a text that a test knows to be right.
func mustParse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text), Limits{MaxDepth: greatestDepth})
	if err != nil {
		t.Fatalf("Parse(%.200q) = %v, want no error", text, err)
	}
	return d
}

// manyMembers is an object with n members named m0, m1 and so on.
func manyMembers(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"m%d":%d`, i, i)
	}
	b.WriteByte('}')
	return b.String()
}

// checkFault checks what holds of every SyntaxError.
func checkFault(t testing.TB, src []byte, err error) {
	t.Helper()
	var fault *SyntaxError
	if !errors.As(err, &fault) {
		t.Fatalf("Parse(%q) fails with a %T, want a *SyntaxError", src, err)
	}
	if fault.Offset < 0 || fault.Offset > int64(len(src)) {
		t.Errorf("Parse(%q): offset %d is outside of the text", src, fault.Offset)
	}
	line, column := position(src, int(fault.Offset))
	if fault.Line != line || fault.Column != column {
		t.Errorf("Parse(%q): line %d column %d, but the offset says %d, %d", src, fault.Line, fault.Column, line, column)
	}
	if fault.Message == "" || fault.Path == "" || !utf8.ValidString(fault.Error()) {
		t.Errorf("Parse(%q): unusable error %q at %q", src, fault.Message, fault.Path)
	}
}

// checkTree checks the invariants of the tree that the package documentation
// draws.
func checkTree(t testing.TB, d *Document) {
	t.Helper()
	visited := 0
	var visit func(v Value, low, high int)
	visit = func(v Value, low, high int) {
		if int(v.i) != visited {
			t.Fatalf("%q: node %d is visited as number %d", d.src, v.i, visited)
		}
		visited++
		if visited < 100 && (v.Path() == "" || !utf8.ValidString(v.Path())) {
			t.Fatalf("%q: node %d has the path %q", d.src, v.i, v.Path())
		}
		if v.NameStart() < low || v.Start() < v.NameStart() || v.End() <= v.Start() || v.End() > high {
			t.Fatalf("%q: node %d (bytes %d to %d) is not within %d to %d", d.src, v.i, v.Start(), v.End(), low, high)
		}
		count, low := 0, v.Start()
		for child := v.First(); child.Exists(); child = child.Next() {
			if child.IsMember() != (v.Kind() == Object) {
				t.Fatalf("%q: node %d: member is %t in an %v", d.src, child.i, child.IsMember(), v.Kind())
			}
			visit(child, low, v.End())
			low = child.End()
			count++
		}
		if count != v.Len() {
			t.Fatalf("%q: node %d: Len() = %d, want %d", d.src, v.i, v.Len(), count)
		}
	}
	visit(d.Root(), 0, len(d.src))
	if visited != len(d.nodes) {
		t.Fatalf("%q: %d of %d nodes are reachable", d.src, visited, len(d.nodes))
	}
}
