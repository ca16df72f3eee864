package fhirjson

import "sync/atomic"

// Document is a parsed JSON text. It keeps the text it was parsed from, and
// it is immutable: safe for concurrent use while nobody changes that text.
type Document struct {
	src    []byte
	nodes  []node
	space  *nodeSpace // what nodes was taken from, if Release was called before
	spaced bool       // there is white space between the tokens of the root value

	marks  atomic.Pointer[[]mark]              // made when a position in a large text is asked for
	locate func(offset int) (line, column int) // what Locate has set
}

// node is one value of the tree; package documentation draws the whole.
type node struct {
	start, end uint32 // the bytes of the value
	next       uint32 // the following sibling, 0 if there is none
	name       uint32 // members: where the opening quote of the name stands
	nameLen    uint16 // members: bytes of the name between its quotes, as spelled
	kind       Kind
	flags      uint8
}

const (
	member      = 1 << iota // the node is a member of an object and has a name
	nameEscaped             // the name is spelled with escapes
	textEscaped             // the string is spelled with escapes
)

// Root returns the value that the whole text is.
func (d *Document) Root() Value { return Value{d, 0} }

// Source returns the text as it was handed to Parse. It must not be changed.
func (d *Document) Source() []byte { return d.src }

// spelledName returns the name of a member as it stands between its quotes.
func (d *Document) spelledName(n *node) []byte {
	return spelledName(d.src, n)
}

func spelledName(src []byte, n *node) []byte {
	start := int(n.name) + 1
	end := start + int(n.nameLen)
	return src[start:end:end]
}

// decodedName returns the name of a member with its escapes resolved. It
// shares src if there are none.
func decodedName(src []byte, n *node) []byte {
	name := spelledName(src, n)
	if n.flags&nameEscaped != 0 {
		name = appendUnescaped(make([]byte, 0, len(name)), name)
	}
	return name
}
