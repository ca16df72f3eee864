package httpapi

import (
	"fmt"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml"
	"fhirlog/domain/resource"
)

// What the server itself puts around resources, the Bundles of searches, histories
// and transactions, is written element by element, so that it never stands in memory
// as a whole. The methods here do that in JSON and in XML alike. Elements come in
// the order of the definitions, since that of XML matters.

// beginResource begins a resource: the answer, or one within beginWrapper.
func (b *bodyWriter) beginResource(t string) {
	if b.xml != nil {
		b.buf = append(append(b.buf, '<'), t...)
		if b.depth == 0 {
			b.buf = append(b.buf, ` xmlns="http://hl7.org/fhir"`...)
		}
		b.buf = append(b.buf, '>')
		b.depth++
		return
	}
	b.buf = append(append(append(b.buf, `{"resourceType":"`...), t...), '"')
	b.comma = true
}

func (b *bodyWriter) endResource(t string) { b.endElement(t) }

// beginElement begins an element that holds others and does not repeat.
func (b *bodyWriter) beginElement(name string) {
	b.name(name)
	b.open()
}

// endElement ends what beginElement, beginResource or beginItem has begun.
func (b *bodyWriter) endElement(name string) {
	if b.xml == nil {
		b.buf = append(b.buf, '}')
		b.comma = true
		return
	}
	b.depth--
	b.line()
	b.buf = append(append(append(b.buf, "</"...), name...), '>')
}

// beginItem begins an item of a repeating element, the number-th from 0. endList
// ends the items.
func (b *bodyWriter) beginItem(name string, number int) {
	switch {
	case b.xml != nil:
		b.name(name)
	case number == 0:
		b.name(name)
		b.buf = append(b.buf, '[')
	default:
		b.buf = append(b.buf, ',')
	}
	b.open()
}

// endList ends a repeating element that has had some items, or none.
func (b *bodyWriter) endList(items int) {
	if b.xml == nil && items > 0 {
		b.buf = append(b.buf, ']')
		b.comma = true
	}
}

// beginWrapper begins an element that holds a resource, which is written next.
func (b *bodyWriter) beginWrapper(name string) {
	b.name(name)
	if b.xml != nil {
		b.open()
		b.line()
	}
}

func (b *bodyWriter) endWrapper(name string) {
	if b.xml != nil {
		b.endElement(name)
	}
	b.comma = true
}

// beginValue begins a text of which pieces are appended: by text if they may need
// an escape, else to buf. endValue ends it.
func (b *bodyWriter) beginValue(name string) {
	b.name(name)
	if b.xml != nil {
		b.buf = append(b.buf, ` value="`...)
	} else {
		b.buf = append(b.buf, '"')
	}
}

func (b *bodyWriter) endValue() {
	if b.xml != nil {
		b.buf = append(b.buf, `"/>`...)
	} else {
		b.buf = append(b.buf, '"')
	}
	b.comma = true
}

// text appends a piece of a text.
func (b *bodyWriter) text(piece string) {
	if b.xml != nil {
		b.buf = fhirxml.AppendEscaped(b.buf, []byte(piece))
		return
	}
	start := len(b.buf) // the quote that AppendQuoted begins with is taken out again
	b.buf = fhirjson.AppendQuoted(b.buf, piece)
	copy(b.buf[start:], b.buf[start+1:])
	b.buf = b.buf[:len(b.buf)-2]
}

// value writes an element with a text that needs no escape.
func (b *bodyWriter) value(name, text string) {
	b.beginValue(name)
	b.buf = append(b.buf, text...)
	b.endValue()
}

// instant writes an element with an instant.
func (b *bodyWriter) instant(name string, milliseconds int64) {
	b.beginValue(name)
	b.buf = resource.AppendInstant(b.buf, milliseconds)
	b.endValue()
}

// number writes an element with a number.
func (b *bodyWriter) number(name string, n int) {
	b.name(name)
	if b.xml == nil {
		b.buf = strconv.AppendInt(b.buf, int64(n), 10)
		b.comma = true
		return
	}
	b.buf = append(b.buf, ` value="`...)
	b.buf = strconv.AppendInt(b.buf, int64(n), 10)
	b.buf = append(b.buf, `"/>`...)
}

// etag writes the element etag.
func (b *bodyWriter) etag(version uint64) {
	b.beginValue("etag")
	b.text(`W/"`)
	b.buf = strconv.AppendUint(b.buf, version, 10)
	b.text(`"`)
	b.endValue()
}

// name begins an element with its name.
func (b *bodyWriter) name(name string) {
	if b.xml != nil {
		b.line()
		b.buf = append(append(b.buf, '<'), name...)
		return
	}
	if b.comma {
		b.buf = append(b.buf, ',')
	}
	b.buf = append(append(append(b.buf, '"'), name...), '"', ':')
}

// open opens the element at hand for what it holds.
func (b *bodyWriter) open() {
	if b.xml != nil {
		b.buf = append(b.buf, '>')
		b.depth++
		return
	}
	b.buf = append(b.buf, '{')
	b.comma = false
}

// line begins a line of XML, if it is to be pretty.
func (b *bodyWriter) line() {
	if b.pretty {
		b.buf = fhirxml.AppendLine(b.buf, b.depth)
	}
}

// restart forgets what is not sent yet.
func (b *bodyWriter) restart() { b.buf, b.depth, b.comma = b.buf[:0], 0, false }

// whole writes a resource that is there as JSON. What is stored can always be
// written as XML; what an operation makes of a client's text perhaps not.
func (b *bodyWriter) whole(json []byte) (err error) {
	if b.xml == nil {
		b.buf = append(b.buf, json...)
		return nil
	}
	b.buf, err = appendXML(b.buf, b.xml, json, fhirxml.Layout{Indent: b.pretty, Depth: b.depth})
	return err
}

// appendXML appends a resource in XML that is there as JSON of our own.
func appendXML(dst []byte, d *definitions.Definitions, json []byte, layout fhirxml.Layout) ([]byte, error) {
	document, err := fhirjson.Parse(json, fhirjson.Limits{MaxDepth: 10_000, MaxNodes: 1 << 31})
	if err != nil {
		return dst, fmt.Errorf("read a resource to write it as XML: %w", err)
	}
	defer document.Release()
	dst, err = fhirxml.Append(dst, d, document.Root(), layout)
	if err != nil {
		return dst, &domain.Error{Kind: domain.NotAcceptable, Issues: []domain.Issue{{Message: "The answer is there, but not in XML: " + err.Error() + ". Ask for JSON."}}, Err: err}
	}
	return dst, nil
}
