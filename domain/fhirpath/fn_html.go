package fhirpath

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const xhtmlNamespace = "http://www.w3.org/1999/xhtml"

// The elements and attributes that narratives may have
// (https://hl7.org/fhir/R4/narrative.html#xhtml).
var (
	htmlElements = strings.Fields(`a abbr acronym address b bdo big blockquote br caption center cite code col colgroup dd del dfn dir div dl dt em
		font h1 h2 h3 h4 h5 h6 hr i img ins kbd li map area menu ol p pre q rb rbc rp rt rtc ruby s samp small span strike strong sub sup
		table tbody td tfoot th thead tr tt u ul var`)
	htmlAttributes = strings.Fields(`abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset
		cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nohref nowrap rel rev rowspan
		rules scope shape span src start style summary tabindex title type usemap valign value vspace width xmlns`)
)

// htmlChecks tells whether the XHTML of a narrative keeps FHIR's rules: a div in
// the namespace, elements and attributes of the list only, and some content.
// Limits of values, as of links, are for the validator.
func htmlChecks(k *call, dst Collection) (Collection, error) {
	s, ok, err := k.inputText()
	if !ok || err != nil {
		return dst, err
	}
	if err := k.c.spend(k.r, k.n.At, len(s)/4); err != nil {
		return nil, err
	}
	return appendBoolean(dst, keepsHTMLRules(s)), nil
}

func keepsHTMLRules(text string) bool {
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.Strict = true
	decoder.Entity = xml.HTMLEntity
	depth, content := 0, false
	for tokens := 0; ; tokens++ {
		t, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return tokens > 0 && content
		}
		if err != nil {
			return false
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 && (tokens > 0 || t.Name.Local != "div") || t.Name.Space != xhtmlNamespace || !slices.Contains(htmlElements, t.Name.Local) {
				return false
			}
			for _, a := range t.Attr {
				if !slices.Contains(htmlAttributes, a.Name.Local) && a.Name.Space != "xmlns" {
					return false
				}
			}
			content = content || t.Name.Local == "img"
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			text := strings.TrimSpace(string(t)) != ""
			if text && depth == 0 {
				return false
			}
			content = content || text
		case xml.ProcInst, xml.Directive:
			return false
		}
	}
}
