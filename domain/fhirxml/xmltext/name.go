package xmltext

import "unicode/utf8"

// nameBytes are the bytes of names, all but the colon; those beyond ASCII are
// looked at one by one.
var nameBytes = func() (table [256]bool) {
	for c := range table {
		b := byte(c)
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		table[c] = letter || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.' || b >= utf8.RuneSelf
	}
	return table
}()

// letters are those of ASCII.
var letters = func() (table [256]bool) {
	for c := range table {
		table[c] = c|0x20 >= 'a' && c|0x20 <= 'z' && c < utf8.RuneSelf
	}
	return table
}()

// plainName finds the end of a name at i that is of letters of ASCII only, which is
// quick; 0 if it is another. It goes byte by byte: eight at a time is slower, as the
// processor foresees where names end, but not what a calculation gives.
func plainName(src []byte, i int) (end int) {
	end = i
	for end < len(src) && letters[src[end]] {
		end++
	}
	if end == i || end == len(src) || src[end] == ':' || nameBytes[src[end]] {
		return 0
	}
	return end
}

// scanName reads a name at i. It answers with what is wrong, at the name's End,
// or with "".
func scanName(src []byte, i int) (name Name, wrong string) {
	start, local := i, i
	beyond := byte(0)
	for i < len(src) {
		c := src[i]
		if nameBytes[c] {
			beyond |= c
			i++
			continue
		}
		if c != ':' || local > start || i == start {
			break
		}
		i++
		local = i
	}
	name = Name{Start: int32(start), Local: int32(local), End: int32(i)}
	if i == local || !beginsName(src[start]) || !beginsName(src[local]) || i < len(src) && src[i] == ':' {
		return name, malformedName
	}
	if beyond >= utf8.RuneSelf {
		if at, ok := checkName(src[start:i]); !ok {
			name.End = int32(start + at)
			return name, malformedName
		}
	}
	return name, ""
}

const malformedName = "this is no name: it begins with a letter or '_', goes on with letters, digits, '-', '_' or '.', and may have one prefix"

// beginsName tells whether a name may begin with a byte. Characters beyond
// ASCII are left to checkName.
func beginsName(c byte) bool { return nameBytes[c] && c != '-' && c != '.' && (c < '0' || c > '9') }

// checkName looks at the characters beyond ASCII of a name.
func checkName(name []byte) (at int, ok bool) {
	first := true
	for at < len(name) {
		r, size := utf8.DecodeRune(name[at:])
		if r >= utf8.RuneSelf && !isNameStart(r) && (first || !continuesName(r)) {
			return at, false
		}
		first = r == ':'
		at += size
	}
	return at, true
}

// isNameStart is NameStartChar of XML beyond ASCII.
func isNameStart(r rune) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	case r == 0x200C, r == 0x200D, r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF, r >= 0x3001 && r <= 0xD7FF,
		r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return true
	}
	return false
}

// continuesName is what NameChar has beyond NameStartChar.
func continuesName(r rune) bool {
	return r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}
