package fhirpath

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string or delimited identifier. Double quotes, which FHIRPath
// once had for identifiers, serve as backticks.
func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	kind := stringToken
	if quote != '\'' {
		kind = nameToken
	}
	var decoded []byte
	l.pos++
	from := l.pos
	for {
		switch c := l.peek(0); {
		case l.pos >= len(l.text):
			return token{}, syntaxError(l.text, start, "a quotation begins here and never ends")
		case c == quote:
			text := l.text[from:l.pos]
			if decoded != nil {
				text = string(append(decoded, text...))
			}
			l.pos++
			if kind == nameToken && text == "" {
				return token{}, syntaxError(l.text, start, "a name cannot be empty")
			}
			if !utf8.ValidString(text) {
				return token{}, syntaxError(l.text, start, "the text in quotes is not valid UTF-8")
			}
			return token{kind, text, start}, nil
		case c == '\\':
			decoded = append(decoded, l.text[from:l.pos]...)
			var err error
			if decoded, err = l.escape(decoded); err != nil {
				return token{}, err
			}
			from = l.pos
		default:
			l.pos++
		}
	}
}

// escape reads a backslash and what follows, and appends the character meant.
func (l *lexer) escape(dst []byte) ([]byte, error) {
	at := l.pos
	c := l.peek(1)
	l.pos += 2
	switch c {
	case '\'', '"', '`', '\\', '/':
		return append(dst, c), nil
	case 'f':
		return append(dst, '\f'), nil
	case 'n':
		return append(dst, '\n'), nil
	case 'r':
		return append(dst, '\r'), nil
	case 't':
		return append(dst, '\t'), nil
	case 'u':
		r, ok := l.hexadecimal()
		if ok && utf16.IsSurrogate(r) && l.peek(0) == '\\' && l.peek(1) == 'u' {
			l.pos += 2
			var low rune
			low, ok = l.hexadecimal()
			r = utf16.DecodeRune(r, low)
		}
		if !ok || utf16.IsSurrogate(r) {
			return nil, syntaxError(l.text, at, `\u takes the four hexadecimal digits of a character`)
		}
		return utf8.AppendRune(dst, r), nil
	}
	return nil, syntaxError(l.text, at, `after a backslash one of ' " `+"`"+` \ / f n r t u is expected`)
}

// hexadecimal reads four digits.
func (l *lexer) hexadecimal() (rune, bool) {
	if l.pos+4 > len(l.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(l.text[l.pos:l.pos+4], 16, 16)
	l.pos += 4
	return rune(n), err == nil
}
