package fhirpath

import (
	"strconv"

	"github.com/cockroachdb/apd/v3"
)

// System is a value of FHIRPath's own types, which FHIR's primitives become
// when they are calculated with: Boolean, String, Integer, Decimal, *Temporal,
// *Quantity or TypeInfo (https://hl7.org/fhirpath/N1/#literals). Values are
// read-only.
type System interface {
	// SystemType returns the name of the type, such as "Boolean".
	SystemType() string
	// String writes the value as toString() does.
	String() string
}

// Boolean is System.Boolean.
type Boolean bool

// String is System.String.
type String string

// Integer is System.Integer. Integers of FHIRPath have 32 bits; R5's integer64
// has values beyond them, which are kept and calculated with as well.
type Integer int64

// Decimal is System.Decimal: exact, with the trailing zeros it was written with.
type Decimal struct{ *apd.Decimal }

// TypeInfo is what type() returns.
type TypeInfo struct{ Namespace, Name string }

// SystemType returns "Boolean".
func (Boolean) SystemType() string { return "Boolean" }

// SystemType returns "String".
func (String) SystemType() string { return "String" }

// SystemType returns "Integer".
func (Integer) SystemType() string { return "Integer" }

// SystemType returns "Decimal".
func (Decimal) SystemType() string { return "Decimal" }

// SystemType returns "SimpleTypeInfo".
func (TypeInfo) SystemType() string { return "SimpleTypeInfo" }

// String returns "true" or "false".
func (b Boolean) String() string { return strconv.FormatBool(bool(b)) }

// String returns the string itself.
func (s String) String() string { return string(s) }

// String writes the digits.
func (i Integer) String() string { return strconv.FormatInt(int64(i), 10) }

// String writes the number without exponent.
func (d Decimal) String() string { return d.Text('f') }

// String writes namespace and name.
func (t TypeInfo) String() string { return t.Namespace + "." + t.Name }

// appendLiteral writes a value as an expression spells it.
func appendLiteral(dst []byte, v System) []byte {
	switch v := v.(type) {
	case String:
		return append(appendEscaped(append(dst, '\''), string(v), '\''), '\'')
	case *Temporal:
		dst = append(dst, '@')
		if v.kind == timeKind {
			dst = append(dst, 'T')
		}
		dst = append(dst, v.String()...)
		if v.kind == dateTimeKind && v.precision < hourPrecision {
			dst = append(dst, 'T')
		}
		return dst
	}
	return append(dst, v.String()...)
}
