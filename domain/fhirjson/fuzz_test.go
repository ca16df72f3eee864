package fhirjson

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// seeds are the texts that every fuzz target starts from.
func seeds() []string {
	texts := []string{
		``, ` `, `null`, ` true `, `[]`, `{}`, `"a"`, `0`, `-0.0e-0`, `[1,2 , 3]`, `{"a":[{"b":null}]}`,
		`{"a":1,"\u0061":2}`, `{"a":{"b":1},"c":[true,false]}`, `"\ud83d\ude00 \uD83D"`, "\"\xff\"", "\uFEFF{}",
		`[01]`, `[1.]`, `[.5]`, `[+1]`, `[NaN]`, `[1e]`, `[1E+2,1.00,0.10]`, `[1,]`, `{"a":1,}`, `{} {}`, "\"\t\"",
		`{"b" : 1 , "a" : [ ] , "c":"\\\" \/\b\f\n\r\t"}`, `tru`, `[truex]`, `{"a"}`, `{"a":}`, `{1:2}`, `"`, `"\`, `"\u12`,
		observation(7), patient(), bundle(2), manyMembers(40), manyMembers(40) + "]",
		strings.Replace(manyMembers(40), `"m39"`, `"m\u0030"`, 1),
	}
	return texts
}

// FuzzParse compares Parse with jsontext: the same texts must be accepted, and
// the same tokens read.
func FuzzParse(f *testing.F) {
	for _, text := range seeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Parse(src, Limits{MaxDepth: greatestDepth})
		want, wantErr := oracleTokens(src)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Parse(%q) = %v, jsontext says %v", src, err, wantErr)
		}
		if err != nil {
			checkFault(t, src, err)
			return
		}
		if got := treeTokens(nil, d.Root()); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("Parse(%q)\n got %q\nwant %q", src, got, want)
		}
		checkTree(t, d)
	})
}

// oracleTokens reads the whole text with jsontext and writes each token as
// treeTokens does.
func oracleTokens(src []byte) ([]string, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(src))
	var tokens []string
	for {
		whole := len(tokens) > 0 && decoder.StackDepth() == 0
		token, err := decoder.ReadToken()
		if err == io.EOF && whole {
			return tokens, nil
		}
		if err != nil {
			return nil, err
		}
		if whole {
			return nil, errors.New("a second value follows")
		}
		tokens = append(tokens, string(rune(token.Kind()))+" "+token.String())
	}
}

// treeTokens writes the tokens of a tree: a character for the kind, and the
// decoded text of strings and names or the spelling of everything else.
func treeTokens(tokens []string, v Value) []string {
	if v.IsMember() {
		tokens = append(tokens, `" `+string(v.Name()))
	}
	switch v.Kind() {
	case String:
		return append(tokens, `" `+v.String())
	case Number:
		return append(tokens, "0 "+string(v.Raw()))
	case Object, Array:
		raw := v.Raw()
		tokens = append(tokens, string(raw[:1])+" "+string(raw[:1]))
		for child := v.First(); child.Exists(); child = child.Next() {
			tokens = treeTokens(tokens, child)
		}
		last := string(raw[len(raw)-1:])
		return append(tokens, last+" "+last)
	}
	return append(tokens, string(v.Raw()[:1])+" "+string(v.Raw()))
}

// FuzzCompact compares AppendCompact with jsontext and checks that it changes
// nothing that counts.
func FuzzCompact(f *testing.F) {
	for _, text := range seeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Parse(src, Limits{})
		if err != nil {
			t.Skip()
		}
		checkCompact(t, d)
		compact := mustParse(t, string(AppendCompact(nil, d.Root(), nil)))
		if !Equal(d.Root(), compact.Root()) {
			t.Fatalf("%q is not equal to its compact form", src)
		}
	})
}

// FuzzEqual compares Equal with encoding/json. The mutation of b by the fuzzer
// finds differences; the pairs with other order are made here.
func FuzzEqual(f *testing.F) {
	for _, text := range seeds() {
		f.Add([]byte(text), []byte(text))
		f.Add([]byte(text), []byte(" "+text+" "))
	}
	f.Add([]byte(`{"a":1,"b":[2.0]}`), []byte(`{"b":[2.0],"\u0061":1}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, err := Parse(first, Limits{})
		if err != nil {
			t.Skip()
		}
		reversed := mustParse(t, string(appendReversed(nil, a.Root())))
		if !Equal(a.Root(), reversed.Root()) || !Equal(reversed.Root(), a.Root()) {
			t.Fatalf("%q is not equal to %q", first, reversed.src)
		}
		b, err := Parse(second, Limits{})
		if err != nil {
			return
		}
		want := equalByMaps(t, a.Root(), b.Root())
		if Equal(a.Root(), b.Root()) != want || Equal(b.Root(), a.Root()) != want || Equal(reversed.Root(), b.Root()) != want {
			t.Fatalf("Equal(%q, %q) is not %t", first, second, want)
		}
	})
}

// appendReversed writes v with the members of all objects in reverse order and
// all strings spelled anew.
func appendReversed(dst []byte, v Value) []byte {
	switch v.Kind() {
	case String:
		return AppendQuoted(dst, v.String())
	case Object, Array:
		var parts [][]byte
		for child := v.First(); child.Exists(); child = child.Next() {
			var part []byte
			if child.IsMember() {
				part = append(AppendQuoted(part, string(child.Name())), ':')
			}
			parts = append(parts, appendReversed(part, child))
		}
		raw := v.Raw()
		if v.Kind() == Object {
			slices.Reverse(parts)
		}
		dst = append(dst, raw[0])
		dst = append(dst, bytes.Join(parts, []byte(", "))...)
		return append(dst, raw[len(raw)-1])
	}
	return append(dst, v.Raw()...)
}
