package validate

import (
	"fmt"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// sibling checks a member such as _birthDate, which carries the id and the
// extensions of the primitive birthDate
// (https://hl7.org/fhir/R4/json.html#primitive).
func (w *walker) sibling(object, v fhirjson.Value, name []byte, t *definitions.Type, seen *definitions.ElementSet) {
	base := name[1:]
	m, ok := t.Member(base)
	if !ok {
		w.unknown(v, name, t)
		return
	}
	e := m.Element
	if seen.Add(e.Index) && e.Choice {
		w.choiceOnce(object, base, m, t)
	}
	if m.Type.Kind != definitions.Primitive {
		w.faultAt(string(name), v, codeStructure, fmt.Sprintf("%s is not of a primitive type: its id and extensions stand inside of it, not in %s.", base, name))
		return
	}
	w.push(e.Name, v)
	defer w.pop()
	isArray := v.Kind() == fhirjson.Array
	switch {
	case isArray != e.Repeats() && isArray:
		w.fault(codeStructure, fmt.Sprintf("%s cannot repeat and %s must not be an array.", base, name))
	case isArray != e.Repeats():
		w.fault(codeStructure, fmt.Sprintf("%s can repeat and %s must be an array of the same length.", base, name))
	case isArray:
		w.siblingItems(object, v, name)
	case v.Kind() != fhirjson.Object:
		w.fault(codeStructure, fmt.Sprintf("%s must be an object with id or extension, not %s.", name, described(v.Kind())))
	default:
		w.members(v, w.element)
		w.siblingRule(v, object.Get(string(base)))
	}
}

// siblingItems checks an array such as _given against the array given: of
// equal length, with null on at most one side.
func (w *walker) siblingItems(object, array fhirjson.Value, name []byte) {
	count := 0
	values := object.Get(string(name[1:]))
	hasValues := values.Kind() == fhirjson.Array
	value := fhirjson.Value{}
	if hasValues {
		value = values.First()
	}
	for item := array.First(); item.Exists() && !w.full(); item = item.Next() {
		w.at(count, item)
		switch item.Kind() {
		case fhirjson.Object:
			w.members(item, w.element)
			w.siblingRule(item, value)
		case fhirjson.Null:
			if !hasValues { // else the walk over the values reports it
				w.fault(codeStructure, fmt.Sprintf("This item of %s is null and has no value in %s either.", name, name[1:]))
			}
		default:
			w.fault(codeStructure, fmt.Sprintf("The items of %s must be objects with id or extension, or null, not %s.", name, described(item.Kind())))
		}
		count++
		value = value.Next()
	}
	w.at(noIndex, array)
	switch {
	case w.full():
	case count == 0:
		w.fault(codeStructure, fmt.Sprintf("%s is an empty array; leave out what has no content.", name))
	case hasValues && values.Len() != count:
		w.fault(codeStructure, fmt.Sprintf("%s and %s must be arrays of the same length, with null where one has nothing.", name[1:], name))
	}
}

// besides walks the items of the _name sibling along with the values, so that
// an array full of nulls costs linear time.
type besides struct {
	started bool
	item    fhirjson.Value
	index   int
}

// nullItem checks a null among the values of a repeating primitive: its _name
// sibling must have something at the same place.
func (w *walker) nullItem(object fhirjson.Value, name []byte, index int, beside *besides) {
	if !beside.started {
		beside.started = true
		beside.item = object.Get("_" + string(name)).First()
	}
	for ; beside.index < index; beside.index++ {
		beside.item = beside.item.Next()
	}
	if !beside.item.Exists() || beside.item.Kind() == fhirjson.Null {
		w.fault(codeStructure, fmt.Sprintf("This item of %s is null; that needs an extension at the same place in _%s.", name, name))
	}
}
