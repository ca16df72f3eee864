package fhirxml

import (
	"encoding/binary"
	"math/bits"
)

// AppendEscaped appends a text in UTF-8 as it stands in an attribute between
// double quotes. White space other than blanks is written as references, so that
// a reader keeps it; what XML cannot write becomes U+FFFD.
func AppendEscaped(dst, text []byte) []byte {
	done := 0
	for i := skipPlain(text); i < len(text); i++ {
		if plainInAttribute[text[i]] {
			continue
		}
		with := ""
		switch c := text[i]; c {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '"':
			with = "&quot;"
		case '\t':
			with = "&#9;"
		case '\n':
			with = "&#10;"
		case '\r':
			with = "&#13;"
		case 0xEF:
			if i+2 >= len(text) || text[i+1] != 0xBF || text[i+2] < 0xBE {
				continue
			}
			dst = append(append(dst, text[done:i]...), "\uFFFD"...)
			i += 2
			done = i + 1
			continue
		default:
			with = "\uFFFD"
		}
		dst = append(append(dst, text[done:i]...), with...)
		done = i + 1
	}
	return append(dst, text[done:]...)
}

// plainInAttribute are the bytes that need no second look: all but markup,
// control characters and the byte with which U+FFFE and U+FFFF begin.
var plainInAttribute = func() (table [256]bool) {
	for c := ' '; c <= 255; c++ {
		table[c] = c != '&' && c != '<' && c != '"' && c != 0xEF
	}
	return table
}()

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// skipPlain returns the offset of the first byte that needs a second look. It may
// stop early in a text of less than eight bytes.
func skipPlain(text []byte) int {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		if marks := odd(binary.LittleEndian.Uint64(text[i:])); marks != 0 {
			return i + bits.TrailingZeros64(marks)>>3
		}
	}
	if len(text) >= 8 && odd(binary.LittleEndian.Uint64(text[len(text)-8:])) == 0 {
		return len(text)
	}
	return i
}

// odd marks, in the high bit of its byte, the first byte of w that needs a second
// look. Marks above the first one may be false: borrows run upwards.
func odd(w uint64) uint64 {
	quoteOrAnd := ((w | ('"'^'&')*everyByte) ^ '&'*everyByte) - everyByte // they differ in one bit
	less := (w ^ '<'*everyByte) - everyByte
	control := w - ' '*everyByte
	beyond := w ^ 0xEF*everyByte
	return ((quoteOrAnd|less|control)&^w | (beyond-everyByte)&^beyond) & highBits
}
