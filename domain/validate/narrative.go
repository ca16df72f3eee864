package validate

import (
	"bytes"
	"fmt"

	"fhirlog/domain/fhirjson"
)

// narrative checks an xhtml value and hands it to links.
func (w *walker) narrative(v fhirjson.Value) {
	s := xhtml{text: v.Text(), open: w.open[:0]}
	s.document()
	w.open = s.open
	if s.problem != "" {
		w.fault(s.code, fmt.Sprintf("The narrative is not safe XHTML: %s, at character %d.", s.problem, s.at))
		return
	}
	if w.links != nil {
		w.links(LinkXHTML, v)
	}
}

// span is a part of the text of a narrative.
type span struct{ start, end int }

// xhtml checks that a text is a well-formed XML fragment with a single,
// non-empty div that holds nothing but the elements and attributes of
// https://hl7.org/fhir/R4/narrative.html#rules. It is stricter than XML where
// browsers, which read the div as HTML, would see something else than XML
// does: CDATA sections and comments that HTML closes early are refused.
//
// The first problem ends the check, since a scanner that lost its way has
// nothing reliable to say about the rest.
type xhtml struct {
	text    []byte
	at      int
	open    []span // the names of the open elements
	content bool   // there is text or an image
	code    string // the issue code of problem
	problem string
}

// The limits of a narrative: open elements, attributes of an element.
const (
	greatestNesting    = 256
	greatestAttributes = 32
)

const xhtmlNamespace = "http://www.w3.org/1999/xhtml"

// fail notes the problem of a text that is not XML.
func (s *xhtml) fail(problem string) bool {
	s.code, s.problem = codeStructure, problem
	return false
}

// refuse notes that the text has something that the rules do not admit.
func (s *xhtml) refuse(problem string) bool {
	s.code, s.problem = codeInvariant, problem
	return false
}

// document checks the whole text.
func (s *xhtml) document() bool {
	s.skipSpace()
	if s.peek(0) != '<' || s.peek(1) == '!' || s.peek(1) == '?' {
		return s.fail("it must be a single div element")
	}
	if !s.openTag() {
		return false
	}
	for len(s.open) > 0 {
		if s.at >= len(s.text) {
			return s.fail("the element " + s.name(s.open[len(s.open)-1]) + " is not closed")
		}
		ok := false
		switch {
		case s.text[s.at] != '<':
			ok = s.characters('<')
		case s.peek(1) == '/':
			ok = s.closeTag()
		case s.peek(1) == '!':
			ok = s.comment()
		default:
			ok = s.openTag()
		}
		if !ok {
			return false
		}
	}
	if s.skipSpace(); s.at < len(s.text) {
		return s.fail("nothing may follow the div element")
	}
	if !s.content {
		return s.refuse("the div has no content; it needs text or an image")
	}
	return true
}

// peek returns the byte at an offset from here, 0 beyond the end.
func (s *xhtml) peek(offset int) byte {
	if s.at+offset < len(s.text) {
		return s.text[s.at+offset]
	}
	return 0
}

func (s *xhtml) skipSpace() (skipped bool) {
	start := s.at
	for s.at < len(s.text) && isXMLSpace(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// takeName moves over the name of an element or attribute, of which only
// ASCII ones can be admitted.
func (s *xhtml) takeName() (span, bool) {
	start := s.at
	for c := s.peek(0); c|0x20 >= 'a' && c|0x20 <= 'z' || s.at > start && (isDigit(c) || c == ':' || c == '-' || c == '_' || c == '.'); c = s.peek(0) {
		s.at++
	}
	return span{start, s.at}, s.at > start
}

func (s *xhtml) bytes(part span) []byte { return s.text[part.start:part.end] }

// name is a name as a message shows it: cut, and ASCII by takeName.
func (s *xhtml) name(part span) string {
	name := s.bytes(part)
	if len(name) > greatestQuote {
		return string(name[:greatestQuote]) + "…"
	}
	return string(name)
}

// openTag moves over <name attributes> or <name attributes/>.
func (s *xhtml) openTag() bool {
	s.at++
	name, ok := s.takeName()
	if !ok {
		return s.fail("a '<' that begins no element must be written &lt;")
	}
	root := len(s.open) == 0
	switch {
	case root && string(s.bytes(name)) != "div":
		return s.refuse("it must be a single div element")
	case !allowedElement(string(s.bytes(name))):
		return s.refuse("the element " + s.name(name) + " is not allowed")
	case len(s.open) >= greatestNesting:
		return s.fail("elements are nested too deeply")
	}
	namespaced, ok := s.attributes(name)
	if !ok {
		return false
	}
	if root && !namespaced {
		return s.refuse(`the div must have xmlns="` + xhtmlNamespace + `"`)
	}
	closed := s.peek(0) == '/'
	if closed {
		s.at++
	}
	if s.peek(0) != '>' {
		return s.fail("the tag of the element " + s.name(name) + " is not closed")
	}
	s.at++
	switch {
	case closed && root:
		return s.refuse("the div has no content; it needs text or an image")
	case !closed:
		s.open = append(s.open, name)
	}
	return true
}

// closeTag moves over </name>.
func (s *xhtml) closeTag() bool {
	s.at += 2
	name, _ := s.takeName()
	innermost := s.open[len(s.open)-1]
	if !bytes.Equal(s.bytes(name), s.bytes(innermost)) {
		return s.fail("the element " + s.name(innermost) + " must be closed first")
	}
	s.skipSpace()
	if s.peek(0) != '>' {
		return s.fail("the tag of the element " + s.name(name) + " is not closed")
	}
	s.at++
	s.open = s.open[:len(s.open)-1]
	return true
}

// comment moves over a comment, the only thing with <! that is admitted.
func (s *xhtml) comment() bool {
	rest := s.text[s.at:]
	if !bytes.HasPrefix(rest, []byte("<!--")) {
		return s.refuse("document types and CDATA sections are not allowed")
	}
	inner := rest[len("<!--"):]
	end := bytes.Index(inner, []byte("--"))
	if end < 0 || end+2 >= len(inner) || inner[end+2] != '>' || inner[0] == '>' || bytes.HasPrefix(inner, []byte("->")) {
		return s.fail("a comment ends in --> and holds no other --")
	}
	s.at += len("<!--") + end + len("-->")
	return true
}

// attributes moves over the attributes of an element and tells whether the
// namespace is among them.
func (s *xhtml) attributes(element span) (namespaced, ok bool) {
	var seen [greatestAttributes]span
	source := false
	for count := 0; ; count++ {
		spaced := s.skipSpace()
		name, found := s.takeName()
		if !found {
			break
		}
		if !spaced {
			return false, s.fail("attributes need white space before them")
		}
		if count >= len(seen) {
			return false, s.fail("the element " + s.name(element) + " has too many attributes")
		}
		for _, other := range seen[:count] {
			if bytes.Equal(s.bytes(other), s.bytes(name)) {
				return false, s.fail("the attribute " + s.name(name) + " is there twice")
			}
		}
		seen[count] = name
		value, ok := s.attributeValue(name)
		if !ok {
			return false, false
		}
		switch string(s.bytes(name)) {
		case "xmlns":
			if string(s.bytes(value)) != xhtmlNamespace {
				return false, s.refuse(`xmlns can be "` + xhtmlNamespace + `" only`)
			}
			namespaced = true
		case "src":
			if string(s.bytes(element)) != "img" || !isImageSource(s.bytes(value)) {
				return false, s.refuse("an image comes from http, https, urn, an image in a data URL, a contained resource or a relative URL")
			}
			source = true
		default:
			if !allowedAttribute(string(s.bytes(name))) {
				return false, s.refuse("the attribute " + s.name(name) + " is not allowed")
			}
		}
	}
	s.content = s.content || source
	return namespaced, true
}

// attributeValue moves over = and a quoted value.
func (s *xhtml) attributeValue(name span) (span, bool) {
	s.skipSpace()
	if s.peek(0) != '=' {
		return span{}, s.fail("the attribute " + s.name(name) + " has no value")
	}
	s.at++
	s.skipSpace()
	quote := s.peek(0)
	if quote != '"' && quote != '\'' {
		return span{}, s.fail("the value of the attribute " + s.name(name) + " has no quotes")
	}
	s.at++
	start, content := s.at, s.content
	if !s.characters(quote) {
		return span{}, false
	}
	s.content = content // text in an attribute is no content
	if s.peek(0) != quote {
		return span{}, s.fail("the value of the attribute " + s.name(name) + " is not closed, or has a '<'")
	}
	value := span{start, s.at}
	s.at++
	return value, true
}
