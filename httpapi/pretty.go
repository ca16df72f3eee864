package httpapi

import "bytes"

// indenter writes compact JSON for people, two blanks for each level. It takes
// the text in pieces of any size and changes nothing but white space.
type indenter struct {
	depth    int
	inString bool
	escaped  bool
	opened   bool // the last byte opened an object or array
}

// append appends a further piece of the text.
func (in *indenter) append(dst, piece []byte) []byte {
	for _, c := range piece {
		if in.inString {
			dst = append(dst, c)
			switch {
			case in.escaped:
				in.escaped = false
			case c == '\\':
				in.escaped = true
			case c == '"':
				in.inString = false
			}
			continue
		}
		closing := c == '}' || c == ']'
		if closing {
			in.depth--
		}
		if in.opened != closing && (in.opened || closing) {
			dst = in.line(dst)
		}
		in.opened = c == '{' || c == '['
		if in.opened {
			in.depth++
		}
		dst = append(dst, c)
		switch c {
		case '"':
			in.inString = true
		case ',':
			dst = in.line(dst)
		case ':':
			dst = append(dst, ' ')
		}
	}
	return dst
}

func (in *indenter) line(dst []byte) []byte {
	dst = append(dst, '\n')
	return append(dst, bytes.Repeat([]byte("  "), in.depth)...)
}
