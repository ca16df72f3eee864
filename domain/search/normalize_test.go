package search

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNormalize(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"already normal 1", "already normal 1"},
		{"Müller", "muller"},
		{"mu\u0308LLER", "muller"},
		{"  two\t\n words\u00a0\u3000here  ", "two words here"},
		{" ", ""},
		{"Straße STRASSE ẞ", "strasse strasse ss"},
		{"Ångström Åse", "angstrom ase"},
		{"Ørsted Łódź Đà Æon Œuvre", "orsted lodz da aeon oeuvre"},
		{"ΟΔΥΣΣΕΎΣ οδυσσεύς", "οδυσσευσ οδυσσευσ"},
		{"ᾳ ΑΙ", "α αι"},
		{"Ёлка", "елка"},
		{"İstanbul Iğdır", "istanbul igdir"},
		{"ﬁne ①", "fine 1"},
		{"Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"},
		{"ｶﾞ", "カ"},
		{"café\u200d\u00ad", "cafe"},
		{"שָׁלוֹם", "שלום"},
		{"µg μg", "μg μg"},
		{"\xff", "\uFFFD"},
	}
	for _, test := range tests {
		if got := Normalize(test.text); got != test.want {
			t.Errorf("Normalize(%q) = %q, want %q", test.text, got, test.want)
		}
	}
	if a, b := Normalize("각"), Normalize("\u1100\u1161\u11a8"); a != b {
		t.Errorf("the two spellings of a syllable differ: %q, %q", a, b)
	}
}

func TestNormalizeEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		once := Normalize(string(r))
		if twice := Normalize(once); twice != once {
			t.Errorf("%U: %q becomes %q", r, once, twice)
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got := Normalize(string(other)); got != once && r != '\u0345' && other != '\u0345' { // a mark, which falls away
				t.Errorf("%U is %q, but %U, which differs in case, %q", r, once, other, got)
			}
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, text := range []string{"", "a  b", "Müller", "ΟΔΥΣΣΕΎΣ", "각", " \u0301a", "\xff\xfe", "ẞ\u0345", "a\u0301\u0327 b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := Normalize(text)
		if twice := Normalize(once); twice != once {
			t.Errorf("Normalize(%q) = %q, and of that %q", text, once, twice)
		}
		if strings.TrimSpace(once) != once || strings.Contains(once, "  ") {
			t.Errorf("Normalize(%q) = %q has superfluous space", text, once)
		}
		if !utf8.ValidString(once) {
			t.Errorf("Normalize(%q) = %q is not UTF-8", text, once)
		}
		if upper := Normalize(strings.ToUpper(text)); isASCIIText(text) && upper != once {
			t.Errorf("Normalize(%q) depends on case: %q, %q", text, once, upper)
		}
	})
}

func isASCIIText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

func BenchmarkNormalize(b *testing.B) {
	for _, text := range []string{"eva li", "Eva Li", "José Eduardo Gómez"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			exact, buffer := []byte(text), make([]byte, 0, 64)
			for b.Loop() {
				buffer = appendNormalized(buffer[:0], exact)
			}
		})
	}
}
