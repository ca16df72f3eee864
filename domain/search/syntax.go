package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Search values separate alternatives by ',', the components of a composite by
// '$', and the parts of a token, quantity or canonical by '|'. A backslash
// before one of them, or before another backslash, takes its meaning away
// (https://hl7.org/fhir/R4/search.html#escaping).

// splitUnescaped splits at each separator that no backslash precedes. The
// parts keep their escapes. It makes no more parts than anything may have, and
// one: the last holds the rest then.
func splitUnescaped(s string, separator byte) []string {
	if strings.IndexByte(s, separator) < 0 {
		return []string{s}
	}
	var parts []string
	start := 0
	for i := 0; i < len(s) && len(parts) < maxOperands; i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// alternatives splits a value at its commas, and leaves out what is empty, as it
// would match nothing.
func (p *queryParser) alternatives(value string) ([]string, error) {
	parts := splitUnescaped(value, ',')
	if len(parts) > maxOperands {
		return nil, tooMuch("a value has more than %d alternatives", maxOperands)
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
	return parts, p.take(len(parts))
}

// resolveEscapes takes the backslashes of escapes out. One that escapes nothing
// stays, as it stands for itself.
func resolveEscapes(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,$|\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// paramName is the name of a parameter taken apart: code[:modifier][.rest].
type paramName struct {
	code, modifier string
	chained        bool
	rest           string // what follows the point: a name of its own
}

// cutName takes a name apart. It does not know _has, whose colons have a meaning
// of their own.
func cutName(name string) (paramName, error) {
	var n paramName
	head := name
	if at := strings.IndexByte(name, '.'); at >= 0 {
		head, n.rest, n.chained = name[:at], name[at+1:], true
		if n.rest == "" {
			return n, fault("the name %s ends in a point; a chain goes on with the parameter of the type referred to, as in subject:Patient.name", brief(name))
		}
	}
	n.code, n.modifier, _ = strings.Cut(head, ":")
	switch {
	case strings.Contains(n.modifier, ":"):
		return n, fault("the parameter %s has more than one modifier; one is possible, as in name:exact", brief(head))
	case strings.HasSuffix(head, ":"):
		return n, fault("the name %s ends in a colon; a modifier is missing, as in name:exact", brief(head))
	}
	return n, nil
}

// mostQuoted is how many bytes of what a client wrote stand in a message to it.
const mostQuoted = 40

// brief quotes the beginning of what a client wrote.
func brief(s string) string {
	if len(s) <= mostQuoted {
		return fmt.Sprintf("%q", s)
	}
	cut := mostQuoted
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", s[:cut])
}
