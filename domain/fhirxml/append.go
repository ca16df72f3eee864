package fhirxml

import (
	"fmt"
	"slices"
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Layout says how XML is laid out.
type Layout struct {
	Indent bool // for people: an element on a line of its own, two blanks for each level
	// Depth is the level at which the resource stands within a larger document. A
	// resource at level 0 declares the namespace.
	Depth int
}

// Append appends a resource in XML. It fails if the JSON has what XML cannot say:
// unknown types or members, JSON of another kind than the type's, arrays where
// nothing repeats, a narrative that is not well-formed. What validate accepts does
// not fail.
func Append(dst []byte, d *definitions.Definitions, v fhirjson.Value, layout Layout) ([]byte, error) {
	p := printers.Get().(*printer)
	defer printers.Put(p)
	p.definitions, p.element, p.layout, p.err = d, nil, layout, nil
	dst = p.resource(dst, v, layout.Depth)
	p.entries = p.entries[:0]
	if cap(p.entries) > pooledEntries {
		p.entries = nil
	}
	if cap(p.scratch) > pooledTexts {
		p.scratch = nil
	}
	return dst, p.err
}

// form is how an element is written.
type form uint8

const (
	asElements  form = iota
	asAttribute      // of the element around it
	asLeaf           // with the value of a primitive, and perhaps id and extensions
)

func formOf(m definitions.Member) form {
	switch {
	case m.Element.Representation == attribute:
		return asAttribute
	case m.Type.Kind == definitions.Primitive && m.Type.Format != definitions.XHTML && !m.Element.Repeats():
		return asLeaf
	}
	return asElements
}

// pooledEntries is how much space a pooled printer keeps.
const pooledEntries = 4096

// printer writes one resource. Printers are pooled for their space.
type printer struct {
	definitions *definitions.Definitions
	element     *definitions.Type // Element, once it is needed
	layout      Layout
	entries     []entry // the members of the objects at work, those of the innermost last
	narratives  narrator
	scratch     []byte
	err         error
}

// entry is an element of an object with its members: the value, and for
// primitives the member with its id and extensions.
type entry struct {
	name         []byte
	form         form
	member       definitions.Member
	value, extra fhirjson.Value
}

var printers = sync.Pool{New: func() any { return &printer{entries: make([]entry, 0, 64)} }}

// fail notes the first error.
func (p *printer) fail(v fhirjson.Value, what string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s cannot be written as XML: %s", v.Path(), what)
	}
}

// resource appends a resource.
func (p *printer) resource(dst []byte, v fhirjson.Value, depth int) []byte {
	t := p.definitions.TypeOf(v.Get("resourceType").Text())
	if v.Kind() != fhirjson.Object || t == nil || t.Kind != definitions.Resource || t.Abstract {
		p.fail(v, "it is not a resource of a known type")
		return dst
	}
	dst = append(append(dst, '<'), t.Name...)
	if depth == 0 {
		dst = append(dst, ` xmlns="`+fhirNamespace+`"`...)
	}
	base := len(p.entries)
	p.collect(v, t)
	return p.content(dst, base, []byte(t.Name), depth)
}

// collect puts the members of an object on the stack of entries, in the order of
// the definitions.
func (p *printer) collect(object fhirjson.Value, t *definitions.Type) {
	base, latest, pending := len(p.entries), -1, 0
	for v := object.First(); v.Exists() && p.err == nil; v = v.Next() {
		name := v.Name()
		isExtra := len(name) > 0 && name[0] == '_'
		if isExtra {
			name = name[1:]
		}
		m, ok := t.Member(name)
		if !ok {
			if t.Kind != definitions.Resource || isExtra || string(name) != "resourceType" {
				p.fail(object, "it has a member that is not an element of "+t.Name)
			}
			continue
		}
		if isExtra && (m.Type.Kind != definitions.Primitive || m.Element.Representation != "") {
			p.fail(object, "it has extensions of what is not a primitive")
			continue
		}
		if isExtra || pending > 0 {
			if twin := p.find(base, m); twin != nil {
				if isExtra {
					twin.extra = v
				} else {
					twin.value = v
				}
				continue
			}
		}
		n := len(p.entries)
		if n == cap(p.entries) {
			p.entries = slices.Grow(p.entries, 64)
		}
		p.entries = p.entries[:n+1]
		e := &p.entries[n] // in place: to copy entries costs as much as to write them
		e.name, e.form, e.member, e.value, e.extra = name, formOf(m), m, v, fhirjson.Value{}
		if isExtra {
			e.value, e.extra = e.extra, v
			pending++
		}
		if m.Element.Index < latest {
			sortLast(p.entries[base:])
		} else {
			latest = m.Element.Index
		}
	}
}

// find returns the entry of a member among those from base on.
func (p *printer) find(base int, m definitions.Member) *entry {
	for i := len(p.entries) - 1; i >= base; i-- {
		if p.entries[i].member == m {
			return &p.entries[i]
		}
	}
	return nil
}

// sortLast moves the last entry to its place among those before it.
func sortLast(entries []entry) {
	for i := len(entries) - 1; i > 0 && entries[i].member.Element.Index < entries[i-1].member.Element.Index; i-- {
		entries[i], entries[i-1] = entries[i-1], entries[i]
	}
}

// content takes the entries from base on from the stack and appends them, first
// those that are attributes, and then the end of the element, whose start tag is
// still open.
func (p *printer) content(dst []byte, base int, name []byte, depth int) []byte {
	end := len(p.entries)
	elements := end - base
	for i := base; i < end; i++ {
		if e := &p.entries[i]; e.form == asAttribute {
			dst = p.attribute(dst, e)
			elements--
		}
	}
	if elements == 0 {
		p.entries = p.entries[:base]
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for i := base; i < end && p.err == nil; i++ {
		e := &p.entries[i]
		switch kind := e.value.Kind(); {
		case e.form == asAttribute:
		case e.form == asLeaf && kind != fhirjson.Null && kind != fhirjson.Array && !e.extra.Exists(): // nearly all elements
			dst = append(append(p.line(dst, depth+1), '<'), e.name...)
			dst = p.primitive(append(dst, ` value="`...), e.value, e.member.Type)
			dst = append(dst, `"/>`...)
		default:
			dst = p.elements(dst, e.name, e.member, e.value, e.extra, depth+1)
		}
	}
	dst = p.line(dst, depth)
	dst = append(append(append(dst, "</"...), name...), '>')
	p.entries = p.entries[:base]
	return dst
}

// attribute appends an element that is an attribute.
func (p *printer) attribute(dst []byte, e *entry) []byte {
	dst = append(append(append(dst, ' '), e.name...), `="`...)
	return append(p.primitive(dst, e.value, e.member.Type), '"')
}

// line begins a new line where the layout asks for that.
func (p *printer) line(dst []byte, depth int) []byte {
	if !p.layout.Indent {
		return dst
	}
	return AppendLine(dst, depth)
}

// AppendLine begins a line at a level, as Layout.Indent does.
func AppendLine(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

// elements appends all values of an entry.
func (p *printer) elements(dst []byte, name []byte, m definitions.Member, value, extra fhirjson.Value, depth int) []byte {
	if !m.Element.Repeats() {
		if value.Kind() == fhirjson.Array || extra.Kind() == fhirjson.Array {
			p.fail(value, "it is an array, and the element cannot repeat")
			return dst
		}
		return p.one(dst, name, m.Type, value, extra, depth)
	}
	if value.Exists() && value.Kind() != fhirjson.Array || extra.Exists() && extra.Kind() != fhirjson.Array {
		p.fail(value, "it is not an array, and the element can repeat")
		return dst
	}
	value, extra = value.First(), extra.First()
	for (value.Exists() || extra.Exists()) && p.err == nil {
		dst = p.one(dst, name, m.Type, value, extra, depth)
		value, extra = value.Next(), extra.Next()
	}
	return dst
}

// one appends one value of an entry.
func (p *printer) one(dst []byte, name []byte, t *definitions.Type, value, extra fhirjson.Value, depth int) []byte {
	dst = p.line(dst, depth)
	switch {
	case t.Format == definitions.XHTML:
		return p.narrative(dst, value)
	case t.Kind == definitions.Primitive:
		return p.valued(dst, name, t, value, extra, depth)
	case value.Kind() != fhirjson.Object:
		p.fail(value, "it is not an object")
		return dst
	case t.Kind == definitions.Resource:
		dst = append(append(append(dst, '<'), name...), '>')
		dst = p.resource(p.line(dst, depth+1), value, depth+1)
		return append(append(append(p.line(dst, depth), "</"...), name...), '>')
	}
	dst = append(append(dst, '<'), name...)
	base := len(p.entries)
	p.collect(value, t)
	return p.content(dst, base, name, depth)
}

// valued appends a primitive.
func (p *printer) valued(dst []byte, name []byte, t *definitions.Type, value, extra fhirjson.Value, depth int) []byte {
	dst = append(append(dst, '<'), name...)
	base := len(p.entries)
	if extra.Exists() && extra.Kind() != fhirjson.Null {
		if extra.Kind() != fhirjson.Object {
			p.fail(extra, "it is not an object")
			return dst
		}
		if p.element == nil {
			p.element = p.definitions.Type("Element")
		}
		p.collect(extra, p.element)
		for i := base; i < len(p.entries); i++ { // id before value, as it is usual
			if a := &p.entries[i]; a.form == asAttribute {
				dst = p.attribute(dst, a)
				p.entries = append(p.entries[:i], p.entries[i+1:]...)
				i--
			}
		}
	}
	if value.Exists() && value.Kind() != fhirjson.Null {
		dst = append(p.primitive(append(dst, ` value="`...), value, t), '"')
	}
	if base == len(p.entries) {
		return append(dst, "/>"...)
	}
	return p.content(dst, base, name, depth)
}

// primitive appends a value as it stands in an attribute.
func (p *printer) primitive(dst []byte, v fhirjson.Value, t *definitions.Type) []byte {
	kind := v.Kind()
	switch {
	case t.JSON == definitions.JSONString && kind == fhirjson.String:
		if v.HasEscapes() {
			p.scratch = v.AppendText(p.scratch[:0])
			return AppendEscaped(dst, p.scratch)
		}
		raw := v.Raw()
		return AppendEscaped(dst, raw[1:len(raw)-1])
	case t.JSON == definitions.JSONNumber && kind == fhirjson.Number,
		t.JSON == definitions.JSONBoolean && (kind == fhirjson.True || kind == fhirjson.False):
		return append(dst, v.Raw()...)
	}
	p.fail(v, "it is "+kind.String()+", and the element is of type "+t.Name)
	return dst
}
