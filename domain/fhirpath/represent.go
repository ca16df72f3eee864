package fhirpath

import (
	"math"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/ucum"
)

// AppendFHIR appends a System value as JSON of the FHIR type that stands for it
// (https://hl7.org/fhir/R4/fhirpath.html#types), and returns the name of the type.
// For what no type of the FHIR version can hold, such as the type of an item or a
// time cut to the hour, it appends nothing and the name is empty.
func AppendFHIR(dst []byte, d *definitions.Definitions, v System) (_ []byte, typeName string) {
	switch v := v.(type) {
	case Boolean:
		return append(dst, v.String()...), "boolean"
	case String:
		return fhirjson.AppendQuoted(dst, string(v)), "string"
	case Decimal:
		return append(dst, v.String()...), "decimal"
	case Integer:
		switch {
		case v >= math.MinInt32 && v <= math.MaxInt32:
			return append(dst, v.String()...), "integer"
		case d.Type("integer64") != nil:
			return fhirjson.AppendQuoted(dst, v.String()), "integer64"
		}
	case *Temporal:
		if name := v.fhirType(); name != "" {
			return fhirjson.AppendQuoted(dst, v.String()), name
		}
	case *Quantity:
		return v.appendFHIR(dst), "Quantity"
	}
	return dst, ""
}

// fhirType names the primitive that can hold the value: those of FHIR have
// seconds wherever they have hours, and a dateTime a zone as well.
func (t *Temporal) fhirType() string {
	whole := t.precision == secondPrecision
	switch {
	case t.kind == dateKind:
		return "date"
	case t.kind == timeKind && whole:
		return "time"
	case t.kind == dateTimeKind && (t.precision <= dayPrecision || whole && t.zoned):
		return "dateTime"
	}
	return ""
}

// appendFHIR writes a Quantity. Only what is known to be a code of UCUM is
// called one.
func (q *Quantity) appendFHIR(dst []byte) []byte {
	dst = append(append(dst, `{"value":`...), q.Value.String()...)
	dst = fhirjson.AppendQuoted(append(dst, `,"unit":`...), q.Unit)
	if _, err := ucum.Parse(q.Unit); err == nil && !q.Calendar {
		dst = append(dst, `,"system":"`+ucumURL+`","code":`...)
		dst = fhirjson.AppendQuoted(dst, q.Unit)
	}
	return append(dst, '}')
}
