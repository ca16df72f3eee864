package fhirpath

import (
	"math"
	"strconv"

	"github.com/cockroachdb/apd/v3"
)

const (
	// maxDigits bounds the digits and the exponent of decimals, so that no
	// expression can build numbers that take all memory.
	maxDigits = 400
	// quotientDigits is the precision of what has no exact decimal. FHIRPath
	// asks for at least 28 digits.
	quotientDigits = 34
)

// exact calculates sums and products; results of more digits are rounded.
var exact = apd.Context{Precision: maxDigits, MaxExponent: 2 * maxDigits, MinExponent: -2 * maxDigits, Rounding: apd.RoundHalfUp, Traps: apd.DefaultTraps}

// rounded calculates quotients, roots and logarithms.
var rounded = apd.Context{Precision: quotientDigits, MaxExponent: 2 * maxDigits, MinExponent: -2 * maxDigits, Rounding: apd.RoundHalfUp, Traps: apd.DefaultTraps}

// quotient divides, without the zeros that the division adds: 7 / 2 is 3.5. It
// fails where the result is out of range; the divisor is not 0.
func quotient(a, b *apd.Decimal) (*apd.Decimal, bool) {
	result := new(apd.Decimal)
	if _, err := rounded.Quo(result, a, b); err != nil {
		return nil, false
	}
	return plainForm(result), true
}

// plainForm takes trailing zeros off the fraction.
func plainForm(d *apd.Decimal) *apd.Decimal {
	if d.Exponent < 0 {
		if d.Reduce(d); d.Exponent > 0 {
			return roundTo(d, 0, apd.RoundHalfUp)
		}
	}
	return d
}

// parseDecimal reads a number of JSON or of an expression.
func parseDecimal(text string) (Decimal, bool) {
	if len(text) == 0 || len(text) > maxDigits {
		return Decimal{}, false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return Decimal{}, false // apd also reads words such as Infinity
		}
	}
	d, condition, err := apd.NewFromString(text)
	if err != nil || condition.Any() || d.Form != apd.Finite || d.Exponent > maxDigits || d.Exponent < -maxDigits {
		return Decimal{}, false
	}
	return Decimal{d}, true
}

// parseInteger reads a whole number of up to 64 bits.
func parseInteger(text string) (Integer, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return Integer(n), err == nil
}

// decimalOf returns an integer as a decimal.
func decimalOf(i Integer) Decimal { return Decimal{apd.New(int64(i), 0)} }

// integerOf returns the whole part of a decimal if it fits.
func integerOf(d *apd.Decimal) (Integer, bool) {
	var whole apd.Decimal
	d.Modf(&whole, nil)
	n, err := whole.Int64()
	return Integer(n), err == nil
}

// fits tells whether a result of integers is one: beyond 32 bits only if an
// operand was there already.
func fits(result int64, operands ...Integer) bool {
	if result >= math.MinInt32 && result <= math.MaxInt32 {
		return true
	}
	for _, o := range operands {
		if o < math.MinInt32 || o > math.MaxInt32 {
			return true
		}
	}
	return false
}

// places returns the number of digits after the decimal point.
func places(d *apd.Decimal) int { return int(max(0, -d.Exponent)) }

// roundTo returns d with a number of decimal places, rounded as told. (apd's
// own Quantize makes 0 of every number that is smaller than one step of the
// result, even where it should round away from 0.)
func roundTo(d *apd.Decimal, places int, how apd.Rounder) *apd.Decimal {
	drop := int64(-places) - int64(d.Exponent) // digits to drop
	result := &apd.Decimal{Negative: d.Negative, Exponent: int32(-places)}
	scale := new(apd.BigInt).Exp(apd.NewBigInt(10), apd.NewBigInt(max(drop, -drop)), nil)
	if drop <= 0 {
		result.Coeff.Mul(&d.Coeff, scale)
	} else {
		rest := new(apd.BigInt)
		result.Coeff.QuoRem(&d.Coeff, scale, rest)
		half := new(apd.BigInt).Mul(rest, apd.NewBigInt(2)).Cmp(scale)
		away := false // from 0
		switch how {
		case apd.RoundHalfUp:
			away = half >= 0
		case apd.RoundCeiling:
			away = rest.Sign() > 0 && !d.Negative
		case apd.RoundFloor:
			away = rest.Sign() > 0 && d.Negative
		}
		if away {
			result.Coeff.Add(&result.Coeff, apd.NewBigInt(1))
		}
	}
	if result.IsZero() {
		result.Negative = false
	}
	return result
}
