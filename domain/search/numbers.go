package search

import (
	"math"
	"math/big"
	"strconv"
)

// NumberKey gives a number that is ordered as f is. It is never MinInt64 or
// MaxInt64, which stand for open ends. -0 is 0; f must not be NaN.
func NumberKey(f float64) int64 {
	if f == 0 {
		return 0
	}
	key := int64(math.Float64bits(f))
	if key < 0 {
		key ^= math.MaxInt64
	}
	return key
}

// KeyNumber is the inverse of NumberKey.
func KeyNumber(key int64) float64 {
	if key < 0 {
		key ^= math.MaxInt64
	}
	return math.Float64frombits(uint64(key))
}

// The bounds of what ParseDecimal reads: digits that are written, and the
// power of ten of the first and last of them.
const (
	maxDigits   = 40
	maxExponent = 300
)

// Decimal is an exact number with the precision that its spelling implies:
// 5.40 is between 5.395 and 5.405
// (https://hl7.org/fhir/R4/search.html#number). It is immutable, and the zero
// Decimal is an exact 0.
type Decimal struct {
	value *big.Rat // nil is 0
	half  *big.Rat // half a unit of the last digit; nil is 0
}

// ParseDecimal reads digits with an optional sign, fraction and exponent. ok is
// false for anything else, for more than 40 digits, and for powers of ten
// beyond ±300.
func ParseDecimal(text string) (d Decimal, ok bool) {
	digits, unit, ok := scanDecimal(text)
	if !ok {
		return Decimal{}, false
	}
	coefficient, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return Decimal{}, false
	}
	last := powerOfTen(unit)
	d.value = new(big.Rat).Mul(new(big.Rat).SetInt(coefficient), last)
	d.half = last.Quo(last, big.NewRat(2, 1))
	return d, true
}

// scanDecimal checks the grammar; it gives sign and digits without the point,
// and the power of ten that the last digit counts.
func scanDecimal(text string) (digits string, unit int, ok bool) {
	buffer := make([]byte, 0, maxDigits+1)
	at, count, point := 0, 0, -1
	if at < len(text) && (text[at] == '-' || text[at] == '+') {
		if text[at] == '-' {
			buffer = append(buffer, '-')
		}
		at++
	}
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case c >= '0' && c <= '9':
			if count++; count > maxDigits {
				return "", 0, false
			}
			buffer = append(buffer, c)
			continue
		case c == '.' && point < 0 && count > 0:
			point = count
			continue
		}
		break
	}
	if count == 0 || point == count {
		return "", 0, false
	}
	if point >= 0 {
		unit = point - count
	}
	if at < len(text) {
		exponent, isExponent := scanExponent(text[at:])
		if !isExponent {
			return "", 0, false
		}
		unit += exponent
	}
	return string(buffer), unit, unit >= -maxExponent && unit+count <= maxExponent+1
}

func scanExponent(text string) (exponent int, ok bool) {
	if len(text) < 2 || len(text) > 6 || text[0]|0x20 != 'e' {
		return 0, false
	}
	exponent, err := strconv.Atoi(text[1:])
	return exponent, err == nil
}

func powerOfTen(exponent int) *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), power)
	}
	return new(big.Rat).SetInt(power)
}

// DecimalOf gives a whole number as an exact Decimal.
func DecimalOf(n int64) Decimal { return Decimal{value: big.NewRat(n, 1)} }

func (d Decimal) rat() *big.Rat {
	if d.value == nil {
		return new(big.Rat)
	}
	return d.value
}

func (d Decimal) unit() *big.Rat {
	if d.half == nil {
		return new(big.Rat)
	}
	return d.half
}

// Key returns the NumberKey of the float64 that is nearest to the number.
func (d Decimal) Key() int64 {
	f, _ := d.rat().Float64()
	return NumberKey(f)
}

// Precision returns the ends of what the number may have been rounded from:
// half a unit of its last digit to both sides, both of them exact.
func (d Decimal) Precision() (low, high Decimal) {
	low.value = new(big.Rat).Sub(d.rat(), d.unit())
	high.value = new(big.Rat).Add(d.rat(), d.unit())
	return low, high
}

// Cmp compares the numbers, whatever their precision: -1, 0 or 1.
func (d Decimal) Cmp(other Decimal) int { return d.rat().Cmp(other.rat()) }

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int { return d.rat().Sign() }

// Neg returns -d.
func (d Decimal) Neg() Decimal {
	return Decimal{value: new(big.Rat).Neg(d.rat()), half: d.half}
}

// Add returns the sum; its precision is the coarser of the two.
func (d Decimal) Add(other Decimal) Decimal {
	half := d.unit()
	if half.Cmp(other.unit()) < 0 {
		half = other.unit()
	}
	return Decimal{value: new(big.Rat).Add(d.rat(), other.rat()), half: half}
}

// Scale multiplies number and precision by numerator/denominator, as a
// conversion of units does. The denominator must not be 0.
func (d Decimal) Scale(numerator, denominator int64) Decimal {
	return d.Mul(big.NewRat(numerator, denominator))
}

// Mul multiplies number and precision by an exact factor.
func (d Decimal) Mul(factor *big.Rat) Decimal {
	return Decimal{
		value: new(big.Rat).Mul(d.rat(), factor),
		half:  new(big.Rat).Mul(d.unit(), new(big.Rat).Abs(factor)),
	}
}
