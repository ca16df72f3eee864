package xmltext

import (
	"bytes"
	"unicode/utf8"
)

// Fault says why a text is not the XML that is read here, and where.
type Fault struct {
	Offset  int
	Message string // what is wrong, and what would be right
}

// Error returns the message.
func (f *Fault) Error() string { return f.Message }

// Position tells in which line and column of src the byte at offset stands. Both
// count from 1; columns count characters, and a line ends with its line feed.
func Position(src []byte, offset int) (line, column int) {
	before := src[:min(max(offset, 0), len(src))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[lineStart:]) + 1
}

// fail ends the scan.
func (s *Scanner) fail(offset int, message string) bool {
	if s.fault == nil {
		s.fault = &Fault{Offset: offset, Message: message}
	}
	s.Token = Token{Start: offset, End: offset}
	return false
}

// ShownName is a name as a message may show it: of letters, digits and the like
// only, and not long.
func ShownName(name []byte) string {
	const greatest = 64
	if len(name) > greatest {
		return "'" + string(bytes.ToValidUTF8(name[:greatest], nil)) + "…'"
	}
	return "'" + string(name) + "'"
}
