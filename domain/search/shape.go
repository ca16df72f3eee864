package search

import "fhirlog/domain/definitions"

// shape is a type of FHIR as extraction walks over it: its JSON members by
// name, and where there may be text below them.
type shape struct {
	typ     *definitions.Type
	members []shapeMember
	slots   []uint16 // index+1 into members by hash; a power of two, at most half full
}

// shapeMember is one JSON member. A primitive has a second one, that of its
// sibling with id and extensions, whose name begins with '_'.
type shapeMember struct {
	name     string
	member   definitions.Member
	text     textKind
	resource bool   // the value is a resource, whose type it tells itself
	shape    *shape // nil for primitives and resources
}

// textKind says what a member adds to _content.
type textKind uint8

const (
	noText    textKind = iota
	innerText          // there may be text below
	plainText
	xhtmlText
)

// shapes makes the shapes of types as they are asked for, before they are
// shared.
type shapes struct {
	definitions *definitions.Definitions
	made        map[*definitions.Type]*shape
}

func newShapes(d *definitions.Definitions) *shapes {
	return &shapes{definitions: d, made: map[*definitions.Type]*shape{}}
}

// of returns the shape of a type, nil for primitives.
func (s *shapes) of(t *definitions.Type) *shape {
	if t == nil || t.Kind == definitions.Primitive {
		return nil
	}
	if made := s.made[t]; made != nil {
		return made
	}
	made := &shape{typ: t}
	s.made[t] = made // before its members, since types contain each other
	element := s.definitions.Type("Element")
	for name, member := range t.Members() {
		m := shapeMember{name: name, member: member, text: textOf(t, name, member)}
		m.resource = member.Type.Kind == definitions.Resource
		if !m.resource {
			m.shape = s.of(member.Type)
		}
		made.members = append(made.members, m)
		if member.Type.Kind == definitions.Primitive {
			sibling := definitions.Member{Element: member.Element, Type: element}
			made.members = append(made.members, shapeMember{name: "_" + name, member: sibling, text: innerText, shape: s.of(element)})
		}
	}
	made.index()
	return made
}

// textOf says which primitives are texts that a reader would search for. Ids
// and literal references are strings too, but no text.
func textOf(owner *definitions.Type, name string, m definitions.Member) textKind {
	if m.Type.Kind != definitions.Primitive {
		return innerText
	}
	switch m.Type.Name {
	case "markdown":
		return plainText
	case "xhtml":
		return xhtmlText
	case "string":
		if name != "id" && (owner.Name != "Reference" || name != "reference") {
			return plainText
		}
	}
	return noText
}

func (s *shape) index() {
	size := 4
	for size < 2*len(s.members) {
		size *= 2
	}
	s.slots = make([]uint16, size)
	for i := range s.members {
		at := hashMember(s.members[i].name) & uint32(size-1)
		for s.slots[at] != 0 {
			at = (at + 1) & uint32(size-1)
		}
		s.slots[at] = uint16(i + 1)
	}
}

// find returns the index of a member, -1 if the type has none of this name.
func (s *shape) find(name []byte) int {
	if len(name) == 0 {
		return -1
	}
	mask := uint32(len(s.slots) - 1)
	for at := hashMember(name) & mask; s.slots[at] != 0; at = (at + 1) & mask {
		if i := int(s.slots[at]) - 1; s.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

func hashMember[T string | []byte](name T) uint32 {
	n := len(name)
	h := uint32(n)*0x9E3779B1 + uint32(name[0])*0x85EBCA6B
	h ^= uint32(name[n/2])*0xC2B2AE35 + uint32(name[n-1])*0x27D4EB2F
	h += uint32(name[n*3/4]) * 0x165667B1
	return h ^ h>>15
}
