package ucum

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Unit is a unit in terms of base units. The zero Unit is '1', the unit of bare
// numbers.
type Unit struct {
	factor *big.Rat // how many base units one unit is; nil for 1
	offset *big.Rat // of Cel and [degF]: added to a value before the factor applies; else nil
	powers []power  // of the base units, sorted by symbol, none of them 0
}

// power is a base unit with its exponent.
type power struct {
	symbol   string
	exponent int
}

// Comparable tells whether values in the two units measure the same kind of
// thing.
func (u Unit) Comparable(other Unit) bool { return slices.Equal(u.powers, other.powers) }

// FactorTo returns what a value in u is multiplied by to give one in other. It
// is not ok for units of different kinds, and for Cel and [degF], which take
// more than a factor unless both are the same.
func (u Unit) FactorTo(other Unit) (factor *big.Rat, ok bool) {
	if !u.Comparable(other) || !sameOffset(u, other) {
		return nil, false
	}
	return new(big.Rat).Quo(u.multiplier(), other.multiplier()), true
}

// ToBase returns a value in the base units of Dimension. Values of comparable
// units are equal exactly when their base values are.
func (u Unit) ToBase(value *big.Rat) *big.Rat {
	base := new(big.Rat).Set(value)
	if u.offset != nil {
		base.Add(base, u.offset)
	}
	return base.Mul(base, u.multiplier())
}

// FromBase is the inverse of ToBase.
func (u Unit) FromBase(base *big.Rat) *big.Rat {
	value := new(big.Rat).Quo(base, u.multiplier())
	if u.offset != nil {
		value.Sub(value, u.offset)
	}
	return value
}

// Dimension writes the base units, such as "g.m-1.s-2" for a pressure: equal
// for comparable units, and a unit code itself. It is "1" for bare numbers.
func (u Unit) Dimension() string {
	if len(u.powers) == 0 {
		return "1"
	}
	var b strings.Builder
	for i, p := range u.powers {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p.symbol)
		if p.exponent != 1 {
			b.WriteString(strconv.Itoa(p.exponent))
		}
	}
	return b.String()
}

// conversionDigits is the precision of a conversion that no decimal can give
// exactly.
const conversionDigits = 28

// Convert gives a value in other units: exactly if that takes no more than 28
// digits, else rounded to as many. It is not ok for units that are not
// comparable.
func Convert(value *apd.Decimal, from, to Unit) (*apd.Decimal, bool) {
	if !from.Comparable(to) || value.Form != apd.Finite {
		return nil, false
	}
	converted := to.FromBase(from.ToBase(Rat(value)))
	numerator := apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(converted.Num()), 0)
	denominator := apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(converted.Denom()), 0)
	context := apd.BaseContext.WithPrecision(conversionDigits)
	var result apd.Decimal
	if _, err := context.Quo(&result, numerator, denominator); err != nil {
		return nil, false
	}
	result.Reduce(&result)
	return &result, true
}

// Rat returns a finite decimal as a fraction.
func Rat(d *apd.Decimal) *big.Rat {
	coefficient := d.Coeff.MathBigInt()
	if d.Negative {
		coefficient.Neg(coefficient)
	}
	r := new(big.Rat).SetInt(coefficient)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.Exponent, -d.Exponent))), nil)
	if d.Exponent < 0 {
		return r.Quo(r, new(big.Rat).SetInt(scale))
	}
	return r.Mul(r, new(big.Rat).SetInt(scale))
}

var one = big.NewRat(1, 1)

// multiplier is the factor, never nil. It must not be changed.
func (u Unit) multiplier() *big.Rat {
	if u.factor == nil {
		return one
	}
	return u.factor
}

func sameOffset(a, b Unit) bool {
	if a.offset == nil || b.offset == nil {
		return a.offset == b.offset
	}
	return a.offset.Cmp(b.offset) == 0
}

// times multiplies with a power of another unit.
func (u Unit) times(other Unit, exponent int) Unit {
	product := Unit{factor: new(big.Rat), powers: make([]power, len(u.powers), len(u.powers)+len(other.powers))}
	copy(product.powers, u.powers)
	switch exponent {
	case 1:
		product.factor.Mul(u.multiplier(), other.multiplier())
	case -1:
		product.factor.Quo(u.multiplier(), other.multiplier())
	default:
		product.factor.Mul(u.multiplier(), raise(other.multiplier(), exponent))
	}
	for _, p := range other.powers {
		at, found := slices.BinarySearchFunc(product.powers, p.symbol, func(p power, symbol string) int {
			return cmp.Compare(p.symbol, symbol)
		})
		if !found {
			product.powers = slices.Insert(product.powers, at, power{symbol: p.symbol})
		}
		if product.powers[at].exponent += p.exponent * exponent; product.powers[at].exponent == 0 {
			product.powers = slices.Delete(product.powers, at, at+1)
		}
	}
	return product
}

// raise returns a power of a factor.
func raise(factor *big.Rat, exponent int) *big.Rat {
	power := big.NewInt(int64(max(exponent, -exponent)))
	raised := new(big.Rat).SetFrac(new(big.Int).Exp(factor.Num(), power, nil), new(big.Int).Exp(factor.Denom(), power, nil))
	if exponent < 0 {
		raised.Inv(raised)
	}
	return raised
}
