package commit

import (
	"bytes"

	"fhirlog/domain/fhirjson"
)

// narrative finds links in href and src attributes in the XHTML of a text. It
// works on the JSON text: the delimiters there are ' or an escaped quote.
func (c *collector) narrative(v fhirjson.Value) {
	raw := v.Raw()
	for _, attribute := range [...]string{"href", "src"} {
		for at := 0; ; {
			found := bytes.Index(raw[at:], []byte(attribute))
			if found < 0 {
				break
			}
			at += found + len(attribute)
			spelled := attributeValue(raw[at:])
			if to, fragment, moved := c.destination(bytes.ReplaceAll(spelled.text, []byte(`\/`), []byte("/"))); moved {
				start := v.Start() + at + spelled.offset
				c.add(link{start: start, end: start + len(spelled.text), to: to, fragment: fragment, bare: true})
			}
		}
	}
}

type spelledLink struct {
	offset int
	text   []byte // as JSON spells it
}

// attributeValue reads what follows the name of an attribute: = and a quoted
// value, with spaces around.
func attributeValue(raw []byte) spelledLink {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(raw, " "), []byte("="))
	if !ok {
		return spelledLink{}
	}
	rest = bytes.TrimLeft(rest, " ")
	for _, quote := range [...]string{`\"`, `'`} {
		if value, ok := bytes.CutPrefix(rest, []byte(quote)); ok {
			if end := bytes.Index(value, []byte(quote)); end >= 0 {
				return spelledLink{len(raw) - len(value), value[:end]}
			}
		}
	}
	return spelledLink{}
}
