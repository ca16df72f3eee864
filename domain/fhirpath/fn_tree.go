package fhirpath

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

func children(k *call, dst Collection) (Collection, error) {
	if err := k.c.spend(k.r, k.n.At, walk(k.in)); err != nil {
		return nil, err
	}
	for _, it := range k.in {
		dst = k.c.appendChildren(dst, it)
	}
	return dst, k.c.spend(k.r, k.n.At, len(dst))
}

// descendants goes down level by level.
func descendants(k *call, dst Collection) (Collection, error) {
	start := len(dst)
	for _, it := range k.in {
		dst = k.c.appendChildren(dst, it)
	}
	for i := start; i < len(dst); i++ {
		dst = k.c.appendChildren(dst, dst[i])
		if len(dst)-start > k.r.limits.MaxItems {
			break // plain answers for it
		}
	}
	return dst, k.c.spend(k.r, k.n.At, len(dst)-start)
}

// appendChildren appends all elements of an item, in the order of the document.
// What a primitive has besides its value are children too.
func (c *compiler) appendChildren(dst Collection, it Item) Collection {
	switch {
	case it.system != nil:
		return dst
	case it.typ == nil:
		return appendUntypedChildren(dst, it.place)
	case it.typ.JSON != definitions.NotPrimitive:
		return c.appendOfPrimitive(c.appendOfPrimitive(dst, &it, "id"), &it, "extension")
	case it.place.Kind() != fhirjson.Object:
		return dst
	}
	hasSiblings := false
	for m := it.place.First(); m.Exists() && !hasSiblings; m = m.Next() {
		hasSiblings = isSiblingName(m.Name())
	}
	for m := it.place.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		isSibling := isSiblingName(name)
		if isSibling {
			name = name[1:]
		}
		found, ok := it.typ.Member(name)
		switch {
		case !ok:
		case !isSibling && hasSiblings && found.Type.JSON != definitions.NotPrimitive:
			dst = c.appendValues(dst, found.Type, m, it.place.Get("_"+string(name)))
		case !isSibling:
			dst = c.appendValues(dst, found.Type, m, fhirjson.Value{})
		case found.Type.JSON != definitions.NotPrimitive && !it.place.Get(string(name)).Exists():
			dst = c.appendValues(dst, found.Type, fhirjson.Value{}, m)
		}
	}
	return dst
}

func isSiblingName(name []byte) bool { return len(name) > 1 && name[0] == '_' }

// appendUntypedChildren appends all members of JSON that the definitions do not
// describe.
func appendUntypedChildren(dst Collection, object fhirjson.Value) Collection {
	if object.Kind() != fhirjson.Object {
		return dst
	}
	for m := object.First(); m.Exists(); m = m.Next() {
		if m.Kind() != fhirjson.Array {
			dst = append(dst, Item{place: m})
			continue
		}
		for v := m.First(); v.Exists(); v = v.Next() {
			dst = append(dst, Item{place: v})
		}
	}
	return dst
}
