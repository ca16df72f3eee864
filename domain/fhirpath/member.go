package fhirpath

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// member compiles the step to the elements of a name.
func (c *compiler) member(n *Member) (program, error) {
	name := newMemberName(n.Name)
	if n.Of == nil {
		return c.firstMember(n, name), nil
	}
	of, err := c.compile(n.Of)
	if err != nil {
		return nil, err
	}
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		if err := c.spend(r, n.At, 1+walk(in)); err != nil {
			return nil, err
		}
		for i := range in {
			dst = c.appendMember(dst, &in[i], name)
		}
		r.give(in)
		return dst, c.fits(r, n.At, dst)
	}, nil
}

// firstMember compiles the start of a path, which may be the type of $this.
func (c *compiler) firstMember(n *Member, name memberName) program {
	start := c.definitions.Type(n.Name)
	return func(r *run, dst Collection) (Collection, error) {
		if err := c.spend(r, n.At, 1+walk(r.scope.this)); err != nil {
			return nil, err
		}
		for i := range r.scope.this {
			it := &r.scope.this[i]
			if start != nil && it.typ != nil && c.isA(it.typ, start) {
				dst = append(dst, *it)
			} else {
				dst = c.appendMember(dst, it, name)
			}
		}
		return dst, c.fits(r, n.At, dst)
	}
}

// walk returns the steps of looking for a member in each item: more for objects
// that could have very many.
func walk(items Collection) int {
	steps := len(items)
	for i := range items {
		steps += (items[i].place.End() - items[i].place.Start()) >> 12
	}
	return steps
}

// isA tells whether t is the type base or one of its descendants.
func (c *compiler) isA(t, base *definitions.Type) bool {
	for ; t != nil; t = c.definitions.Type(t.Base) {
		if t == base {
			return true
		}
		if t.Base == "" {
			return false
		}
	}
	return false
}

// memberName is a name in the form that lookups take.
type memberName struct {
	text  string
	bytes []byte
}

func newMemberName(name string) memberName { return memberName{name, []byte(name)} }

// appendMember appends the elements of an item with a name. The name of another
// type's element gives nothing.
func (c *compiler) appendMember(dst Collection, it *Item, name memberName) Collection {
	switch {
	case it.system != nil:
		return appendPart(dst, it.system, name.text)
	case it.typ == nil:
		return appendUntyped(dst, it.place, name.text)
	case it.typ.JSON != definitions.NotPrimitive:
		return c.appendOfPrimitive(dst, it, name.text)
	}
	switch m := elementNamed(it.typ, name); {
	case m.Element == nil:
		return dst
	case m.Element.Choice:
		return c.appendChoice(dst, it, m.Element)
	default:
		return c.appendElement(dst, it.place, m.Type, name.text)
	}
}

// elementNamed finds an element by its name in FHIRPath, which for a choice is
// not that of JSON.
func elementNamed(t *definitions.Type, name memberName) definitions.Member {
	m, ok := t.Member(name.bytes)
	if ok && !m.Element.Choice {
		return m
	}
	for i := range t.Elements {
		if e := &t.Elements[i]; e.Choice && e.Name == name.text {
			return definitions.Member{Element: e}
		}
	}
	return definitions.Member{}
}

// appendElement appends the elements of a name that all have the same type.
func (c *compiler) appendElement(dst Collection, object fhirjson.Value, t *definitions.Type, name string) Collection {
	if t.JSON == definitions.NotPrimitive {
		return c.appendValues(dst, t, object.Get(name), fhirjson.Value{})
	}
	if object.Kind() != fhirjson.Object {
		return dst
	}
	var value, sibling fhirjson.Value
	for m := object.First(); m.Exists(); m = m.Next() {
		switch n := m.Name(); {
		case string(n) == name:
			value = m
		case len(n) == len(name)+1 && n[0] == '_' && string(n[1:]) == name:
			sibling = m
		}
	}
	return c.appendValues(dst, t, value, sibling)
}

// appendChoice appends the elements of a choice such as value[x], whose names
// in JSON end in their type.
func (c *compiler) appendChoice(dst Collection, it *Item, e *definitions.Element) Collection {
	if it.place.Kind() != fhirjson.Object {
		return dst
	}
	for m := it.place.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		isSibling := len(name) > 0 && name[0] == '_'
		if isSibling {
			name = name[1:]
		}
		if len(name) <= len(e.Name) || string(name[:len(e.Name)]) != e.Name {
			continue
		}
		found, ok := it.typ.Member(name)
		if !ok || found.Element != e {
			continue
		}
		primitive := found.Type.JSON != definitions.NotPrimitive
		switch {
		case !isSibling && primitive:
			dst = c.appendValues(dst, found.Type, m, it.place.Get("_"+string(name)))
		case !isSibling:
			dst = c.appendValues(dst, found.Type, m, fhirjson.Value{})
		case primitive && !it.place.Get(string(name)).Exists():
			dst = c.appendValues(dst, found.Type, fhirjson.Value{}, m)
		}
	}
	return dst
}
