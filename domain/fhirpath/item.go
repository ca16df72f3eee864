package fhirpath

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// Item is one member of a collection: an element of a resource, with its type
// and its place in the JSON tree, or a System value without a place.
//
// A primitive of FHIR has up to two places, that of its value, birthDate, and
// that of its id and extensions, _birthDate; one of them may be absent.
//
// What resolve() cannot fetch becomes an item that has a type but neither place
// nor value.
type Item struct {
	typ     *definitions.Type
	place   fhirjson.Value
	sibling fhirjson.Value
	system  System
}

// Collection is the result of an expression: items in order.
type Collection []Item

// NewItem makes the item of a System value.
func NewItem(v System) Item { return Item{system: v} }

// NewElement makes the item of an element of a known type; the sibling is where
// a primitive has its id and extensions.
func NewElement(t *definitions.Type, place, sibling fhirjson.Value) Item {
	return Item{typ: t, place: place, sibling: sibling}
}

// NewResource makes the item of a resource; its type is what resourceType says.
func NewResource(d *definitions.Definitions, resource fhirjson.Value) Item {
	return Item{typ: d.TypeOf(resource.Get("resourceType").Text()), place: resource}
}

// FHIRType returns the type of an element, and nil for System values and for
// JSON that the definitions do not describe.
func (it Item) FHIRType() *definitions.Type { return it.typ }

// Place returns where the element stands: of a primitive its value, or what
// Sibling returns if it has no value. It is absent for System values.
func (it Item) Place() fhirjson.Value {
	if it.place.Exists() {
		return it.place
	}
	return it.sibling
}

// Sibling returns where a primitive has its id and extensions.
func (it Item) Sibling() fhirjson.Value { return it.sibling }

// IsPlaceholder tells whether the item is a resource that could not be fetched.
func (it Item) IsPlaceholder() bool {
	return it.typ != nil && !it.place.Exists() && !it.sibling.Exists()
}

// isZero tells whether there is no item.
func (it Item) isZero() bool {
	return it.typ == nil && it.system == nil && !it.place.Exists() && !it.sibling.Exists()
}

// Type returns namespace and name of the type as type() does.
func (it Item) Type() TypeInfo {
	switch {
	case it.system != nil:
		return TypeInfo{"System", it.system.SystemType()}
	case it.typ != nil && it.typ.Profile: // SimpleQuantity is no type of its own
		return TypeInfo{"FHIR", it.typ.Base}
	case it.typ != nil:
		return TypeInfo{"FHIR", it.typ.Name}
	}
	return TypeInfo{"FHIR", "Element"}
}

// String writes a primitive as toString() does, other elements as their JSON.
func (it Item) String() string {
	if v, ok := it.System(); ok {
		return v.String()
	}
	return string(it.Place().Raw())
}

// System returns the value that an item is calculated with: a System value
// itself, the value of a primitive, the Quantity of a FHIR quantity in UCUM
// (https://hl7.org/fhir/R4/fhirpath.html#types). ok is false for other elements,
// and for values that are not what their type says.
func (it Item) System() (v System, ok bool) {
	if it.system != nil {
		return it.system, true
	}
	switch it.place.Kind() {
	case fhirjson.Absent, fhirjson.Null, fhirjson.Array:
		return nil, false
	case fhirjson.Object:
		if it.typ != nil && isQuantity(it.typ) {
			return quantityOf(it.place)
		}
		return nil, false
	}
	if it.typ == nil {
		return untyped(it.place)
	}
	return primitive(it.typ.Format, it.place)
}

// primitive reads the value of a primitive type.
func primitive(format definitions.Format, place fhirjson.Value) (System, bool) {
	switch place.Kind() {
	case fhirjson.True, fhirjson.False:
		return Boolean(place.Kind() == fhirjson.True), format == definitions.Boolean
	case fhirjson.Number:
		if format == definitions.Decimal {
			return wrap(parseDecimal(string(place.Raw())))
		}
		return wrap(parseInteger(string(place.Raw())))
	}
	switch format {
	case definitions.Date:
		return wrap(parseTemporal(place.String(), dateKind))
	case definitions.DateTime, definitions.Instant:
		return wrap(parseTemporal(place.String(), dateTimeKind))
	case definitions.Time:
		return wrap(parseTemporal(place.String(), timeKind))
	case definitions.Integer64:
		return wrap(parseInteger(place.String()))
	}
	if !isTextFormat(format) {
		return nil, false
	}
	return String(place.Text()), true
}

// isTextFormat tells whether primitives of a format become a String.
func isTextFormat(format definitions.Format) bool {
	switch format {
	case definitions.Base64Binary, definitions.Canonical, definitions.Code, definitions.ID, definitions.Markdown, definitions.OID,
		definitions.String, definitions.URI, definitions.URL, definitions.UUID, definitions.XHTML:
		return true
	}
	return false
}

// untyped reads JSON that the definitions do not describe.
func untyped(place fhirjson.Value) (System, bool) {
	switch place.Kind() {
	case fhirjson.True, fhirjson.False:
		return Boolean(place.Kind() == fhirjson.True), true
	case fhirjson.Number:
		if n, ok := parseInteger(string(place.Raw())); ok {
			return n, true
		}
		return wrap(parseDecimal(string(place.Raw())))
	}
	return String(place.Text()), place.Kind() == fhirjson.String
}

func wrap[T System](v T, ok bool) (System, bool) {
	if !ok {
		return nil, false
	}
	return v, true
}

// isQuantity tells whether a type is Quantity or one of its kinds.
func isQuantity(t *definitions.Type) bool {
	return t.Name == "Quantity" || t.Base == "Quantity"
}

// quantityOf reads a FHIR quantity: the code if it is one of UCUM, else the
// unit. A comparator makes it a range, which has no value.
func quantityOf(place fhirjson.Value) (System, bool) {
	var value, system, code, unit fhirjson.Value
	for m := place.First(); m.Exists(); m = m.Next() {
		switch string(m.Name()) {
		case "value":
			value = m
		case "system":
			system = m
		case "code":
			code = m
		case "unit":
			unit = m
		case "comparator":
			return nil, false
		}
	}
	d, ok := parseDecimal(string(value.Raw()))
	if !ok {
		return nil, false
	}
	q := &Quantity{Value: d, Unit: "1"}
	switch {
	case code.Kind() == fhirjson.String && string(system.Text()) == ucumURL:
		q.Unit = code.String()
	case unit.Kind() == fhirjson.String:
		q.Unit = unit.String()
	case code.Kind() == fhirjson.String:
		q.Unit = code.String()
	}
	return q, true
}

const ucumURL = "http://unitsofmeasure.org"
