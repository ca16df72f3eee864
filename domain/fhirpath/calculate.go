package fhirpath

import (
	"math"
	"math/bits"

	"github.com/cockroachdb/apd/v3"
)

// calculate is + - * / div mod. A result that overflows, or a division by zero,
// is nil; ok is false for operands that do not go together.
func calculate(op string, a, b System) (result System, ok bool) {
	if t, isTemporal := a.(*Temporal); isTemporal {
		span, isQuantity := b.(*Quantity)
		if !isQuantity || op != "+" && op != "-" {
			return nil, false
		}
		moved, usable := addSpan(t, span, op == "-")
		if moved == nil {
			return nil, usable
		}
		return moved, true
	}
	ia, okA := a.(Integer)
	ib, okB := b.(Integer)
	if okA && okB && op != "/" {
		return calculateIntegers(op, ia, ib), true
	}
	da, okA := asDecimal(a)
	db, okB := asDecimal(b)
	if okA && okB {
		return calculateDecimals(op, da, db), true
	}
	qa, okA := asQuantity(a)
	qb, okB := asQuantity(b)
	if !okA || !okB {
		return nil, false
	}
	return calculateQuantities(op, qa, qb)
}

func calculateIntegers(op string, a, b Integer) System {
	var n int64
	x, y := int64(a), int64(b)
	switch op {
	case "+":
		if n = x + y; (n > x) != (y > 0) && y != 0 {
			return nil
		}
	case "-":
		if n = x - y; (n < x) != (y > 0) && y != 0 {
			return nil
		}
	case "*":
		high, low := bits.Mul64(magnitude(x), magnitude(y))
		if high != 0 || low > math.MaxInt64 {
			return nil
		}
		n = x * y
	default:
		if y == 0 || x == math.MinInt64 && y == -1 {
			return nil
		}
		if n = x / y; op == "mod" {
			n = x % y
		}
	}
	if !fits(n, a, b) {
		return nil
	}
	return Integer(n)
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func calculateDecimals(op string, a, b Decimal) System {
	result := new(apd.Decimal)
	var err error
	switch op {
	case "+":
		_, err = exact.Add(result, a.Decimal, b.Decimal)
	case "-":
		_, err = exact.Sub(result, a.Decimal, b.Decimal)
	case "*":
		_, err = exact.Mul(result, a.Decimal, b.Decimal)
	case "/":
		if b.IsZero() {
			return nil
		}
		ratio, ok := quotient(a.Decimal, b.Decimal)
		if !ok {
			return nil
		}
		return Decimal{ratio}
	case "div", "mod":
		return wholeDivision(op, a, b)
	}
	if err != nil {
		return nil
	}
	return Decimal{result}
}

// wholeDivision is div, which gives an Integer, and mod.
func wholeDivision(op string, a, b Decimal) System {
	result := new(apd.Decimal)
	if b.IsZero() {
		return nil
	}
	if op == "mod" {
		if _, err := exact.Rem(result, a.Decimal, b.Decimal); err != nil {
			return nil
		}
		return Decimal{result}
	}
	if _, err := exact.QuoInteger(result, a.Decimal, b.Decimal); err != nil {
		return nil
	}
	if n, ok := integerOf(result); ok && fits(int64(n)) {
		return n
	}
	return nil
}

func calculateQuantities(op string, a, b *Quantity) (System, bool) {
	var q *Quantity
	ok := true
	switch op {
	case "+", "-":
		if !comparableQuantities(a, b) {
			return nil, true
		}
		q, ok = a.add(b, op == "-")
	case "*":
		q, ok = a.multiply(b)
	case "/":
		q, ok = a.divide(b)
	default:
		return nil, false
	}
	if !ok {
		return nil, true
	}
	return q, true
}

// negated returns a number or quantity with the other sign.
func negated(v System) System {
	switch v := v.(type) {
	case Integer:
		return -v
	case Decimal:
		return Decimal{new(apd.Decimal).Neg(v.Decimal)}
	case *Quantity:
		return &Quantity{Value: Decimal{new(apd.Decimal).Neg(v.Value.Decimal)}, Unit: v.Unit, Calendar: v.Calendar}
	}
	return v
}
