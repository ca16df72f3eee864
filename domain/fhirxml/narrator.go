package fhirxml

import (
	"bytes"
	"html"
	"strconv"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// narrator writes narratives. It keeps the space of its scanner.
type narrator struct{ scan xmltext.Scanner }

// narrative appends the div of a narrative, which must be well-formed: what is
// stored must not break what is around it.
func (p *printer) narrative(dst []byte, v fhirjson.Value) []byte {
	if v.Kind() != fhirjson.String {
		p.fail(v, "it is not a string")
		return dst
	}
	dst, ok := p.narratives.append(dst, v.Text())
	if !ok {
		p.fail(v, "it is not a well-formed div of XHTML")
	}
	return dst
}

func (n *narrator) append(dst, div []byte) ([]byte, bool) {
	s := &n.scan
	s.Reset(div, xmltext.Options{MaxDepth: narrativeDepth + 1, Known: namespaces, Fragment: true, Entity: isHTMLEntity})
	defer s.Reset(nil, xmltext.Options{})
	start, end := -1, 0
	for s.Next() {
		if start < 0 && s.Kind == xmltext.Open {
			if string(s.Local(s.Name)) != "div" || s.Name.HasPrefix() || s.Name.Space != xhtmlSpace {
				return dst, false
			}
			start, end = s.Start, s.End
		}
		if s.Kind == xmltext.Close {
			end = s.End
		}
	}
	if s.Fault() != nil || start < 0 {
		return dst, false
	}
	return appendDiv(dst, div[start:end]), true
}

// isHTMLEntity tells whether a name is one of HTML's entities.
func isHTMLEntity(name []byte) bool { return len(htmlEntity(name)) > 0 }

// htmlEntity returns the characters of one of HTML's entities.
func htmlEntity(name []byte) string {
	spelled := "&" + string(name) + ";"
	if text := html.UnescapeString(spelled); text != spelled && !bytes.ContainsRune([]byte(text), ';') {
		return text
	}
	return ""
}

// appendDiv copies a div. Carriage returns would be lost in XML, and named
// entities of HTML are not declared in it: both become references.
func appendDiv(dst, div []byte) []byte {
	for len(div) > 0 {
		at := bytes.IndexAny(div, "&\r")
		if at < 0 {
			break
		}
		dst = append(dst, div[:at]...)
		c := div[at]
		div = div[at+1:]
		if c == '\r' {
			dst = append(dst, "&#13;"...)
			continue
		}
		end := bytes.IndexByte(div[:min(len(div), 16)], ';')
		text := ""
		if end > 0 && div[0] != '#' && !isXMLEntity(div[:end]) {
			text = htmlEntity(div[:end])
		}
		if text == "" {
			dst = append(dst, '&')
			continue
		}
		for _, r := range text {
			dst = append(dst, "&#"...)
			dst = strconv.AppendInt(dst, int64(r), 10)
			dst = append(dst, ';')
		}
		div = div[end+1:]
	}
	return append(dst, div...)
}

// isXMLEntity tells whether XML itself has an entity.
func isXMLEntity(name []byte) bool {
	switch string(name) {
	case "amp", "lt", "gt", "quot", "apos":
		return true
	}
	return false
}
