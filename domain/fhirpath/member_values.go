package fhirpath

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// appendValues appends a value or the values of an array, each with what its
// sibling has for it.
func (c *compiler) appendValues(dst Collection, t *definitions.Type, value, sibling fhirjson.Value) Collection {
	if value.Kind() != fhirjson.Array && sibling.Kind() != fhirjson.Array {
		return c.appendOne(dst, t, value, sibling)
	}
	value, sibling = elements(value), elements(sibling)
	for value.Exists() || sibling.Exists() {
		dst = c.appendOne(dst, t, value, sibling)
		value, sibling = value.Next(), sibling.Next()
	}
	return dst
}

// elements returns the first element of an array, and what is no array itself.
func elements(v fhirjson.Value) fhirjson.Value {
	if v.Kind() == fhirjson.Array {
		return v.First()
	}
	return v
}

// appendOne appends one element, nothing for nulls. The type of a resource is
// what the resource says.
func (c *compiler) appendOne(dst Collection, t *definitions.Type, value, sibling fhirjson.Value) Collection {
	if value.Kind() == fhirjson.Null {
		value = fhirjson.Value{}
	}
	if sibling.Kind() == fhirjson.Null {
		sibling = fhirjson.Value{}
	}
	if !value.Exists() && !sibling.Exists() {
		return dst
	}
	if t.Kind == definitions.Resource {
		return append(dst, NewResource(c.definitions, value))
	}
	return append(dst, Item{typ: t, place: value, sibling: sibling})
}

// appendOfPrimitive appends what a primitive has besides its value: its id and
// extensions, or as "value" the value itself, without a type of FHIR.
func (c *compiler) appendOfPrimitive(dst Collection, it *Item, name string) Collection {
	typeName := ""
	switch name {
	case "value":
		if v, ok := it.System(); ok {
			dst = append(dst, NewItem(v))
		}
		return dst
	case "extension":
		typeName = "Extension"
	case "id":
		typeName = "string"
	}
	if !it.sibling.Exists() {
		return dst
	}
	if t := c.definitions.Type(typeName); t != nil {
		dst = c.appendElement(dst, it.sibling, t, name)
	}
	return dst
}

// appendPart appends a part of a System value.
func appendPart(dst Collection, v System, name string) Collection {
	switch v := v.(type) {
	case TypeInfo:
		switch name {
		case "namespace":
			return append(dst, NewItem(String(v.Namespace)))
		case "name":
			return append(dst, NewItem(String(v.Name)))
		}
	case *Quantity:
		switch name {
		case "value":
			return append(dst, NewItem(v.Value))
		case "unit", "code":
			return append(dst, NewItem(String(v.Unit)))
		}
	}
	return dst
}

// appendUntyped appends members of JSON that the definitions do not describe.
func appendUntyped(dst Collection, object fhirjson.Value, name string) Collection {
	member := object.Get(name)
	for v := elements(member); v.Exists(); v = v.Next() {
		if v.Kind() != fhirjson.Null {
			dst = append(dst, Item{place: v})
		}
		if member.Kind() != fhirjson.Array {
			break
		}
	}
	return dst
}
