package search

import (
	"math/big"
	"sync"

	"fhirlog/domain/ucum"
)

// columnTest tells whether a value from low to high matches.
type columnTest = func(low, high int64) bool

// numberTest compares numbers (https://hl7.org/fhir/R4/search.html#prefix).
// Equality and ap are about the range that the spelling of the number implies;
// for the other prefixes it is exact. convert puts bounds into the unit of the
// values; nil leaves them.
//
// Values and bounds are compared as the float64 nearest to them, so that they
// are told apart if they differ in the first 15 digits.
func numberTest(prefix Prefix, number Decimal, convert func(*big.Rat) *big.Rat) columnTest {
	key := func(r *big.Rat) int64 {
		if convert != nil {
			r = convert(r)
		}
		f, _ := r.Float64()
		return NumberKey(f)
	}
	value := key(number.rat())
	least, greatest := number.Precision()
	from, before := key(least.rat()), key(greatest.rat())
	equal := func(low, high int64) bool { return low >= from && high < before || low == value && high == value }
	switch prefix {
	case NotEqual:
		return func(low, high int64) bool { return !equal(low, high) }
	case Greater:
		return func(_, high int64) bool { return high > value }
	case Less:
		return func(low, _ int64) bool { return low < value }
	case GreaterEqual:
		return func(_, high int64) bool { return high >= value }
	case LessEqual:
		return func(low, _ int64) bool { return low <= value }
	case StartsAfter:
		return func(low, _ int64) bool { return low > value }
	case EndsBefore:
		return func(_, high int64) bool { return high < value }
	case Approximate:
		tenth := new(big.Rat).Abs(number.rat())
		tenth.Quo(tenth, big.NewRat(10, 1))
		from, to := key(new(big.Rat).Sub(least.rat(), tenth)), key(new(big.Rat).Add(greatest.rat(), tenth))
		return func(low, high int64) bool { return low <= to && high >= from }
	}
	return equal
}

// ucumSystem is the system of units that convert.
const ucumSystem = "http://unitsofmeasure.org"

// quantityColumns tells which columns a quantity is compared with: the value
// part that all of them begin with, and the test for each, nil for none
// (https://hl7.org/fhir/R4/search.html#quantity).
//
//	n               every unit
//	n||code         code or unit is that, whatever the system
//	n|system|       every unit of the system
//	n|system|code   that unit; of UCUM also those that convert to it
func quantityColumns(operand Operand) (beginning []byte, choose func(value []byte) columnTest, test columnTest) {
	system, code := operand.Parts[1], operand.Parts[2]
	same := numberTest(operand.Prefix, operand.number, nil)
	when := func(holds bool) columnTest {
		if holds {
			return same
		}
		return nil
	}
	switch {
	case system == "" && code == "":
		return nil, nil, same
	case system == "":
		return nil, func(value []byte) columnTest {
			return when(isExact(component(value, 0), code) || isExact(component(value, 2), code))
		}, nil
	case code == "":
		return nil, func(value []byte) columnTest { return when(isExact(component(value, 1), system)) }, nil
	case system == ucumSystem:
		if unit, err := ucum.Parse(code); err == nil {
			c := converter{operand: operand, code: code, unit: unit, same: same, tests: map[string]columnTest{}}
			return nil, c.testFor, nil
		}
	}
	return appendExact(appendExact(nil, code), system), nil, same
}

// converter compares quantities in different units of UCUM. It keeps the test
// of each unit, as it is asked for the same few over and over.
type converter struct {
	operand Operand
	code    string
	unit    ucum.Unit
	same    columnTest

	mu    sync.Mutex
	tests map[string]columnTest // by code; mu guards it
}

// maxConverted bounds how many units a converter keeps.
const maxConverted = 1000

func (c *converter) testFor(value []byte) columnTest {
	if !isExact(component(value, 1), ucumSystem) {
		return nil
	}
	code := component(value, 0)
	if string(code) == c.code {
		return c.same
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if test, known := c.tests[string(code)]; known {
		return test
	}
	test := c.convert(string(code))
	if len(c.tests) < maxConverted {
		c.tests[string(code)] = test
	}
	return test
}

func (c *converter) convert(code string) columnTest {
	unit, err := ucum.Parse(code)
	if err != nil || !c.unit.Comparable(unit) {
		return nil
	}
	return numberTest(c.operand.Prefix, c.operand.number, func(r *big.Rat) *big.Rat {
		return unit.FromBase(c.unit.ToBase(r))
	})
}
