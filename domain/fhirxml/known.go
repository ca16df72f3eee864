package fhirxml

import (
	"encoding/binary"

	"fhirlog/domain/definitions"
)

// known is a member of a type, with what is asked for each element of a text. The
// definitions have the same in several places, and to fetch it from there takes a
// fifth of the time of the whole.
type known struct {
	typ   *definitions.Type // whose member it is
	start uint64            // startOf the name
	name  string
	definitions.Member
	index int16
	kind  flags
	form  form
	json  definitions.JSONKind
}

// form is how an element is written in XML.
type form uint8

const (
	asElements  form = iota
	asAttribute      // of the element around it
	asLeaf           // with the value of a primitive, and perhaps id and extensions
	asDiv            // as a narrative
)

// attribute is the Representation of elements that are attributes in XML.
const attribute = "xmlAttr"

func formOf(m definitions.Member) form {
	switch {
	case m.Element.Representation == attribute:
		return asAttribute
	case m.Type.Format == definitions.XHTML:
		return asDiv
	case m.Type.Kind == definitions.Primitive && !m.Element.Repeats():
		return asLeaf
	}
	return asElements
}

// flagsOf are those that the definitions give.
func flagsOf(m definitions.Member) (f flags) {
	switch m.Type.Kind {
	case definitions.Primitive:
		f = primitive
	case definitions.Resource:
		f = wraps
	}
	if m.Element.Repeats() {
		f |= repeats
	}
	return f
}

// acquaintances are the members met lately, each at the place that its name and
// type give. They save looking it up once more: most texts have few different ones.
type acquaintances [512]known

// member finds the element of a type by its name in JSON, nil if there is none.
// What it returns is valid until the next call.
func (a *acquaintances) member(t *definitions.Type, name []byte) *known {
	start := startOf(name)
	k := &a[(start^uint64(t.Number)*0xD6E8FEB86659FD93^uint64(len(name))<<56)*0x9E3779B97F4A7C15>>55]
	if k.start == start && k.typ == t && len(k.name) == len(name) && (len(name) <= 8 || k.name[8:] == string(name[8:])) {
		return k
	}
	m, ok := t.Member(name)
	if !ok {
		return nil
	}
	*k = known{typ: t, start: start, name: string(name), Member: m, index: int16(m.Element.Index), kind: flagsOf(m), form: formOf(m), json: m.Type.JSON}
	return k
}

// startOf is the first eight bytes of a name, or all if there are fewer.
func startOf(name []byte) uint64 {
	n := len(name)
	if n >= 8 {
		return binary.LittleEndian.Uint64(name)
	}
	if n >= 4 {
		return uint64(binary.LittleEndian.Uint32(name[n-4:]))<<(8*(n-4)&63) | uint64(binary.LittleEndian.Uint32(name))
	}
	start := uint64(0)
	for _, c := range name {
		start = start<<8 | uint64(c)
	}
	return start
}
