package validate

import (
	"bytes"
	"strconv"
	"strings"

	"fhirlog/domain/fhirxml/xmltext"
)

// plain are the bytes that text may have without a second look.
var plain = func() (table [256]bool) {
	for c := '!'; c <= 255; c++ {
		table[c] = c != '<' && c != '&' && c != '"' && c != '\''
	}
	return table
}()

// characters moves over text up to the byte end or a '<'.
func (s *xhtml) characters(end byte) bool {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		n := 0
		for n < len(rest) && plain[rest[n]] {
			n++
		}
		s.at += n
		s.content = s.content || n > 0
		if n == len(rest) {
			break
		}
		switch c := rest[n]; {
		case c == end || c == '<':
			return true
		case c == '&':
			if !s.entity() {
				return false
			}
			s.content = true
			continue
		case c > ' ': // the other quote
			s.content = true
		case !isXMLSpace(c):
			return s.fail("control characters are not allowed")
		}
		s.at++
	}
	return true
}

// entity moves over a reference such as &amp; &#160; &#xA0; or &nbsp;.
func (s *xhtml) entity() bool {
	const greatest = 12 // the longest is &thetasym;
	window := s.text[s.at+1 : min(len(s.text), s.at+1+greatest)]
	end := bytes.IndexByte(window, ';')
	if end <= 0 {
		return s.fail("an '&' that begins no entity must be written &amp;")
	}
	name := string(window[:end])
	if digits, isNumber := strings.CutPrefix(name, "#"); isNumber {
		base := 10
		if strings.HasPrefix(digits, "x") {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(digits, base, 32); err != nil || !xmltext.IsCharacter(rune(n)) {
			return s.fail("a character reference names no character of XML")
		}
	} else if !isEntity(name) {
		return s.fail("an entity is not one of XHTML 1.0")
	}
	s.at += 1 + end + 1
	return true
}
