package event

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of what a client says of itself goes into an event, in bytes.
const (
	MaxAuthor = 256
	MaxAgent  = 128
	MaxReason = 1000
)

// Legible says whether a character may stand in an author, an agent or a reason: none
// that steers a terminal, begins a line, or makes text appear in another order than it
// has (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters), since
// people rely on what they read there.
func Legible(c rune) bool {
	switch {
	case unicode.IsControl(c), c == '\u2028', c == '\u2029',
		c >= '\u202a' && c <= '\u202e', c >= '\u2066' && c <= '\u2069':
		return false
	}
	return true
}

// CheckText says what keeps a text from going into an event, in words that end a
// sentence.
func CheckText(s string, most int) error {
	if len(s) > most {
		return fmt.Errorf("must have at most %d bytes, and has %d", most, len(s))
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("must be UTF-8, and is not")
	}
	for i, c := range s {
		if !Legible(c) {
			return fmt.Errorf("must have no control characters, and has one at byte %d", i+1)
		}
	}
	return nil
}

// Clean makes a text fit for an event: what cannot stand there becomes '?', and what
// is too long is cut.
func Clean(s string, most int) string {
	if CheckText(s, most) == nil {
		return s
	}
	var clean strings.Builder
	for _, c := range s {
		if c == utf8.RuneError || !Legible(c) {
			c = '?'
		}
		if clean.Len()+utf8.RuneLen(c) > most {
			break
		}
		clean.WriteRune(c)
	}
	return clean.String()
}

// ParseAddress reads the address of a client, with a port or without, in the form in
// which events have it.
func ParseAddress(s string) (netip.Addr, bool) {
	bare := s
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		bare = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(bare)
	if err != nil {
		with, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = with.Addr()
	}
	return a.Unmap().WithZone(""), true
}
