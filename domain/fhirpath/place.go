package fhirpath

import (
	"strconv"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Places tells where elements stand in a resource, as the FHIRPath that leads to
// them: Observation.value, where JSON has valueQuantity, and the same for what is
// beside a primitive. Asked for elements in the order of the document, as results
// mostly come, it walks over the resource once. It is not safe for concurrent use.
type Places struct {
	definitions *definitions.Definitions
	trail       []landing // from the resource to what was found last
	path        []byte    // of what was found last
}

// landing is a value on the way to an element.
type landing struct {
	value fhirjson.Value
	typ   *definitions.Type // nil where it is not known
	index int               // in an array
	text  int               // the length of the path up to here
}

// NewPlaces makes the Places of a resource.
func NewPlaces(d *definitions.Definitions, resource fhirjson.Value) *Places {
	p := &Places{definitions: d}
	if resource.Kind() != fhirjson.Object {
		return p
	}
	root := landing{value: resource, typ: d.TypeOf(resource.Get("resourceType").Text())}
	if p.path = append(p.path, '$'); root.typ != nil {
		p.path = append(p.path[:0], root.typ.Name...)
	}
	root.text = len(p.path)
	p.trail = append(p.trail, root)
	return p
}

// Of returns the path of an item; ok is false for those that are not in the
// resource.
func (p *Places) Of(it Item) (path string, ok bool) {
	place := it.Place()
	if !place.Exists() || len(p.trail) == 0 || place.Document() != p.trail[0].value.Document() || !within(p.trail[0].value, place) {
		return "", false
	}
	var left landing // the child, of the last value that stays, that is gone back from
	for !within(p.trail[len(p.trail)-1].value, place) {
		left = p.trail[len(p.trail)-1]
		p.trail = p.trail[:len(p.trail)-1]
	}
	for p.trail[len(p.trail)-1].value != place {
		p.trail = append(p.trail, p.step(left, place))
		left = landing{}
	}
	p.path = p.path[:p.trail[len(p.trail)-1].text]
	return string(p.path), true
}

func within(outer, inner fhirjson.Value) bool {
	return outer.Start() <= inner.Start() && inner.End() <= outer.End()
}

// step goes from the last landing to its child that holds a place: on from an
// elder child if one is known.
func (p *Places) step(elder landing, place fhirjson.Value) landing {
	from := p.trail[len(p.trail)-1]
	to := landing{value: from.value.First()}
	if elder.value.Exists() && elder.value.Start() <= place.Start() {
		to = landing{value: elder.value, index: elder.index}
	}
	for !within(to.value, place) {
		to.value = to.value.Next()
		to.index++
	}
	p.path = p.path[:from.text]
	if from.value.Kind() == fhirjson.Array {
		to.typ = from.typ
		p.path = append(strconv.AppendInt(append(p.path, '['), int64(to.index), 10), ']')
	} else {
		to.typ = p.member(from.typ, to.value.Name())
	}
	if to.typ != nil && to.typ.Kind == definitions.Resource && to.value.Kind() == fhirjson.Object {
		to.typ = p.definitions.TypeOf(to.value.Get("resourceType").Text())
	}
	to.text = len(p.path)
	return to
}

// member writes the step to a member and returns its type.
func (p *Places) member(of *definitions.Type, jsonName []byte) *definitions.Type {
	name := string(jsonName)
	if isSiblingName(jsonName) {
		name = name[1:]
	}
	var typ *definitions.Type
	switch {
	case of == nil:
	case of.JSON != definitions.NotPrimitive:
		typ = p.definitions.Type(map[string]string{"id": "string", "extension": "Extension"}[name])
	default:
		if m, ok := of.Member([]byte(name)); ok {
			name, typ = m.Element.Name, m.Type
		}
	}
	p.path = appendIdentifier(append(p.path, '.'), name)
	return typ
}
