package fhirxml

import (
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// openResource begins a resource: the root, or the one in an element such as
// contained.
func (c *decoder) openResource() bool {
	s := &c.scan
	depth := int32(1)
	if len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		if f.flags&filled != 0 {
			return c.fail(s.Start, "it holds one resource already; each has an element of its own around it")
		}
		depth = f.depth
	}
	name := s.Local(s.Name)
	if s.Name.Space != fhirSpace {
		return c.fail(s.Start, "the element "+xmltext.ShownName(name)+` must be in the namespace of FHIR: xmlns="`+fhirNamespace+`"`)
	}
	t := c.definitions.TypeOf(name)
	if t == nil || t.Kind != definitions.Resource || t.Abstract {
		return c.fail(s.Start, xmltext.ShownName(name)+" is not a resource type of FHIR "+c.definitions.FHIRVersion()+". Type names are case-sensitive")
	}
	if depth > c.maxDepth {
		return c.fail(s.Start, "elements are nested too deeply")
	}
	for _, a := range s.Attributes() {
		local := string(s.Local(a.Name))
		switch {
		case len(c.frames) == 0 && a.Name.Space == xsiSpace && (local == "schemaLocation" || local == "noNamespaceSchemaLocation"):
			// A hint for editors; nothing is fetched.
		case a.Name.Space == xmltext.NoSpace && local == "id":
			return c.fail(int(a.Name.Start), "the id of a resource is an element, not an attribute")
		default:
			return c.unknownAttribute(&a, t)
		}
	}
	start, named := s.Start, []byte(nil)
	if len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		f.flags |= filled
		if start = f.start; f.flags&repeats == 0 {
			named = c.text(f.name)
		}
	}
	c.mark(start)
	c.build.Open(named, fhirjson.Object)
	c.build.Spelled(resourceType, fhirjson.String, name)
	c.push(t, isResource|opened, depth)
	return !s.Empty || c.close()
}

var resourceType = []byte("resourceType")

// openElement begins an element of the innermost open one.
func (c *decoder) openElement() bool {
	s := &c.scan
	f := &c.frames[len(c.frames)-1]
	local := s.Local(s.Name)
	m, known := f.typ.Member(local)
	if !known || s.Name.Space != fhirSpace || m.Element.Representation == attribute || m.Type.Format == definitions.XHTML {
		if known && m.Type.Format == definitions.XHTML && s.Name.Space == xhtmlSpace {
			return c.openNarrative(m)
		}
		return c.unexpected(m, known, f.typ)
	}
	kind := flagsOf(m)
	name, ok := c.enter(m.Element, local, kind, s.Start)
	if !ok {
		return false
	}
	depth, deepest := f.depth+1, c.maxDepth
	if kind&repeats != 0 {
		depth++
	}
	if kind&primitive != 0 {
		deepest++ // it needs no object, unless it has extensions
	}
	if depth > deepest {
		return c.fail(s.Start, "elements are nested too deeply")
	}
	attributes := s.Attributes()
	if s.Empty && kind&primitive != 0 && len(attributes) == 1 && c.isValue(&attributes[0]) { // nearly all elements
		if a := &attributes[0]; m.Type.JSON == definitions.JSONString && !a.Coded && !a.Quotes {
			c.build.Spelled(name, fhirjson.String, s.Source()[a.Start:a.End])
			return true
		}
		return c.value(name, &attributes[0], m.Type)
	}
	f = c.push(m.Type, kind, depth)
	f.own = uint8(m.Element.Index)
	switch {
	case kind&primitive != 0:
		f.typ = c.element
		if !c.firstValue(name, m.Type, f) {
			return false
		}
	case kind&wraps == 0:
		c.build.Open(name, fhirjson.Object)
		f.flags |= opened
	}
	for i := range attributes {
		if !c.readAttribute(&attributes[i], m.Type) {
			return false
		}
	}
	return !s.Empty || c.close()
}

// attribute is the Representation of elements that are attributes in XML.
const attribute = "xmlAttr"

// isValue tells whether an attribute is the value of a primitive.
func (c *decoder) isValue(a *xmltext.Attribute) bool {
	return string(c.scan.Local(a.Name)) == "value" && !a.Name.HasPrefix()
}

// firstValue adds the value of a primitive, wherever it stands among the
// attributes. Without one, an item of a list is null.
func (c *decoder) firstValue(name []byte, t *definitions.Type, f *frame) bool {
	attributes := c.scan.Attributes()
	for i := range attributes {
		if c.isValue(&attributes[i]) {
			f.flags |= hasValue
			return c.value(name, &attributes[i], t)
		}
	}
	if f.flags&repeats != 0 {
		c.build.Spelled(nil, fhirjson.Null, null)
	}
	return true
}

var null = []byte("null")

// readAttribute takes an attribute of the element just opened, other than the
// value.
func (c *decoder) readAttribute(a *xmltext.Attribute, t *definitions.Type) bool {
	if a.Name.Space != xmltext.NoSpace {
		return c.unknownAttribute(a, t)
	}
	name := c.scan.Local(a.Name)
	if t.Kind == definitions.Primitive && string(name) == "value" {
		return true
	}
	f := &c.frames[len(c.frames)-1]
	m, known := f.typ.Member(name)
	if !known || m.Element.Representation != attribute {
		return c.unknownAttribute(a, t)
	}
	if m.Element.Index > 0 && f.flags&waiting == 0 {
		f.flags |= waiting
		c.delayed = append(c.delayed, delayed{attribute: *a, member: m})
		return true
	}
	return c.addAttribute(a, m)
}

// value adds the value of an attribute, of a primitive type.
func (c *decoder) value(name []byte, a *xmltext.Attribute, t *definitions.Type) bool {
	text := c.scan.Source()[a.Start:a.End]
	if a.Coded {
		c.scratch = xmltext.AppendValue(c.scratch[:0], text)
		text = c.scratch
	}
	kind := fhirjson.String
	switch t.JSON {
	case definitions.JSONNumber:
		if kind = fhirjson.Number; !isNumber(text) {
			return c.fail(int(a.Start), "the value of type "+t.Name+" must be a number, such as 0, -1 or 1.50, without white space")
		}
	case definitions.JSONBoolean:
		switch string(text) {
		case "true":
			kind = fhirjson.True
		case "false":
			kind = fhirjson.False
		default:
			return c.fail(int(a.Start), "the value of type "+t.Name+" must be true or false")
		}
	default:
		if a.Coded || a.Quotes {
			c.build.Text(name, text)
			return true
		}
	}
	c.build.Spelled(name, kind, text)
	return true
}

// isNumber tells whether a text is a number as JSON writes it.
func isNumber(text []byte) bool {
	i := 0
	digits := func() bool {
		start := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	if !digits() || text[first] == '0' && i > first+1 {
		return false
	}
	if i < len(text) && text[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(text)
}

// unexpected refuses the element at hand.
func (c *decoder) unexpected(m definitions.Member, known bool, t *definitions.Type) bool {
	s := &c.scan
	local := string(s.Local(s.Name))
	name := xmltext.ShownName([]byte(local))
	switch {
	case known && m.Type.Format == definitions.XHTML:
		return c.fail(s.Start, `the narrative must be in the namespace of XHTML: xmlns="`+xhtmlNamespace+`"`)
	case s.Name.Space != fhirSpace:
		return c.fail(s.Start, "the element "+name+" is in another namespace than FHIR's, which is "+fhirNamespace)
	case known:
		return c.fail(s.Start, name+" is an attribute, not an element")
	}
	message := name + " is not an element of " + t.Name
	if c.frames[len(c.frames)-1].flags&primitive != 0 {
		message = "a primitive holds extensions only, no element " + name
	}
	for other, m := range t.Members() {
		if strings.EqualFold(other, local) {
			message += ". Names are case-sensitive: " + other + " is one"
			break
		}
		if m.Element.Choice && local == m.Element.Name {
			message += ". The name of a choice ends in its type, such as " + other
			break
		}
	}
	return c.fail(s.Start, message)
}

func (c *decoder) unknownAttribute(a *xmltext.Attribute, t *definitions.Type) bool {
	name := c.scan.Local(a.Name)
	switch {
	case a.Name.Space != xmltext.NoSpace:
		return c.fail(int(a.Name.Start), "the attribute "+xmltext.ShownName(name)+" is in a namespace; FHIR has no such attributes")
	case string(name) == "value":
		return c.fail(int(a.Name.Start), "a "+t.Name+" has no value; its content stands in elements")
	}
	return c.fail(int(a.Name.Start), xmltext.ShownName(name)+" is not an attribute of "+t.Name)
}
