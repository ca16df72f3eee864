package fhirjson

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestAppendQuoted(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{`a"b\c/d`, `"a\"b\\c/d"`},
		{"\b\f\n\r\t\x00\x1f\x7f", `"\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`},
		{"é😀\u2028", "\"é😀\u2028\""},
		{"a\xffb\xc3", "\"a\uFFFDb\uFFFD\""},
		{"<&>", `"<&>"`},
	}
	for _, test := range tests {
		if got := string(AppendQuoted([]byte("x"), test.text)); got != "x"+test.want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", test.text, got[1:], test.want)
		}
	}
}

// FuzzAppendQuoted compares with jsontext, and reads back what was written.
func FuzzAppendQuoted(f *testing.F) {
	for _, text := range append(seeds(), "\xed\xa0\x80", "\uFFFD", "\x7f") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := AppendQuoted(nil, text)
		want, invalid := jsontext.AppendQuote(nil, text)
		if string(got) != string(want) {
			t.Fatalf("AppendQuoted(%q) = %s, want %s", text, got, want)
		}
		v := mustParse(t, string(got)).Root()
		if invalid == nil && v.String() != text {
			t.Fatalf("%q becomes %q", text, v.String())
		}
	})
}
