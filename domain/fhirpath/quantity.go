package fhirpath

import (
	"strings"

	"github.com/cockroachdb/apd/v3"

	"fhirlog/domain/ucum"
)

// Quantity is System.Quantity: a number with a UCUM unit or a calendar unit.
type Quantity struct {
	Value    Decimal
	Unit     string // a UCUM code, "1" for bare numbers; or a word such as "days"
	Calendar bool   // Unit is a word
}

// SystemType returns "Quantity".
func (q *Quantity) SystemType() string { return "Quantity" }

// String writes the quantity as a literal: 4 days, 10 'mg'.
func (q *Quantity) String() string {
	if q.Calendar {
		return q.Value.String() + " " + q.Unit
	}
	return q.Value.String() + " '" + string(appendEscaped(nil, q.Unit, '\'')) + "'"
}

// parseQuantity reads a quantity as toQuantity() does: a number, and after it
// a word of the calendar or a code in quotes.
func parseQuantity(text string) (*Quantity, bool) {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && (isDigit(text[end]) || text[end] == '.' || end == 0 && (text[end] == '-' || text[end] == '+')) {
		end++
	}
	if end == 0 || !isDigit(text[end-1]) || strings.HasPrefix(strings.TrimLeft(text, "+-"), ".") {
		return nil, false
	}
	value, ok := parseDecimal(text[:end])
	if !ok {
		return nil, false
	}
	unit := strings.TrimSpace(text[end:])
	if unit == "" {
		return &Quantity{Value: value, Unit: "1"}, true
	}
	if _, isWord := calendarUnits[unit]; isWord {
		return &Quantity{Value: value, Unit: unit, Calendar: true}, true
	}
	if len(unit) < 3 || unit[0] != '\'' || unit[len(unit)-1] != '\'' {
		return nil, false
	}
	code := unit[1 : len(unit)-1]
	if strings.ContainsAny(code, `'\`) && !strings.HasPrefix(code, "[") {
		return nil, false
	}
	return &Quantity{Value: value, Unit: code}, true
}

// add adds or subtracts a quantity in the unit of the left one; ok is false if
// the units are of different kinds.
func (q *Quantity) add(other *Quantity, subtract bool) (*Quantity, bool) {
	right := other.Value.Decimal
	if q.Unit != other.Unit || q.Calendar != other.Calendar {
		mq, mo := q.measure(), other.measure()
		if !mq.comparable(mo) {
			return nil, false
		}
		var ok bool
		if right, ok = mo.convert(right, mq); !ok {
			return nil, false
		}
	}
	operation := exact.Add
	if subtract {
		operation = exact.Sub
	}
	sum := new(apd.Decimal)
	if _, err := operation(sum, q.Value.Decimal, right); err != nil {
		return nil, false
	}
	return &Quantity{Value: Decimal{sum}, Unit: q.Unit, Calendar: q.Calendar}, true
}

// code returns the unit as a UCUM code that may stand in a product.
func (q *Quantity) code() string {
	if q.Calendar {
		return calendarUnits[q.Unit].ucum
	}
	return q.Unit
}

// multiply multiplies two quantities.
func (q *Quantity) multiply(other *Quantity) (*Quantity, bool) {
	value := new(apd.Decimal)
	if _, err := exact.Mul(value, q.Value.Decimal, other.Value.Decimal); err != nil {
		return nil, false
	}
	switch {
	case other.Unit == "1":
		return &Quantity{Value: Decimal{value}, Unit: q.Unit, Calendar: q.Calendar}, true
	case q.Unit == "1":
		return &Quantity{Value: Decimal{value}, Unit: other.Unit, Calendar: other.Calendar}, true
	}
	return checkedUnit(value, q.code()+"."+grouped(other.code()))
}

// divide divides two quantities; there is no result if the right one is 0.
func (q *Quantity) divide(other *Quantity) (*Quantity, bool) {
	if other.Value.IsZero() {
		return nil, false
	}
	value, ok := quotient(q.Value.Decimal, other.Value.Decimal)
	if !ok {
		return nil, false
	}
	switch {
	case other.Unit == "1":
		return &Quantity{Value: Decimal{value}, Unit: q.Unit, Calendar: q.Calendar}, true
	case q.code() == other.code():
		return &Quantity{Value: Decimal{value}, Unit: "1"}, true
	case q.Unit == "1":
		return checkedUnit(value, "/"+grouped(other.code()))
	}
	return checkedUnit(value, q.code()+"/"+grouped(other.code()))
}

// grouped puts a code of several parts in parentheses.
func grouped(code string) string {
	if strings.ContainsAny(code, "./") {
		return "(" + code + ")"
	}
	return code
}

// checkedUnit makes a quantity if the unit that a calculation gave is one.
func checkedUnit(value *apd.Decimal, code string) (*Quantity, bool) {
	if _, err := ucum.Parse(code); err != nil {
		return nil, false
	}
	return &Quantity{Value: Decimal{value}, Unit: code}, true
}
