package fhirpath

import (
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"fhirlog/domain/ucum"
)

// measure is a quantity's unit, ready to be compared.
type measure struct {
	unit   ucum.Unit
	months int    // of a calendar month or year: how many months; else 0
	code   string // of a unit that UCUM does not have; else ""
}

func (q *Quantity) measure() measure {
	code := q.Unit
	if q.Calendar {
		word := calendarUnits[q.Unit]
		switch word.part {
		case yearPrecision:
			return measure{months: 12}
		case monthPrecision:
			return measure{months: 1}
		}
		code = word.ucum
	}
	unit, err := ucum.Parse(code)
	if err != nil {
		return measure{code: code}
	}
	return measure{unit: unit}
}

// comparable tells whether values of two measures compare. Calendar months and
// years compare with each other only; UCUM's, which have a length in seconds,
// with definite spans only.
func (m measure) comparable(other measure) bool {
	if m.code != "" || other.code != "" || (m.months == 0) != (other.months == 0) {
		return m.code != "" && m.code == other.code
	}
	return m.months != 0 || m.unit.Comparable(other.unit)
}

// base returns a value in the units that all comparable measures share.
func (m measure) base(value *apd.Decimal) *big.Rat {
	r := ucum.Rat(value)
	switch {
	case m.months != 0:
		return r.Mul(r, big.NewRat(int64(m.months), 1))
	case m.code != "":
		return r
	}
	return m.unit.ToBase(r)
}

// compareQuantity orders two quantities, if their units are of the same kind.
func compareQuantity(a, b *Quantity) (order int, known bool) {
	if a.Unit == b.Unit && a.Calendar == b.Calendar {
		return a.Value.Cmp(b.Value.Decimal), true
	}
	ma, mb := a.measure(), b.measure()
	if !ma.comparable(mb) {
		return 0, false
	}
	return ma.base(a.Value.Decimal).Cmp(mb.base(b.Value.Decimal)), true
}

// comparableQuantities tells whether the units are of the same kind.
func comparableQuantities(a, b *Quantity) bool {
	ma, mb := a.measure(), b.measure()
	return (a.Unit == b.Unit || ma.code == "" && mb.code == "") && ma.comparable(mb)
}

// equivalentQuantity compares with the precision of the coarser one: 4 'g' is
// equivalent to 4040 'mg'. A calendar year or month is equivalent to UCUM's.
func equivalentQuantity(a, b *Quantity) bool {
	ma, mb := equivalentMeasure(a), equivalentMeasure(b)
	if !ma.comparable(mb) {
		return false
	}
	step := func(q *Quantity, m measure) *big.Rat { // the size of the last digit
		low := m.base(apd.New(0, 0))
		return low.Sub(m.base(apd.New(1, int32(-places(q.Value.Decimal)))), low)
	}
	if step(a, ma).Cmp(step(b, mb)) < 0 {
		a, b, ma, mb = b, a, mb, ma
	}
	converted, ok := mb.convert(b.Value.Decimal, ma)
	if !ok {
		return false
	}
	digits := places(a.Value.Decimal)
	return roundTo(converted, digits, apd.RoundHalfUp).Cmp(roundTo(a.Value.Decimal, digits, apd.RoundHalfUp)) == 0
}

// equivalentMeasure is measure with calendar years and months as UCUM has them.
func equivalentMeasure(q *Quantity) measure {
	m := q.measure()
	if m.months == 0 {
		return m
	}
	unit, _ := ucum.Parse(calendarUnits[q.Unit].ucum)
	return measure{unit: unit}
}

// convert gives a value in the unit of another, comparable measure.
func (m measure) convert(value *apd.Decimal, to measure) (*apd.Decimal, bool) {
	switch {
	case m.code != "":
		return value, true
	case m.months != 0:
		return quotient(scaledBy(value, m.months), apd.New(int64(to.months), 0))
	}
	return ucum.Convert(value, m.unit, to.unit)
}

func scaledBy(d *apd.Decimal, n int) *apd.Decimal {
	result := new(apd.Decimal)
	if _, err := exact.Mul(result, d, apd.New(int64(n), 0)); err != nil {
		return d
	}
	return result
}
