package patch

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// value is what an operation of a FHIRPath Patch puts in: a value[x], a
// resource, or, for elements whose types have no name, parts
// (https://hl7.org/fhir/R4/fhirpatch.html).
type value struct {
	typ     *definitions.Type // nil for parts
	place   fhirjson.Value
	sibling fhirjson.Value // of a primitive: its id and extensions
	parts   []part
}

// part is a child element within a value.
type part struct {
	name  string
	value value
}

// readValue reads the value of a parameter; wrong says what is wrong with it.
func readValue(d *definitions.Definitions, parameter fhirjson.Value) (v value, wrong string) {
	name, count := "", 0
	for m := parameter.First(); m.Exists(); m = m.Next() {
		switch posted := string(m.Name()); {
		case posted == "name" || posted == "id" || posted == "extension":
		case posted == "part":
			if v.parts, wrong = readParts(d, m); wrong != "" {
				return v, wrong
			}
			count++
		case posted == "resource":
			if v.typ = d.TypeOf(m.Get("resourceType").Text()); v.typ == nil || v.typ.Kind != definitions.Resource {
				return v, "its resource has no known resourceType."
			}
			v.place = m
			count++
		case strings.HasPrefix(posted, "value"):
			v.place = m
			if name != posted {
				name = posted
				count++
			}
		case strings.HasPrefix(posted, "_value"):
			v.sibling = m
			if name != posted[1:] {
				name = posted[1:]
				count++
			}
		default:
			return v, fmt.Sprintf("a parameter has no element %s.", shown(posted))
		}
	}
	switch {
	case count == 0:
		return v, "it has neither a value[x] nor parts nor a resource."
	case count > 1:
		return v, "it has more than one value; expected is one of value[x], part, resource."
	case name != "":
		return v.typed(d, name)
	}
	return v, ""
}

// typed finds the type of a value[x] by its name and checks its form.
func (v value) typed(d *definitions.Definitions, name string) (value, string) {
	m, ok := d.Type("Parameters.parameter").Member([]byte(name))
	if !ok {
		return v, fmt.Sprintf("a parameter has no element %s; value[x] ends in the name of a data type, such as valueString.", shown(name))
	}
	v.typ = m.Type
	form := map[definitions.JSONKind]string{
		definitions.NotPrimitive: "an object", definitions.JSONString: "a string", definitions.JSONNumber: "a number", definitions.JSONBoolean: "true or false",
	}[v.typ.JSON]
	fits := true
	switch kind := v.place.Kind(); v.typ.JSON {
	case definitions.NotPrimitive:
		fits = kind == fhirjson.Object && !v.sibling.Exists()
	case definitions.JSONString:
		fits = kind == fhirjson.String || kind == fhirjson.Absent
	case definitions.JSONNumber:
		fits = kind == fhirjson.Number || kind == fhirjson.Absent
	case definitions.JSONBoolean:
		fits = kind == fhirjson.True || kind == fhirjson.False || kind == fhirjson.Absent
	}
	if !fits || v.sibling.Exists() && v.sibling.Kind() != fhirjson.Object {
		return v, fmt.Sprintf("%s must be %s.", name, form)
	}
	return v, ""
}

// readParts reads the parts of a value.
func readParts(d *definitions.Definitions, list fhirjson.Value) ([]part, string) {
	if list.Kind() != fhirjson.Array || !list.First().Exists() {
		return nil, "its part is not an array of parts."
	}
	var parts []part
	for p := list.First(); p.Exists(); p = p.Next() {
		name := p.Get("name").String()
		if name == "" {
			return nil, fmt.Sprintf("its part %d has no name.", len(parts)+1)
		}
		v, wrong := readValue(d, p)
		if wrong != "" {
			return nil, fmt.Sprintf("in its part %s: %s", shown(name), wrong)
		}
		parts = append(parts, part{name, v})
	}
	return parts, ""
}

// String names the value for messages, such as "valueDate".
func (v *value) String() string {
	switch {
	case v.typ == nil:
		return "a value with parts"
	case v.typ.Kind == definitions.Resource:
		return "a resource of type " + v.typ.Name
	}
	return "value" + strings.ToUpper(v.typ.Name[:1]) + v.typ.Name[1:]
}

// fit says how well a value fits the type of an element.
type fit uint8

const (
	unfit   fit = iota
	similar     // of a type that is written the same way
	exact
)

// fits tells whether a value may become an element of a type. What the value
// contains is for the validation of the result.
func (v *value) fits(t *definitions.Type) fit {
	switch {
	case v.typ == nil:
		if t.Kind == definitions.Primitive || t.Kind == definitions.Resource {
			return unfit
		}
		return exact
	case v.typ == t:
		return exact
	case t.Kind == definitions.Resource:
		if t.Abstract && v.typ.Kind == definitions.Resource {
			return exact
		}
	case t.Kind == definitions.Primitive:
		if v.typ.Kind == definitions.Primitive && family(t.Format) != 0 && family(v.typ.Format) == family(t.Format) {
			return similar
		}
	case t.Base == v.typ.Name && v.typ.Kind == definitions.Complex && !v.typ.Abstract, v.typ.Base == t.Name && !t.Abstract:
		return similar // Quantity and its kinds
	}
	return unfit
}

// family groups the primitives that may stand for each other, as valueString
// does for the many kinds of text and valueDate for a dateTime.
func family(f definitions.Format) byte {
	switch f {
	case definitions.Base64Binary, definitions.Canonical, definitions.Code, definitions.ID, definitions.Markdown, definitions.OID,
		definitions.String, definitions.URI, definitions.URL, definitions.UUID, definitions.XHTML:
		return 't'
	case definitions.Date, definitions.DateTime, definitions.Instant:
		return 'd'
	case definitions.Integer, definitions.PositiveInt, definitions.UnsignedInt, definitions.Decimal:
		return 'n'
	}
	return 0
}
