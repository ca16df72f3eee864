package event

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckText(t *testing.T) {
	for text, fault := range map[string]string{
		"":                             "",
		"ticket 12: asked for by é 東京": "",
		"می\u200cخواهم":                "", // a joiner is part of how Persian is written
		strings.Repeat("x", 40):        "",
		strings.Repeat("x", 41):        "at most 40 bytes, and has 41",
		strings.Repeat("é", 21):        "at most 40 bytes, and has 42",
		"caf\xe9":                      "must be UTF-8",
		"a\x00":                        "one at byte 2",
		"\x1b[31m":                     "one at byte 1",
		"one\ntwo":                     "one at byte 4",
		"one\ttwo":                     "one at byte 4",
		"del\x7f":                      "one at byte 4",
		"c1\u0085":                     "one at byte 3",
		"two\u2028lines":               "one at byte 4",
		"back\u202ewards":              "one at byte 5",
		"isolated\u2066":               "one at byte 9",
	} {
		err := CheckText(text, 40)
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("CheckText(%q) = %v, want %q", text, err, fault)
		}
	}
}

func TestCleanLeavesWhatIsFit(t *testing.T) {
	for text, want := range map[string]string{
		"curl/8.5.0":                  "curl/8.5.0",
		"a\x00b\x1b\u202e":            "a?b??",
		"caf\xe9":                     "caf?",
		strings.Repeat("x", 50):       strings.Repeat("x", 20),
		strings.Repeat("é", 50):       strings.Repeat("é", 10),
		"x" + strings.Repeat("é", 50): "x" + strings.Repeat("é", 9), // no half of a character
	} {
		if got := Clean(text, 20); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "192.0.2.7:8080": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"[::ffff:192.0.2.7]:80": "192.0.2.7", "2001:DB8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1",
		"[2001:db8::1]:443": "2001:db8::1", "fe80::1%eth0": "fe80::1", "[fe80::1%eth0]:443": "fe80::1", "0.0.0.0": "0.0.0.0", "::": "::",
		"": "", "unknown": "", "_hidden": "", "host.example": "", "192.0.2.7.1": "", "192.0.2.07": "", "[::1": "", "::1]": "", "[]": "", "1.2.3.4:99999": "",
		"192.0.2.7, 192.0.2.8": "", " 192.0.2.7": "",
	} {
		got, ok := ParseAddress(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("ParseAddress(%q) = %v, %t; want %q", text, got, ok, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{"", "curl/8.5.0", "caf\xe9", "a\u202eb", "192.0.2.7:80", "[2001:db8::1%x]:443", "::ffff:1.2.3.4"} {
		f.Add(text, 20)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		most &= 0xfff
		clean := Clean(text, most)
		if err := CheckText(clean, most); err != nil || !utf8.ValidString(clean) {
			t.Errorf("Clean(%q, %d) = %q, which %v", text, most, clean, err)
		}
		if CheckText(text, most) == nil && clean != text {
			t.Errorf("Clean(%q, %d) = %q, although nothing was wrong with it", text, most, clean)
		}
		a, ok := ParseAddress(text)
		if !ok {
			return
		}
		if again, err := netip.ParseAddr(a.String()); err != nil || again != a {
			t.Errorf("ParseAddress(%q) = %v, which reads as %v, %v", text, a, again, err)
		}
		e := Event{Kind: Deleted, Interaction: Delete, Address: a}
		if back, err := Decode(e.Append(nil)); err != nil || back != e {
			t.Errorf("Decode(Append(address %v)) = %+v, %v", a, back, err)
		}
	})
}

func TestOwnAuthors(t *testing.T) {
	for author, own := range map[string]bool{ByRestore: true, ByJobs: true, "fhirlog x": true, "fhirlog": false, "Ida Sand": false, "": false} {
		if IsOwnAuthor(author) != own {
			t.Errorf("IsOwnAuthor(%q) = %t", author, !own)
		}
	}
}
