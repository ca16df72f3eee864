package search

import (
	"bytes"
	"strings"
	"testing"
)

func TestStringValue(t *testing.T) {
	long := strings.Repeat("ab ", 300)
	tests := []struct {
		name, text, want string // want is described; empty: look at cut only
		cut              bool
	}{
		{"normal", "abc", "[abc][]", false},
		{"exact_differs", "ÄBC", "[abc][ÄBC]", false},
		{"empty", "", "[][]", false},
		{"space_only", "  ", "[][]", false},
		{"long", long, "", true},
		{"long_only_as_written", "a" + strings.Repeat(" ", 700), "", true},
		{"like_a_digest", "\x02abc", "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			value := AppendStringValue(nil, test.text)
			if got := describeValue(value); test.want != "" && got != test.want {
				t.Errorf("AppendStringValue(%q) = %s, want %s", test.text, got, test.want)
			}
			if got := StringIsCut(value); got != test.cut {
				t.Errorf("StringIsCut = %v", got)
			}
			if len(value) > MaxKeyText+40 {
				t.Errorf("the value has %d bytes", len(value))
			}
			if again := appendStringValue(nil, []byte(test.text), []byte(Normalize(test.text))); !bytes.Equal(value, again) {
				t.Errorf("extraction makes %q, a query %q", again, value)
			}
		})
	}
	if bytes.Equal(AppendStringValue(nil, long+"x"), AppendStringValue(nil, long+"y")) {
		t.Error("two long texts have the same value")
	}
}

func TestCutKeepsCharacters(t *testing.T) {
	prefix, cut := AppendStringPrefix(nil, strings.Repeat("я", MaxKeyText))
	if !cut || len(prefix) != MaxKeyText || !strings.HasSuffix(string(prefix), "я") {
		t.Errorf("cut %v, %d bytes, ends in %q", cut, len(prefix), prefix[len(prefix)-2:])
	}
	if got := cutText(strings.Repeat("я", 10), 5); got != "яя" {
		t.Errorf("cutText = %q", got)
	}
}

func TestTokenValue(t *testing.T) {
	long := strings.Repeat("L", 700)
	tests := []struct {
		system, code string
		mark         byte
		want         string
	}{
		{"", "a", NoSystem, "[a][2]"},
		{"urn:s", "a", GivenSystem, "[a][3 urn:s]"},
		{"urn:s", "a", ImpliedSystem, "[a][4 urn:s]"},
		{"urn:s", "Aä", GivenSystem, "[Aä][3 urn:s]"},
		{"http://loinc.org", "LA1-2", GivenSystem, "[la1-2][3 http://loinc.org]"},
		{"urn:ietf:bcp:47", "en-US", ImpliedSystem, "[en-us][4 urn:ietf:bcp:47]"},
	}
	for _, test := range tests {
		if got := describeValue(AppendTokenValue(nil, test.system, test.code, test.mark)); got != test.want {
			t.Errorf("AppendTokenValue(%q, %q) = %s, want %s", test.system, test.code, got, test.want)
		}
	}
	if value := AppendTokenValue(nil, "urn:"+long, long, GivenSystem); len(value) > 80 {
		t.Errorf("a long token has a value of %d bytes", len(value))
	}
	if system, whole := AppendSystem(nil, "urn:s", GivenSystem), AppendTokenValue(nil, "urn:s", "a", GivenSystem); !bytes.HasSuffix(whole, system) {
		t.Errorf("the system %q is no part of the token %q", system, whole)
	}
}

// The forms of https://hl7.org/fhir/R4/references.html#literal.
func TestParseReference(t *testing.T) {
	type parts struct {
		id, typ, version, url, fragment string
		ok                              bool
	}
	tests := []struct {
		text string
		want parts
	}{
		{"Patient/1", parts{id: "1", typ: "Patient", ok: true}},
		{"Patient/1/_history/2", parts{id: "1", typ: "Patient", version: "2", ok: true}},
		{"1", parts{id: "1", ok: true}},
		{"a-b.C", parts{id: "a-b.C", ok: true}},
		{"http://example.org/fhir/Patient/1", parts{id: "1", typ: "Patient", url: "http://example.org/fhir/Patient/1", ok: true}},
		{"http://example.org/Patient/1/_history/2", parts{id: "1", typ: "Patient", version: "2", url: "http://example.org/Patient/1", ok: true}},
		{"http://example.org/vs", parts{url: "http://example.org/vs", ok: true}},
		{"http://example.org/ValueSet/a|1.0", parts{url: "http://example.org/ValueSet/a", version: "1.0", ok: true}},
		{"http://example.org/a|1.0#f", parts{url: "http://example.org/a", version: "1.0", fragment: "f", ok: true}},
		{"urn:uuid:5", parts{url: "urn:uuid:5", ok: true}},
		{"urn:oid:1.2.3", parts{url: "urn:oid:1.2.3", ok: true}},
		{"#f", parts{fragment: "f", ok: true}},
		{"Patient/1#f", parts{id: "1", typ: "Patient", fragment: "f", ok: true}},
		{"", parts{}}, {"#", parts{}}, {"Patient/", parts{typ: "Patient"}}, {"/1", parts{id: "1"}}, {"patient/1", parts{id: "1", typ: "patient"}},
		{"Patient?identifier=1", parts{id: "Patient?identifier=1"}}, {"a b", parts{id: "a b"}}, {"1/_history/2", parts{id: "1", version: "2"}},
		{strings.Repeat("1", 65), parts{id: strings.Repeat("1", 65)}},
	}
	for _, test := range tests {
		id, typ, version, url, fragment, ok := ParseReference(test.text)
		if got := (parts{id, typ, version, url, fragment, ok}); got != test.want {
			t.Errorf("ParseReference(%q) = %+v, want %+v", test.text, got, test.want)
		}
	}
}

func TestReferenceValue(t *testing.T) {
	local, byURL := AppendReferenceValue(nil, "1", "Patient", ""), AppendURLValue(nil, "http://example.org/Patient/1", "2")
	if got := describeValue(local) + describeValue(byURL); got != "[1][Patient][][2 http://example.org/Patient/1][2][]" {
		t.Errorf("values %s", got)
	}
	if got := targetOf(local) + " " + targetOf(byURL) + targetOf(nil); got != "Patient Patient" {
		t.Errorf("targets %s", got)
	}
}

// components are texts in the order of their bytes.
func FuzzComponents(f *testing.F) {
	for _, pair := range [][2]string{{"", ""}, {"a", "ab"}, {"\x00", "\x01"}, {"a\x00", "a"}, {"a\x01\x02", "a\x01"}, {"\x01", "\x02"}, {"é", "e"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		keyA, keyB := AppendComponent(nil, a), AppendComponent(nil, b)
		if bytes.Compare(keyA, keyB) != strings.Compare(a, b) {
			t.Errorf("%q and %q are in another order as components", a, b)
		}
		if fast := appendComponent(nil, a); !bytes.Equal(fast, keyA) {
			t.Errorf("%q in one piece is %q, not %q", a, fast, keyA)
		}
		if a != b && (bytes.HasPrefix(keyA, keyB) || bytes.HasPrefix(keyB, keyA)) {
			t.Errorf("of %q and %q one begins the other", a, b)
		}
		back, rest, ok := CutComponent(append(bytes.Clone(keyA), keyB...))
		if !ok || string(back) != a || !bytes.Equal(rest, keyB) {
			t.Errorf("%q comes back as %q, rest %q", a, back, rest)
		}
		if open := AppendOpen(nil, a); !bytes.HasPrefix(AppendComponent(nil, a+b), open) {
			t.Errorf("%q does not begin %q", a, a+b)
		}
	})
}

// FuzzStringValue checks that values of strings are found by their beginnings,
// and are equal only for equal texts.
func FuzzStringValue(f *testing.F) {
	for _, pair := range [][2]string{{"Müller", "mu"}, {"a", "A"}, {"\x02", ""}, {strings.Repeat("x", 700), "y"}, {"  a", "a  "}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		valueA, valueB := AppendStringValue(nil, a), AppendStringValue(nil, b)
		if bytes.Equal(valueA, valueB) != (a == b) && Normalize(a) != "" {
			t.Errorf("%q and %q: equal values %v", a, b, bytes.Equal(valueA, valueB))
		}
		normal := Normalize(a)
		if prefix, _ := AppendStringPrefix(nil, normal); !bytes.HasPrefix(valueA, prefix) {
			t.Errorf("%q is not found by %q", a, normal)
		}
		first, rest, ok := CutComponent(valueA)
		if second, none, ok2 := CutComponent(rest); !ok || !ok2 || len(none) > 0 || len(first) > MaxKeyText || len(second) > MaxKeyText {
			t.Errorf("%q has the value %q", a, valueA)
		}
	})
}
