package xmltext

import (
	"encoding/binary"
	"math/bits"
)

// startTag reads <name attributes> or <name attributes/>.
func (s *Scanner) startTag() bool {
	start := s.at
	if len(s.open) == 0 && s.rooted {
		return s.fail(start, "only comments may follow after the end of the root element")
	}
	if len(s.open) >= s.options.MaxDepth {
		return s.fail(start, "elements are nested too deeply")
	}
	i := plainName(s.src, start+1)
	if i == 0 {
		name, wrong := scanName(s.src, start+1)
		i = int(name.End)
		if wrong != "" {
			if i == start+1 {
				return s.fail(start, "a '<' that begins no tag must be written &lt;")
			}
			return s.fail(i, wrong)
		}
		s.Name = name
	} else {
		s.Name.set(start+1, i)
	}
	nameEnd := i
	s.mark = len(s.spaces)
	if i+len(usual) <= len(s.src) && string(s.src[i:i+len(usual)]) == usual && s.leaf(start, i) {
		return true
	}
	s.rooted = true
	s.attributes = s.attributes[:0]
	i = s.plainAttribute(i)
	more := i < len(s.src) && s.src[i] != '>' && s.src[i] != '/'
	if more {
		var ok bool
		if i, ok = s.readAttributes(i); !ok {
			return false
		}
	}
	empty := i < len(s.src) && s.src[i] == '/'
	if empty {
		i++
	}
	if i >= len(s.src) || s.src[i] != '>' {
		return s.fail(i, "the start tag of the element "+s.shown(s.Name)+" is not closed: '>' is missing, or an attribute is malformed")
	}
	i++
	space := s.plainSpace
	if s.Name.HasPrefix() {
		if !s.bind(&s.Name) {
			return false
		}
		space = s.Name.Space
	}
	if more && !s.bindAttributes() {
		return false
	}
	if !empty {
		o := s.pushOpen()
		o.name.Space, o.name.Start, o.name.Local, o.name.End = space, int32(start+1), s.Name.Local, int32(nameEnd)
		o.mark = s.mark
	}
	s.at = i
	s.Kind, s.Empty, s.Start, s.End, s.Name.Space = Open, empty, start, i, space
	return true
}

// pushOpen makes space for an open element. It is filled field by field, as are
// others here: a whole that was just put together is read before its parts have
// arrived, which takes longer than all else that a tag needs.
func (s *Scanner) pushOpen() *openElement {
	k := len(s.open)
	if k == cap(s.open) {
		s.open = append(s.open, openElement{})
	}
	s.open = s.open[:k+1]
	return &s.open[k]
}

// endTag reads </name>.
func (s *Scanner) endTag() bool {
	start := s.at
	if len(s.open) == 0 {
		return s.fail(start, "this end tag closes nothing")
	}
	innermost := &s.open[len(s.open)-1]
	name := s.src[innermost.name.Start:innermost.name.End]
	i := start + 2 + len(name)
	if i >= len(s.src) || string(s.src[start+2:i]) != string(name) {
		return s.fail(start, "the element "+ShownName(name)+" must be closed first")
	}
	if s.src[i] != '>' {
		i = skipSpace(s.src, i)
		if i >= len(s.src) || s.src[i] != '>' {
			return s.fail(start, "the element "+ShownName(name)+" must be closed here, with its name and '>'")
		}
	}
	if innermost.mark != len(s.spaces) {
		s.endSpaces(innermost.mark)
	}
	s.at = i + 1
	s.Kind, s.Start, s.End, s.Name = Close, start, s.at, innermost.name
	s.open = s.open[:len(s.open)-1]
	return true
}

// usual begins the attribute that most elements of FHIR have.
const usual = ` value="`

// leaf reads the rest of an empty tag whose only attribute is the usual one, spelled
// as it is nearly always, if this is one: without a character in it that means more
// than itself. All that it does would be done without it, in twice the time.
func (s *Scanner) leaf(start, nameEnd int) bool {
	from := nameEnd + len(usual)
	end := skipPlain(s.src, from)
	if end+3 > len(s.src) || string(s.src[end:end+3]) != `"/>` || len(s.open) == 0 || s.Name.HasPrefix() {
		return false
	}
	s.oneAttribute(nameEnd+1, nameEnd+len(usual)-2, from, end)
	s.at = end + 3
	s.Kind, s.Empty, s.Start, s.End, s.Name.Space = Open, true, start, s.at, s.plainSpace
	return true
}

// oneAttribute makes the first attribute, with a plain name and value.
func (s *Scanner) oneAttribute(start, end, from, to int) {
	if cap(s.attributes) == 0 {
		s.attributes = make([]Attribute, 0, 4)
	}
	s.attributes = s.attributes[:1]
	a := &s.attributes[0]
	a.Name.set(start, end)
	a.Start, a.End, a.Coded, a.Quotes = int32(from), int32(to), false, false
}

// plainAttribute reads the first attribute of a tag if it is spelled as nearly all
// are: behind one blank, with a plain name, no blanks around =, and between double
// quotes no character that means more than itself. It returns where it ends; i if
// it is another, or may declare a namespace.
func (s *Scanner) plainAttribute(i int) int {
	src := s.src
	if i+1 >= len(src) || src[i] != ' ' || src[i+1] == 'x' {
		return i
	}
	at := plainName(src, i+1)
	if at == 0 || at+1 >= len(src) || src[at] != '=' || src[at+1] != '"' {
		return i
	}
	end := skipPlain(src, at+2)
	if end >= len(src) || src[end] != '"' {
		return i
	}
	s.oneAttribute(i+1, at, at+2, end)
	return end + 1
}

// readAttributes reads the attributes of the tag at hand, up to its '>' or '/>',
// and returns where that stands.
func (s *Scanner) readAttributes(i int) (end int, ok bool) {
	src := s.src
	for {
		behind := i
		i = skipSpace(src, i)
		if i >= len(src) || src[i] == '>' || src[i] == '/' {
			return i, true
		}
		if i == behind {
			return i, s.fail(i, "attributes need white space before them")
		}
		name, wrong := scanName(src, i)
		if wrong != "" {
			return i, s.fail(int(name.End), wrong)
		}
		if len(s.attributes) >= mostAttributes {
			return i, s.fail(i, "the element has too many attributes")
		}
		a := Attribute{Name: name}
		if !s.attributeValue(&a) {
			return i, false
		}
		i = int(a.End) + 1
		if src[name.Start] == 'x' && s.declares(name) {
			if !s.declare(&a) {
				return i, false
			}
			if !s.options.Declarations {
				continue
			}
			a.Name.Space = DeclarationSpace
		}
		s.attributes = append(s.attributes, a)
	}
}

// attributeValue reads = and a value in quotes, which stand behind the name.
func (s *Scanner) attributeValue(a *Attribute) bool {
	src, i := s.src, int(a.Name.End)
	if i < len(src) && src[i] != '=' {
		i = skipSpace(src, i)
	}
	if i >= len(src) || src[i] != '=' {
		return s.fail(i, "the attribute "+s.shown(a.Name)+" has no value: '=' is missing")
	}
	i++
	if i < len(src) && src[i] != '"' {
		i = skipSpace(src, i)
	}
	if i >= len(src) || src[i] != '"' && src[i] != '\'' {
		return s.fail(i, "the value of the attribute "+s.shown(a.Name)+" must stand in quotes")
	}
	quote := src[i]
	i++
	a.Start = int32(i)
	for {
		if quote == '"' { // nearly always
			i = skipPlain(src, i)
		}
		if i >= len(src) {
			return s.fail(i, "the text ends within the value of the attribute "+s.shown(a.Name))
		}
		switch c := src[i]; c {
		case quote:
			a.End = int32(i)
			return true
		case '"', '\\':
			a.Quotes = true
		case '\t', '\n', '\r':
			a.Coded = true
		case '&':
			end, ok := s.reference(i)
			if !ok {
				return false
			}
			a.Coded = true
			i = end
			continue
		case '<':
			return s.fail(i, "a '<' in the value of an attribute must be written &lt;")
		default:
			if c < ' ' {
				return s.fail(i, noCharacter)
			}
		}
		i++
	}
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// skipPlain returns the offset of the first byte from i on that an attribute's
// value does not simply contain: a double quote, a backslash, markup or a control
// character. It may stop early within the last eight bytes of src.
func skipPlain(src []byte, i int) int {
	for i+8 <= len(src) {
		w := binary.LittleEndian.Uint64(src[i:])
		quoteOrAnd := ((w | ('"'^'&')*everyByte) ^ '&'*everyByte) - everyByte // they differ in one bit
		slash := (w ^ '\\'*everyByte) - everyByte
		less := (w ^ '<'*everyByte) - everyByte
		control := w - ' '*everyByte
		// Marks above the first one may be false: borrows run upwards.
		if marks := (quoteOrAnd | slash | less | control) &^ w & highBits; marks != 0 {
			return i + bits.TrailingZeros64(marks)>>3
		}
		i += 8
	}
	return i
}
