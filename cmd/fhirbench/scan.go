package main

import "bytes"

// A scanner walks over JSON that a server sent, and no further than needed:
// values that do not matter are skipped at the speed of finding quotes and
// braces, about 1 GB/s. It does not validate what it skips. Its methods return
// false when the text is not what they expect.
type scanner struct {
	text []byte
	at   int
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take consumes one byte.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// object calls member for each member; that must consume its value. It ends
// early when member returns false.
func (s *scanner) object(member func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	for first := true; s.peek() != '}'; first = false {
		if !first && !s.take(',') {
			return false
		}
		name, ok := s.str()
		if !ok || !s.take(':') || !member(name) {
			return false
		}
	}
	s.at++
	return true
}

// array calls element for each element, as object does.
func (s *scanner) array(element func() bool) bool {
	if !s.take('[') {
		return false
	}
	for first := true; s.peek() != ']'; first = false {
		if !first && !s.take(',') || !element() {
			return false
		}
	}
	s.at++
	return true
}

// str returns what is between a string's quotes, with its escapes.
func (s *scanner) str() ([]byte, bool) {
	if s.peek() != '"' {
		return nil, false
	}
	end := stringEnd(s.text, s.at+1)
	if end < 0 {
		return nil, false
	}
	text := s.text[s.at+1 : end]
	s.at = end + 1
	return text, true
}

// number returns a whole number that is not negative.
func (s *scanner) number() (n int, ok bool) {
	for c := s.peek(); c >= '0' && c <= '9' && n < 1<<50; c = s.peek() {
		n, ok = n*10+int(c-'0'), true
		s.at++
	}
	return n, ok
}

// value skips any value and returns its text.
func (s *scanner) value() ([]byte, bool) {
	depth, first := 0, s.peek()
	start := s.at
	switch first {
	case '"':
		_, ok := s.str()
		return s.text[start:s.at], ok
	case '{', '[':
	default:
		for s.at < len(s.text) && bytes.IndexByte([]byte(",]} \t\r\n"), s.text[s.at]) < 0 {
			s.at++
		}
		return s.text[start:s.at], s.at > start
	}
	for i := start; i < len(s.text); i++ {
		switch s.text[i] {
		case '"':
			if i = stringEnd(s.text, i+1); i < 0 {
				return nil, false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at = i + 1
				return s.text[start:s.at], true
			}
		}
	}
	return nil, false
}

// skip skips a value.
func (s *scanner) skip() bool {
	_, ok := s.value()
	return ok
}

// stringEnd finds the quote that ends a string, -1 when there is none. The
// string begins at from, after its first quote.
func stringEnd(text []byte, from int) int {
	for at := from; ; {
		i := bytes.IndexByte(text[at:], '"')
		if i < 0 {
			return -1
		}
		at += i
		escapes := 0
		for at-escapes > from && text[at-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
		at++
	}
}
