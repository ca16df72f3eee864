package fhirjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The scanners below read one token each, in one pass. They answer with the
// offset after the token, or with the offset of the fault and what is wrong
// there in plain words.

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// specialBytes marks, in the high bit of its byte, the first byte of w that
// cannot be skipped in a string: quote, backslash, control character or
// non-ASCII. Marks above the first one may be false (borrows run upwards).
func specialBytes(w uint64) uint64 {
	quote := (w ^ '"'*everyByte) - everyByte
	backslash := (w ^ '\\'*everyByte) - everyByte
	control := w - ' '*everyByte
	return (quote | backslash | control | w) & highBits
}

// skipPlain returns the offset of the first byte from i on that a string does
// not simply contain. It may stop early within the last eight bytes of src.
func skipPlain(src []byte, i int) int {
	for i+8 <= len(src) {
		if special := specialBytes(binary.LittleEndian.Uint64(src[i:])); special != 0 {
			return i + bits.TrailingZeros64(special)>>3
		}
		i += 8
	}
	return i
}

// scanString reads a string from some byte after its opening quote.
func scanString(src []byte, i int) (end int, escaped bool, wrong string) {
	for i < len(src) {
		if i = skipPlain(src, i); i == len(src) {
			break
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped, ""
		case c == '\\':
			escaped = true
			if i, wrong = scanEscape(src, i); wrong != "" {
				return i, escaped, wrong
			}
		case c < ' ':
			return i, escaped, "a control character in a string must be written as an escape, such as \\n or \\u0009"
		case c < utf8.RuneSelf:
			i++
		default:
			if i, wrong = scanUTF8(src, i); wrong != "" {
				return i, escaped, wrong
			}
		}
	}
	return i, escaped, "the text ends in the middle of a string"
}

// scanUTF8 reads the non-ASCII characters from i on.
func scanUTF8(src []byte, i int) (end int, wrong string) {
	for i < len(src) && src[i] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(src[i:])
		if size == 1 {
			return i, "the string is not valid UTF-8 here"
		}
		i += size
	}
	return i, ""
}

// scanEscape reads the escape that begins with the backslash at i.
func scanEscape(src []byte, i int) (end int, wrong string) {
	const cutOff = "the text ends in the middle of a string"
	if i+1 >= len(src) {
		return i + 1, cutOff
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, ""
	case 'u':
	default:
		return i, "this backslash begins no escape that JSON has (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u)"
	}
	if len(src)-i < 6 {
		return i, "\\u must be followed by four hexadecimal digits"
	}
	switch r := hexRune(src[i+2:]); {
	case r < 0:
		return i, "\\u must be followed by four hexadecimal digits"
	case r >= 0xDC00 && r < 0xE000:
		return i, "this \\u escape is the second half of a surrogate pair without the first"
	case r >= 0xD800 && r < 0xDC00:
		if len(src)-i < 12 || src[i+6] != '\\' || src[i+7] != 'u' || hexRune(src[i+8:])>>10 != 0xDC00>>10 {
			return i, "this \\u escape is the first half of a surrogate pair without the second"
		}
		return i + 12, ""
	}
	return i + 6, ""
}

// scanScalar reads a value at i that is neither string nor container.
func scanScalar(src []byte, i int) (end int, kind Kind, wrong string) {
	word := ""
	switch src[i] {
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, wrong = scanNumber(src, i)
		return end, Number, wrong
	case 't':
		word, kind = "true", True
	case 'f':
		word, kind = "false", False
	case 'n':
		word, kind = "null", Null
	}
	end = i + len(word)
	if word == "" || end > len(src) || string(src[i:end]) != word {
		return i, kind, noValue(src, i)
	}
	return end, kind, ""
}

// scanNumber reads the number that begins at i with a digit or a minus sign.
func scanNumber(src []byte, i int) (end int, wrong string) {
	if src[i] == '-' {
		i++
	}
	switch {
	case i >= len(src) || !isDigit(src[i]):
		return i, "a digit must follow the minus sign of a number"
	case src[i] == '0':
		i++
		if i < len(src) && isDigit(src[i]) {
			return i - 1, "a number must not begin with a superfluous 0"
		}
	default:
		i = skipDigits(src, i)
	}
	if i < len(src) && src[i] == '.' {
		i++
		if i >= len(src) || !isDigit(src[i]) {
			return i, "a digit must follow the decimal point of a number"
		}
		i = skipDigits(src, i)
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if i >= len(src) || !isDigit(src[i]) {
			return i, "a digit must follow in the exponent of a number"
		}
		i = skipDigits(src, i)
	}
	return i, ""
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func skipDigits(src []byte, i int) int {
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	return i
}

// skipSpace returns the offset of the first byte from i on that is not white
// space. Indented texts have spaces in long runs, so eight at a time.
func skipSpace(src []byte, i int) int {
	for i < len(src) {
		switch src[i] {
		case ' ':
			for i+8 <= len(src) {
				other := binary.LittleEndian.Uint64(src[i:]) ^ ' '*everyByte
				i += bits.TrailingZeros64(other) >> 3
				if other != 0 {
					break
				}
			}
			for i < len(src) && src[i] == ' ' {
				i++
			}
		case '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}
