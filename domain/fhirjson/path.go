package fhirjson

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

const (
	greatestNameInPath = 64   // characters of a member name that are shown
	greatestPath       = 1024 // bytes of a path in a SyntaxError
)

// Path writes where the value stands, such as Patient.name[0].given[1]. It
// begins with the root's resourceType, with "$" if that is missing or odd.
// Names that are no plain identifiers stand in backticks as FHIRPath has it,
// cut after 64 characters. The path is found by descending from the root,
// past all elder siblings of the value and its ancestors: meant for messages.
func (v Value) Path() string {
	if v.d == nil {
		return ""
	}
	nodes := v.d.nodes
	path := appendRootName(nil, v.d.src, nodes)
	for parent := uint32(0); parent != v.i; {
		child, position := parent+1, 0
		for next := nodes[child].next; next != 0 && next <= v.i; next = nodes[child].next {
			child = next
			position++
		}
		path = appendStep(path, v.d.src, &nodes[child], position)
		parent = child
	}
	return string(path)
}

// appendRootName appends the resourceType of the root if that much is read and
// it looks like one, else "$".
func appendRootName(path, src []byte, nodes []node) []byte {
	if nodes[0].kind == Object && len(nodes) > 1 {
		for i := uint32(1); i != 0; i = nodes[i].next {
			n := &nodes[i]
			if n.kind != String || n.end == 0 || string(spelledName(src, n)) != "resourceType" {
				continue
			}
			if text := src[n.start+1 : n.end-1]; isTypeName(text) {
				return append(path, text...)
			}
		}
	}
	return append(path, '$')
}

// isTypeName keeps whatever else a text may hold as its resourceType out of
// messages.
func isTypeName(text []byte) bool {
	for _, c := range text {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= greatestNameInPath
}

// appendStep appends the step from a container to its child n: the name of a
// member, or the position of an element.
func appendStep(path, src []byte, n *node, position int) []byte {
	if n.flags&member == 0 {
		path = append(path, '[')
		path = strconv.AppendInt(path, int64(position), 10)
		return append(path, ']')
	}
	path = append(path, '.')
	name := decodedName(src, n)
	if isIdentifier(name) && len(name) <= greatestNameInPath {
		return append(path, name...)
	}
	return appendQuotedName(path, name)
}

func isIdentifier(name []byte) bool {
	for i, c := range name {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return len(name) > 0
}

// appendQuotedName appends a name in backticks, cut after 64 characters, with
// everything escaped that could confuse a terminal or a log.
func appendQuotedName(dst, name []byte) []byte {
	dst = append(dst, '`')
	for count := 0; len(name) > 0; count++ {
		if count == greatestNameInPath {
			dst = append(dst, "…"...)
			break
		}
		r, size := utf8.DecodeRune(name)
		name = name[size:]
		switch {
		case r == '`' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r <= 0xFFFF:
			dst = append(dst, `\u`...)
			dst = append(dst, strconv.FormatInt(int64(r)|0x10000, 16)[1:]...)
		default:
			dst = append(dst, '?')
		}
	}
	return append(dst, '`')
}

// cutText cuts text to at most size bytes and marks the cut.
func cutText(text []byte, size int) []byte {
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return append(text[:size:size], "…"...)
}
