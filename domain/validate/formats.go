package validate

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"fhirlog/domain/definitions"
)

// The checks here do what the regular expressions of
// https://hl7.org/fhir/R4/datatypes.html#primitive say, by hand: they are the
// hot path of every write. Days that are in no calendar are refused as well.

// greatestString is the greatest number of characters in a string.
const greatestString = 1 << 20

// isNumber checks the text of a JSON number against a numeric format.
func isNumber(format definitions.Format, raw []byte) bool {
	switch format {
	case definitions.Decimal:
		return true
	case definitions.Integer:
		return isInteger(raw, -1<<31)
	case definitions.UnsignedInt:
		return isInteger(raw, 0)
	case definitions.PositiveInt:
		return isInteger(raw, 1)
	}
	return false
}

// isInteger checks for a whole number from least to 2^31-1. JSON itself has
// no leading zeros.
func isInteger(raw []byte, least int64) bool {
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 10 {
		return false
	}
	var n int64
	for _, c := range digits {
		if !isDigit(c) {
			return false
		}
		n = n*10 + int64(c-'0')
	}
	if raw[0] == '-' {
		if n == 0 {
			return false
		}
		n = -n
	}
	return n >= least && n <= 1<<31-1
}

// isFormat checks the decoded text of a string against a format other than
// string, markdown and xhtml.
func isFormat(format definitions.Format, text []byte) bool {
	switch format {
	case definitions.Code:
		return isCode(text)
	case definitions.URI, definitions.URL, definitions.Canonical:
		return isURI(text)
	case definitions.ID:
		return isID(text)
	case definitions.Date:
		return isDate(text)
	case definitions.DateTime:
		return isDate(text) || isInstant(text)
	case definitions.Instant:
		return isInstant(text)
	case definitions.Time:
		rest, ok := cutTime(text)
		return ok && len(rest) == 0
	case definitions.Base64Binary:
		return isBase64(text)
	case definitions.OID:
		return isOID(text)
	case definitions.UUID:
		return isUUID(text)
	case definitions.Integer64:
		return isInteger64(text)
	}
	return false
}

// isString checks the raw form of a JSON string, quotes included: not empty,
// no control characters but tab, line feed and carriage return, not too long.
// JSON admits other control characters as escapes only.
func isString(raw []byte) bool {
	if len(raw) <= 2 {
		return false
	}
	if len(raw) > greatestString && utf8.RuneCount(raw)-2 > greatestString {
		return false
	}
	for rest := raw; ; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return true
		}
		rest = rest[at+1:]
		switch rest[0] {
		case 'b', 'f':
			return false
		case 'u':
			if n, err := strconv.ParseUint(string(rest[1:5]), 16, 16); err != nil || n < ' ' && n != '\t' && n != '\n' && n != '\r' {
				return false
			}
		}
		rest = rest[1:]
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// isCode checks for words with single white space between them.
func isCode(text []byte) bool {
	space := true // where a space would be out of place
	for _, c := range text {
		switch {
		case isSpace(c):
			if space {
				return false
			}
			space = true
		case c < ' ':
			return false
		default:
			space = false
		}
	}
	return !space
}

func isURI(text []byte) bool {
	for _, c := range text {
		if c <= ' ' {
			return false
		}
	}
	return len(text) > 0
}

func isID(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '.' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= 64
}

// isBase64 checks for whole groups of four, with white space anywhere.
func isBase64(text []byte) bool {
	count, padding := 0, 0
	for _, c := range text {
		switch {
		case isSpace(c):
			continue
		case c == '=':
			padding++
		case padding > 0 || !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '+' && c != '/':
			return false
		}
		count++
	}
	return count > 0 && count%4 == 0 && padding <= 2
}

func isOID(text []byte) bool {
	arcs, ok := bytes.CutPrefix(text, []byte("urn:oid:"))
	if !ok || len(arcs) < 3 || arcs[0] < '0' || arcs[0] > '2' || arcs[1] != '.' {
		return false
	}
	for arc := range bytes.SplitSeq(arcs[2:], []byte{'.'}) {
		if len(arc) == 0 || len(arc) > 1 && arc[0] == '0' {
			return false
		}
		for _, c := range arc {
			if !isDigit(c) {
				return false
			}
		}
	}
	return true
}

func isUUID(text []byte) bool {
	digits, ok := bytes.CutPrefix(text, []byte("urn:uuid:"))
	if !ok || len(digits) != 36 {
		return false
	}
	for i, c := range digits {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !isDigit(c) && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func isInteger64(text []byte) bool {
	if len(text) == 0 || len(text) > 20 || len(text) > 1 && text[0] == '0' {
		return false
	}
	_, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil
}
