package validate

import (
	"fmt"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// primitive checks the JSON kind and the format of a primitive value.
func (w *walker) primitive(v fhirjson.Value, e *definitions.Element, t *definitions.Type) {
	kind := v.Kind()
	switch t.JSON {
	case definitions.JSONString:
		if kind != fhirjson.String {
			w.kindFault(t, "a string", kind)
			return
		}
		w.text(v, e, t)
	case definitions.JSONNumber:
		if kind != fhirjson.Number {
			w.kindFault(t, "a number", kind)
			return
		}
		if !isNumber(t.Format, v.Raw()) {
			w.formatFault(t)
		}
	default:
		if kind != fhirjson.True && kind != fhirjson.False {
			w.kindFault(t, "true or false", kind)
		}
	}
}

// text checks a primitive that JSON writes as a string.
func (w *walker) text(v fhirjson.Value, e *definitions.Element, t *definitions.Type) {
	switch t.Format {
	case definitions.String, definitions.Markdown:
		if !isString(v.Raw()) {
			w.formatFault(t)
		} else if e == w.reference {
			w.link(LinkReference, v)
		}
		return
	case definitions.XHTML:
		w.narrative(v)
		return
	}
	text := v.Text()
	if !isFormat(t.Format, text) {
		w.formatFault(t)
		return
	}
	switch t.Format {
	case definitions.Code:
		if b := e.Binding; b != nil && b.Codes != nil && !b.Codes.HasCode(text) {
			w.fault(codeCodeInvalid, fmt.Sprintf("%s is not a code of the value set %s: %s.", quoted(text), b.ValueSet, permitted(b.Codes, false)))
		}
	case definitions.URI, definitions.URL, definitions.OID, definitions.UUID:
		w.link(LinkURI, v)
	case definitions.Canonical:
		w.link(LinkCanonical, v)
	}
}

// link hands a link to those who want it.
func (w *walker) link(kind LinkKind, v fhirjson.Value) {
	if w.links != nil {
		w.links(kind, v)
	}
	if w.policy != Off {
		w.rules.links.note(v.Text())
	}
}

func (w *walker) kindFault(t *definitions.Type, want string, got fhirjson.Kind) {
	w.fault(codeStructure, fmt.Sprintf("%s is of type %s and must be %s in JSON, not %s.", w.name(), t.Name, want, described(got)))
}

func (w *walker) formatFault(t *definitions.Type) {
	w.fault(codeValue, fmt.Sprintf("%s is not a valid %s: %s.", w.name(), t.Name, formatRule[t.Format]))
}

// formatRule says what a value of each format looks like.
var formatRule = map[definitions.Format]string{
	definitions.Base64Binary: "it has groups of four letters, digits, '+' or '/', the last padded with '='",
	definitions.Canonical:    "it is a URL without white space",
	definitions.Code:         "it is not empty and has no white space but single spaces between words",
	definitions.Date:         "it is YYYY, YYYY-MM or YYYY-MM-DD and exists in the calendar",
	definitions.DateTime:     "it is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone (Z or +hh:mm) and exists in the calendar",
	definitions.Decimal:      "it is a JSON number",
	definitions.ID:           "it has 1 to 64 letters, digits, '-' or '.'",
	definitions.Instant:      "it is YYYY-MM-DDThh:mm:ss with a time zone (Z or +hh:mm) and exists in the calendar",
	definitions.Integer:      "it is a whole number from -2147483648 to 2147483647 without fraction or exponent",
	definitions.Integer64:    "it is a string with a whole number of 64 bits",
	definitions.Markdown:     "it is not empty and has no control characters",
	definitions.OID:          "it is urn:oid: and numbers with dots between them",
	definitions.PositiveInt:  "it is a whole number from 1 to 2147483647 without fraction or exponent",
	definitions.String:       "it is not empty, has no control characters and at most 1048576 characters",
	definitions.Time:         "it is hh:mm:ss, without a time zone",
	definitions.UnsignedInt:  "it is a whole number from 0 to 2147483647 without fraction or exponent",
	definitions.URI:          "it is not empty and has no white space",
	definitions.URL:          "it is not empty and has no white space",
	definitions.UUID:         "it is urn:uuid: and a UUID in lower case",
}
