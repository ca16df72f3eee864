package xmltext

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

const noCharacter = "XML does not have this control character"

// plainInText are the bytes that text has without a second look.
var plainInText = func() (table [256]bool) {
	for c := ' '; c <= 255; c++ {
		table[c] = c != '<' && c != '&' && c != ']'
	}
	table['\t'], table['\n'], table['\r'] = true, true, true
	return table
}()

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func skipSpace(src []byte, i int) int {
	for i < len(src) && isSpace(src[i]) {
		i++
	}
	return i
}

// text reads the characters up to the next tag.
func (s *Scanner) text() bool {
	start := s.at
	i := skipSpace(s.src, start)
	blank := i == len(s.src) || s.src[i] == '<'
	if len(s.open) == 0 {
		if !blank {
			return s.fail(i, "text stands outside of the root element")
		}
		s.at = i
		return s.Next()
	}
	for !blank {
		for i < len(s.src) && plainInText[s.src[i]] {
			i++
		}
		if i >= len(s.src) || s.src[i] == '<' {
			break
		}
		switch c := s.src[i]; {
		case c == '&':
			end, ok := s.reference(i)
			if !ok {
				return false
			}
			i = end
			continue
		case c != ']':
			return s.fail(i, noCharacter)
		case bytes.HasPrefix(s.src[i:], []byte("]]>")):
			return s.fail(i, "the characters ]]> in text must be written ]]&gt;")
		}
		i++
	}
	s.at = i
	s.Kind, s.Empty, s.Blank, s.Start, s.End = Text, false, blank, start, i
	return true
}

// longestReference is the length of the longest reference that is looked for,
// without & and ;. HTML's longest name within XHTML is thetasym.
const longestReference = 12

// reference checks the reference at i, and tells where it ends.
func (s *Scanner) reference(i int) (end int, ok bool) {
	name, ok := referenceAt(s.src, i)
	if !ok {
		return i, s.fail(i, "an '&' that begins no reference must be written &amp;")
	}
	if name[0] == '#' {
		if _, ok := characterOf(name[1:]); !ok {
			return i, s.fail(i, "the reference names no character that XML has")
		}
	} else if named(name) == 0 && (s.options.Entity == nil || !s.options.Entity(name)) {
		return i, s.fail(i, "this entity is not declared: XML itself has &amp; &lt; &gt; &quot; and &apos; only; others are written as characters or by number, such as &#160;")
	}
	return i + len(name) + 2, true
}

// referenceAt returns what stands between & and ;.
func referenceAt(src []byte, i int) (name []byte, ok bool) {
	window := src[i+1 : min(len(src), i+2+longestReference)]
	end := bytes.IndexByte(window, ';')
	if end <= 0 {
		return nil, false
	}
	return window[:end], true
}

// characterOf reads a character reference behind its '#'.
func characterOf(digits []byte) (rune, bool) {
	base := 10
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	if len(digits) == 0 || digits[0] == '+' || digits[0] == '-' || digits[0] == '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune && IsCharacter(rune(n))
}

// IsCharacter tells whether XML has a character
// (https://www.w3.org/TR/xml/#charsets).
func IsCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

// named is the character of an entity that XML itself has, 0 for others.
func named(name []byte) rune {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	return 0
}

// AppendValue appends the value of an attribute: references resolved, white
// space other than blanks made blanks (https://www.w3.org/TR/xml/#AVNormalize).
// The spelled value must have come from a Scanner.
func AppendValue(dst, spelled []byte) []byte { return appendResolved(dst, spelled, true) }

// AppendText appends the characters of a Text: references resolved, and ends of
// lines made line feeds. The spelled text must have come from a Scanner.
func AppendText(dst, spelled []byte) []byte { return appendResolved(dst, spelled, false) }

func appendResolved(dst, spelled []byte, value bool) []byte {
	for i := 0; i < len(spelled); i++ {
		c := spelled[i]
		switch {
		case c == '&':
			name, _ := referenceAt(spelled, i)
			if len(name) == 0 {
				break
			}
			r := named(name)
			if name[0] == '#' {
				r, _ = characterOf(name[1:])
			}
			if r == 0 {
				break
			}
			dst = utf8.AppendRune(dst, r)
			i += len(name) + 1
			continue
		case c == '\r':
			if i+1 < len(spelled) && spelled[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		if value && (c == '\t' || c == '\n') {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
