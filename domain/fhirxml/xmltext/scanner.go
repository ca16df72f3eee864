package xmltext

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Kind is the kind of a Token.
type Kind uint8

// The kinds of tokens. None stands for the end, and for a fault.
const (
	None        Kind = iota
	Open             // a start tag, or an empty tag: then nothing closes it
	Close            // an end tag
	Text             // characters between tags, with references as they are spelled
	CData            // a CDATA section
	Comment          // a comment
	Instruction      // a processing instruction, but not the XML declaration
)

// Token is a piece of the text.
type Token struct {
	Kind       Kind
	Empty      bool // Open: an empty tag, such as <a/>
	Blank      bool // Text: nothing but white space
	Start, End int  // its bytes
	Name       Name // Open and Close
}

// Space is a namespace: None, XML, or from Known on one of Options.Known; those
// beyond are the others of the text.
type Space int32

// The namespaces that every text has.
const (
	NoSpace Space = iota
	XMLSpace
	DeclarationSpace // of attributes that declare namespaces
	Known            // the first of Options.Known
)

var fixedSpaces = []string{"", "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"}

// Name is the name of an element or attribute: its namespace, and where it stands
// in the text. It has a prefix if Local is not Start.
type Name struct {
	Space             Space
	Start, Local, End int32
}

// HasPrefix tells whether the name is spelled with a prefix.
func (n Name) HasPrefix() bool { return n.Local > n.Start }

// set makes it a name without prefix, and in no namespace yet.
func (n *Name) set(start, end int) {
	n.Space, n.Start, n.Local, n.End = NoSpace, int32(start), int32(start), int32(end)
}

// Attribute is one attribute.
type Attribute struct {
	Name       Name
	Start, End int32 // the value between its quotes, as spelled
	// Coded tells that the spelled value is not the value: it has references, or
	// white space other than blanks. AppendValue resolves them.
	Coded bool
	// Quotes tells that the value has a '"' or a '\'.
	Quotes bool
}

// Options bounds a scan, and widens it.
type Options struct {
	MaxDepth int // of elements; 0 means 256
	// Known are the namespaces that the caller knows: names in them have Space
	// Known, Known+1 and so on.
	Known []string
	// Declarations shows declarations of namespaces as attributes.
	Declarations bool
	// Fragment reads what stands within a document: without XML declaration,
	// instructions and byte order mark.
	Fragment bool
	// Entity, if set, says what the named references are beside those of XML.
	Entity func(name []byte) bool
}

const (
	defaultDepth = 256
	// mostAttributes is the greatest number of attributes of an element, and of
	// namespaces in force. Each is compared with the others.
	mostAttributes = 64
	// mostSpaces is the greatest number of namespaces of a text that are not known.
	mostSpaces = 256
)

// Scanner reads a text. The zero value is ready for Reset.
type Scanner struct {
	Token // the latest one

	src        []byte
	at         int
	options    Options
	open       []openElement // outermost first
	spaces     []binding     // the bindings in force
	mark       int           // how many of them are those outside of the latest Open
	plainSpace Space         // of elements without prefix
	others     [][]byte      // namespaces that are not known
	attributes []Attribute
	rooted     bool // the root element was met
	fault      *Fault
}

// openElement is an element whose end tag is still to come.
type openElement struct {
	name Name
	mark int // how many bindings are in force outside of it
}

// binding is a prefix, from start to end in the text, with its namespace.
type binding struct {
	start, end int32
	space      Space
}

// Reset begins with a text, which must not be changed while it is in use.
func (s *Scanner) Reset(src []byte, options Options) {
	if options.MaxDepth <= 0 {
		options.MaxDepth = defaultDepth
	}
	*s = Scanner{
		src: src, options: options,
		open: s.open[:0], spaces: s.spaces[:0], attributes: s.attributes[:0],
	}
	if s.checkCharacters() && !options.Fragment {
		s.prolog()
	}
}

// Fault says why Next has answered false; nil at the end of the text.
func (s *Scanner) Fault() *Fault { return s.fault }

// Source returns the text.
func (s *Scanner) Source() []byte { return s.src }

// Depth is how many elements are open. An empty tag opens none.
func (s *Scanner) Depth() int { return len(s.open) }

// Attributes returns those of an Open. They are valid until the next call of Next.
func (s *Scanner) Attributes() []Attribute { return s.attributes }

// Spelled returns the token as it stands in the text.
func (s *Scanner) Spelled() []byte { return s.src[s.Start:s.End] }

// Local returns a name without its prefix.
func (s *Scanner) Local(n Name) []byte { return s.src[n.Local:n.End] }

// SpaceName returns the name of a namespace.
func (s *Scanner) SpaceName(space Space) string {
	switch known := int(space - Known); {
	case space < Known:
		return fixedSpaces[space]
	case known < len(s.options.Known):
		return s.options.Known[known]
	default:
		return string(s.others[known-len(s.options.Known)])
	}
}

// Next moves to the next token; false at the end of the text or at a fault.
func (s *Scanner) Next() bool {
	if s.fault != nil {
		return false
	}
	if s.Empty {
		s.Empty = false
		if s.mark != len(s.spaces) {
			s.endSpaces(s.mark)
		}
	}
	i := s.at
	if i >= len(s.src) {
		return s.ending()
	}
	if s.src[i] != '<' {
		return s.text()
	}
	if i+1 < len(s.src) {
		switch s.src[i+1] {
		case '/':
			return s.endTag()
		case '!':
			return s.declaration()
		case '?':
			return s.instruction()
		}
	}
	return s.startTag()
}

// ending checks that the text may end here.
func (s *Scanner) ending() bool {
	switch {
	case len(s.open) > 0:
		return s.fail(s.at, "the text ends before the element "+s.shown(s.open[len(s.open)-1].name)+" is closed")
	case !s.rooted:
		return s.fail(s.at, "there is no element: the text is empty")
	}
	s.Token = Token{Start: s.at, End: s.at}
	return false
}

// shown is a name as a message may show it.
func (s *Scanner) shown(n Name) string { return ShownName(s.src[n.Start:n.End]) }

// checkCharacters checks once, for the whole text, that it is UTF-8 and has no
// characters beyond ASCII that XML does not have. Those of ASCII are checked
// where they stand.
func (s *Scanner) checkCharacters() bool {
	if len(s.src) > math.MaxInt32 {
		return s.fail(0, "the text is too large: 2 GiB or more")
	}
	if !utf8.Valid(s.src) {
		offset := 0
		for rest := s.src; ; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size <= 1 {
				break
			}
			rest = rest[size:]
			offset += size
		}
		return s.fail(offset, "the text is not valid UTF-8 here")
	}
	for from := 0; ; {
		at := bytes.IndexByte(s.src[from:], 0xEF) // what U+FFFE and U+FFFF begin with
		if at < 0 {
			return true
		}
		from += at + 1
		if s.src[from] == 0xBF && s.src[from+1] >= 0xBE {
			return s.fail(from-1, "XML does not have this character, U+FFFE or U+FFFF")
		}
	}
}
