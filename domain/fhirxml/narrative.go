package fhirxml

import (
	"bytes"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// openNarrative reads a whole narrative, whose div was just opened.
func (c *decoder) openNarrative(m definitions.Member) bool {
	s, outer := &c.scan, c.scan.Depth()
	name, ok := c.enter(m.Element, s.Local(s.Name), flagsOf(m), s.Start)
	if !ok {
		return false
	}
	c.narrative = c.narrative[:0]
	root := true
	for ok := true; ok; ok = s.Next() {
		ended := false
		switch s.Kind {
		case xmltext.Open:
			if !c.narrativeTag(root) {
				return false
			}
			ended = root && s.Empty
		case xmltext.Close:
			c.narrativeEnd()
			ended = s.Depth() < outer
		default:
			c.narrative = appendNarrative(c.narrative, s.Spelled())
		}
		if ended {
			c.addNarrative(name)
			return true
		}
		root = false
	}
	return c.fail(s.Fault().Offset, s.Fault().Message)
}

// addNarrative adds the narrative that was read.
func (c *decoder) addNarrative(name []byte) {
	if bytes.IndexByte(c.narrative, '\\') >= 0 {
		c.build.Escaped(name, c.narrative)
	} else {
		c.build.Spelled(name, fhirjson.String, c.narrative)
	}
}

// narrativeTag copies a start tag. In JSON the div stands alone: it declares its
// namespace, and has no prefix that is declared elsewhere.
func (c *decoder) narrativeTag(root bool) bool {
	s := &c.scan
	if s.Name.Space != xhtmlSpace {
		return c.fail(s.Start, "the element "+xmltext.ShownName(s.Local(s.Name))+" in a narrative is in another namespace than XHTML's")
	}
	for _, a := range s.Attributes() {
		if a.Name.Space != xmltext.NoSpace && a.Name.Space != xmltext.XMLSpace {
			return c.fail(int(a.Name.Start), "the attribute "+xmltext.ShownName(s.Local(a.Name))+" in a narrative is in another namespace than XHTML's")
		}
	}
	if !s.Name.HasPrefix() && (!root || s.DeclaresDefault()) {
		c.narrative = appendNarrative(c.narrative, s.Spelled())
		return true
	}
	c.narrative = append(append(c.narrative, '<'), s.Local(s.Name)...)
	if root {
		c.narrative = append(c.narrative, ` xmlns=\"`+xhtmlNamespace+`\"`...)
	}
	for _, a := range s.Attributes() {
		c.narrative = append(c.narrative, ' ')
		c.narrative = appendNarrative(c.narrative, s.Source()[a.Name.Start:a.End+1])
	}
	if s.Empty {
		c.narrative = append(c.narrative, '/')
	}
	c.narrative = append(c.narrative, '>')
	return true
}

// narrativeEnd copies an end tag, without a prefix.
func (c *decoder) narrativeEnd() {
	s := &c.scan
	if !s.Name.HasPrefix() {
		c.narrative = appendNarrative(c.narrative, s.Spelled())
		return
	}
	c.narrative = append(append(append(c.narrative, "</"...), s.Local(s.Name)...), '>')
}

// appendNarrative appends a piece of XML as it stands in a JSON string, with the
// ends of lines that XML reads. References to a carriage return become one: JSON
// can hold it.
func appendNarrative(dst, piece []byte) []byte {
	for len(piece) > 0 {
		n := 0
		for n < len(piece) && plainNarrative[piece[n]] {
			n++
		}
		dst = append(dst, piece[:n]...)
		if n == len(piece) {
			break
		}
		c := piece[n]
		piece = piece[n+1:]
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\n`...)
			piece = bytes.TrimPrefix(piece, []byte{'\n'})
		default:
			if length := carriageReturn(piece); length > 0 {
				dst = append(dst, `\r`...)
				piece = piece[length:]
			} else {
				dst = append(dst, c)
			}
		}
	}
	return dst
}

// plainNarrative are the bytes that a JSON string holds as they are.
var plainNarrative = func() (table [256]bool) {
	for c := ' '; c <= 255; c++ {
		table[c] = c != '"' && c != '\\' && c != '&'
	}
	return table
}()

// carriageReturn is the length of the rest of a reference to a carriage return
// behind its '&', 0 if it is another.
func carriageReturn(rest []byte) int {
	for _, spelled := range []string{"#13;", "#xD;", "#xd;"} {
		if bytes.HasPrefix(rest, []byte(spelled)) {
			return len(spelled)
		}
	}
	return 0
}
