package patch

import "fhirlog/domain/fhirjson"

// content is an element in JSON: its value, and, of a primitive, what stands in
// the sibling with an underscore before its name; one of them may be absent
// (https://hl7.org/fhir/R4/json.html#primitive).
type content struct{ value, sibling *node }

// half is one of the two members that an element has.
type half struct {
	name string
	part *node
}

// halves pairs the content with the names of its members.
func (c content) halves(name string) [2]half {
	return [2]half{{name, c.value}, {"_" + name, c.sibling}}
}

// set makes an element that does not repeat have this content; what is absent
// is taken out.
func (t *tree) set(owner *parts, name string, c content) {
	for _, h := range c.halves(name) {
		if h.part != nil {
			t.put(owner, h.name, *h.part)
		} else if i := t.member(owner, h.name); i >= 0 {
			t.remove(owner, i)
		}
	}
}

// has tells whether there is an element of a JSON name.
func (t *tree) has(owner *parts, name string) bool {
	return t.member(owner, name) >= 0 || t.member(owner, "_"+name) >= 0
}

// array returns the list that one half of a repeating element is, nil if there
// is none. What is no list, against the rules, becomes a list of one.
func (t *tree) array(owner *parts, name string) *parts {
	n := t.get(owner, name)
	if n == nil {
		return nil
	}
	if n.kind() != fhirjson.Array {
		only := *n
		*n = node{name: n.name, parts: &parts{kind: fhirjson.Array, list: []node{only}}}
	}
	return t.open(n)
}

// length counts the elements of a list, by its longer half.
func (t *tree) length(owner *parts, name string) int {
	count := 0
	for _, h := range (content{}).halves(name) {
		if list := t.array(owner, h.name); list != nil {
			count = max(count, len(list.list))
		}
	}
	return count
}

// insertInto puts an element before the one at index i of a list, into both
// halves, so that they stay aligned: null stands where one has nothing.
func (t *tree) insertInto(owner *parts, name string, i int, c content) {
	count := t.length(owner, name)
	for _, h := range c.halves(name) {
		list := t.array(owner, h.name)
		if list == nil && h.part == nil {
			continue
		}
		list = t.padded(owner, h.name, count)
		if h.part == nil {
			h.part = &node{origin: null}
		}
		t.insert(list, i, *h.part)
	}
}

// padded returns one half of a list, made if it is missing and filled with null
// up to a length.
func (t *tree) padded(owner *parts, name string, count int) *parts {
	list := t.array(owner, name)
	if list == nil {
		list = &parts{kind: fhirjson.Array}
		t.put(owner, name, node{parts: list})
	}
	for len(list.list) < count {
		t.insert(list, len(list.list), node{origin: null})
		t.opened++
	}
	return list
}

// takeFrom takes the element at index i out of both halves of a list.
func (t *tree) takeFrom(owner *parts, name string, i int) (c content) {
	for k, h := range c.halves(name) {
		list := t.array(owner, h.name)
		if list == nil || i >= len(list.list) {
			continue
		}
		taken := t.remove(list, i)
		if taken.kind() == fhirjson.Null {
			continue
		}
		if k == 0 {
			c.value = &taken
		} else {
			c.sibling = &taken
		}
	}
	return c
}

// siblingOf returns the object with the id and the extensions of a primitive,
// made if it is missing; index is -1 if the element does not repeat.
func (t *tree) siblingOf(owner *parts, name string, index int) *parts {
	name = "_" + name
	fresh := node{parts: &parts{kind: fhirjson.Object}}
	if index < 0 {
		if n := t.get(owner, name); n != nil && n.kind() == fhirjson.Object {
			return t.open(n)
		}
		t.put(owner, name, fresh)
		return fresh.parts
	}
	list := t.padded(owner, name, max(index+1, t.length(owner, name[1:])))
	if n := &list.list[index]; n.kind() == fhirjson.Object {
		return t.open(n)
	}
	list.list[index] = fresh
	return fresh.parts
}

// rename gives both halves of an element the names of another one, such as a
// choice that changes its type.
func (t *tree) rename(owner *parts, from, to string) {
	if from == to {
		return
	}
	for _, prefix := range []string{"", "_"} {
		if n := t.get(owner, prefix+from); n != nil {
			n.name = []byte(prefix + to)
		}
	}
}
