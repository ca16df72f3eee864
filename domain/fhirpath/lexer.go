package fhirpath

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	endToken     tokenKind = iota
	wordToken              // a plain identifier or keyword
	nameToken              // a delimited identifier, decoded
	stringToken            // decoded
	numberToken            // digits with an optional fraction
	dateToken              // what follows @
	specialToken           // $this and its like
	signToken              // an operator or punctuation
)

// token is one word of an expression.
type token struct {
	kind   tokenKind
	text   string
	offset int
}

// lexer cuts an expression into tokens.
type lexer struct {
	text string
	pos  int
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// next returns the token at the current place and goes behind it.
func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	start := l.pos
	if start == len(l.text) {
		return token{kind: endToken, offset: start}, nil
	}
	switch c := l.text[start]; {
	case isLetter(c):
		l.skipWord()
		return token{wordToken, l.text[start:l.pos], start}, nil
	case isDigit(c):
		l.skipDigits()
		if l.peek(0) == '.' && isDigit(l.peek(1)) {
			l.pos++
			l.skipDigits()
		}
		return token{numberToken, l.text[start:l.pos], start}, nil
	case c == '\'' || c == '`' || c == '"':
		return l.quoted(c)
	case c == '@':
		return l.date()
	case c == '$':
		l.pos++
		l.skipWord()
		return token{specialToken, l.text[start:l.pos], start}, nil
	}
	return l.sign()
}

// peek returns the byte at a distance from the current place, 0 at the end.
func (l *lexer) peek(distance int) byte {
	if l.pos+distance < len(l.text) {
		return l.text[l.pos+distance]
	}
	return 0
}

func (l *lexer) skipWord() {
	for isLetter(l.peek(0)) || isDigit(l.peek(0)) {
		l.pos++
	}
}

func (l *lexer) skipDigits() {
	for isDigit(l.peek(0)) {
		l.pos++
	}
}

// skipSpace goes over white space and comments.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			end := strings.IndexAny(l.text[l.pos:], "\r\n")
			if end < 0 {
				end = len(l.text) - l.pos
			}
			l.pos += end
		case c == '/' && l.peek(1) == '*':
			end := strings.Index(l.text[l.pos+2:], "*/")
			if end < 0 {
				return syntaxError(l.text, l.pos, "a comment begins here and never ends")
			}
			l.pos += end + 4
		default:
			return nil
		}
	}
	return nil
}

// sign reads an operator or punctuation.
func (l *lexer) sign() (token, error) {
	start := l.pos
	size := 1
	switch two := l.text[start:min(start+2, len(l.text))]; two {
	case "<=", ">=", "!=", "!~":
		size = 2
	default:
		if !strings.Contains("().,[]{}+-*/&|=~<>%", two[:1]) {
			r, _ := utf8.DecodeRuneInString(l.text[start:])
			return token{}, syntaxError(l.text, start, "the character "+strconv.QuoteRune(r)+" has no meaning here")
		}
	}
	l.pos += size
	return token{signToken, l.text[start:l.pos], start}, nil
}

// date reads @ and a date, dateTime or time. Which it is and whether it is one
// is for parseTemporal to say.
func (l *lexer) date() (token, error) {
	start := l.pos
	l.pos++
	if l.peek(0) != 'T' {
		l.skipDigits()
		for l.peek(0) == '-' && isDigit(l.peek(1)) {
			l.pos++
			l.skipDigits()
		}
	}
	if l.peek(0) == 'T' {
		timeOnly := l.pos == start+1
		l.pos++
		l.skipDigits()
		for l.peek(0) == ':' && isDigit(l.peek(1)) {
			l.pos++
			l.skipDigits()
		}
		if l.peek(0) == '.' && isDigit(l.peek(1)) {
			l.pos++
			l.skipDigits()
		}
		if !timeOnly {
			l.skipZone()
		}
	}
	return token{dateToken, l.text[start+1 : l.pos], start}, nil
}

// skipZone goes over Z or an offset such as +02:00.
func (l *lexer) skipZone() {
	switch c := l.peek(0); {
	case c == 'Z':
		l.pos++
	case (c == '+' || c == '-') && isDigit(l.peek(1)) && isDigit(l.peek(2)) && l.peek(3) == ':':
		l.pos += 4
		l.skipDigits()
	}
}
