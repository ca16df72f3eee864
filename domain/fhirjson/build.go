package fhirjson

import "math"

// Builder writes a JSON text and its tree at once, for those who make JSON from
// another form: what they have written need not be parsed. The text has no
// white space between its tokens.
//
// It does not check what is cheap to do right and dear to check: that containers
// are closed, that members have names of their own and elements have none, and
// that names are ASCII without quotes, backslashes and control characters. Who
// builds answers for that, and tests it by parsing. The zero Builder is ready;
// it is not safe for concurrent use.
type Builder struct {
	text  []byte
	nodes []node
	open  []uint32 // the nodes of the open containers, outermost first
	last  uint32   // the latest child of the innermost one, 0 if there is none yet
}

// Reset begins a new text. It is written into space, from its beginning, and into
// new memory where there is no room. Reset lets go of what is too large to keep.
func (b *Builder) Reset(space []byte) {
	if cap(b.nodes) > pooledNodes {
		b.nodes = nil
	}
	if cap(b.nodes) == 0 {
		b.nodes = make([]node, 0, 512)
	}
	b.text, b.nodes, b.open, b.last = space[:0], b.nodes[:0], b.open[:0], 0
}

// Len is the length of the text so far, and Nodes the number of values.
func (b *Builder) Len() int { return len(b.text) }

// Nodes is the number of values so far.
func (b *Builder) Nodes() int { return len(b.nodes) }

// Open begins an Object or an Array, and Close ends it. Like all values it has a
// name as the member of an object, and an empty one elsewhere.
func (b *Builder) Open(name []byte, kind Kind) {
	n, text, at := b.add(name, kind, 1)
	text[at] = '{'
	if kind == Array {
		text[at] = '['
	}
	b.text = text[:at+1]
	n.end = math.MaxUint32 // a Draft may be looked at before it is known
	b.open = append(b.open, b.last)
	b.last = 0
}

// Close ends the innermost container.
func (b *Builder) Close() {
	k := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	n := &b.nodes[k]
	bracket := byte('}')
	if n.kind == Array {
		bracket = ']'
	}
	b.text = append(b.text, bracket)
	n.end = uint32(len(b.text))
	b.last = k
}

// Spelled appends a string that needs no escapes, or a number or word: as it is
// spelled, without quotes.
func (b *Builder) Spelled(name []byte, kind Kind, spelled []byte) {
	n, text, at := b.add(name, kind, len(spelled)+2)
	if kind == String {
		text[at] = '"'
		at = put(text, at+1, spelled)
		text[at] = '"'
		at++
	} else {
		at = put(text, at, spelled)
	}
	n.end = uint32(at)
	b.text = text[:at]
}

// Escaped appends a string as it is spelled between its quotes, with escapes.
func (b *Builder) Escaped(name []byte, spelled []byte) {
	b.Spelled(name, String, spelled)
	b.nodes[len(b.nodes)-1].flags |= textEscaped
}

// Text appends a string with the escapes that it needs.
func (b *Builder) Text(name []byte, content []byte) {
	n, text, at := b.add(name, String, len(content)+2)
	text = AppendQuoted(text[:at], string(content))
	for _, c := range content {
		if c < ' ' || c == '"' || c == '\\' {
			n.flags |= textEscaped
			break
		}
	}
	n.end = uint32(len(text))
	b.text = text
}

// add begins the next value, with a comma before it where one belongs. It returns
// the whole space for text, with room for a number of bytes and more from at on.
func (b *Builder) add(name []byte, kind Kind, size int) (n *node, text []byte, at int) {
	k := len(b.nodes)
	if k == cap(b.nodes) {
		b.nodes = append(b.nodes, node{})
	}
	b.nodes = b.nodes[:k+1]
	n = &b.nodes[k]
	at = len(b.text)
	text = b.text[:cap(b.text)]
	if need := at + len(name) + size + 4 + short; need > len(text) {
		text = make([]byte, need+need/2)
		copy(text, b.text)
	}
	if b.last != 0 {
		b.nodes[b.last].next = uint32(k)
		text[at] = ','
		at++
	}
	b.last = uint32(k)
	// Field by field: a node that is put together elsewhere and copied is read
	// before its parts have arrived, which took more time than all else here.
	n.next, n.name, n.nameLen, n.kind, n.flags = 0, 0, 0, kind, 0
	if len(name) > 0 {
		n.name, n.nameLen, n.flags = uint32(at), uint16(len(name)), member
		text[at] = '"'
		at = put(text, at+1, name)
		text[at], text[at+1] = '"', ':'
		at += 2
	}
	n.start = uint32(at)
	return n, text, at
}

// short is the length up to which put copies a fixed number of bytes.
const short = 16

// put copies a piece to a place with room behind it, and returns where it ends.
// Most are short, and a copy of fixed length is several times faster.
func put(text []byte, at int, piece []byte) int {
	if len(piece) <= short && cap(piece) >= short {
		*(*[short]byte)(text[at:]) = [short]byte(piece[:short])
	} else {
		copy(text[at:], piece)
	}
	return at + len(piece)
}

// Draft returns the root of what is built so far, to look at until the next
// call. What is unfinished may break rules that a Document keeps.
func (b *Builder) Draft() Value {
	if len(b.nodes) == 0 {
		return Value{}
	}
	return (&Document{src: b.text, nodes: b.nodes}).Root()
}

// Document returns what was built, as Parse gives it for the same text, which it
// keeps. The text must be shorter than 4 GiB. The Builder may be used again after
// Reset.
func (b *Builder) Document() *Document {
	d := &Document{src: b.text}
	d.takeNodes(b.nodes)
	b.text = nil
	if cap(b.nodes) > pooledNodes {
		b.nodes = nil // the Document may have them
	}
	return d
}
