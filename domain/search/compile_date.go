package search

import (
	"math"
)

// dateTest compares periods (https://hl7.org/fhir/R4/search.html#date). Both
// sides are from low to before high; an open end of a value is beyond every
// date.
func dateTest(operand Operand, now Ticks) columnTest {
	from, to := operand.low, operand.high
	switch operand.Prefix {
	case NotEqual:
		return func(low, high int64) bool { return low < from || high > to }
	case Less:
		return func(low, _ int64) bool { return low < from }
	case Greater:
		return func(_, high int64) bool { return high > to }
	case LessEqual:
		return func(low, _ int64) bool { return low < to }
	case GreaterEqual:
		return func(_, high int64) bool { return high > from }
	case StartsAfter:
		return func(low, _ int64) bool { return low >= to }
	case EndsBefore:
		return func(_, high int64) bool { return high <= from }
	case Approximate:
		from, to := widened(from, to, now)
		return func(low, high int64) bool { return low < to && high > from }
	case overlapping:
		return func(low, high int64) bool { return low < to && high > from }
	}
	return func(low, high int64) bool { return low >= from && high <= to }
}

// widened adds a tenth of the distance to now at both ends of a period; the
// distance is that of the end which is nearer to now, none if now is inside.
func widened(from, to, now Ticks) (Ticks, Ticks) {
	var distance Ticks
	switch {
	case now < from:
		distance = from - now
	case now >= to:
		distance = now - to
	}
	return from - distance/10, to + distance/10
}

// millisecond is the precision of meta.lastUpdated.
const millisecond = second / 1000

// updatedExpr compares the instants of versions, each a millisecond long, by
// the same rules as dateTest.
func updatedExpr(operand Operand, now Ticks) Expr {
	from, to := operand.low, operand.high
	switch operand.Prefix {
	case NotEqual:
		first, end := ceilDiv(from, millisecond), floorDiv(to, millisecond)
		if first >= end {
			return And{}
		}
		return Or{Updated{math.MinInt64, first}, Updated{end, math.MaxInt64}}
	case Less:
		return Updated{math.MinInt64, ceilDiv(from, millisecond)}
	case Greater:
		return Updated{floorDiv(to, millisecond), math.MaxInt64}
	case LessEqual:
		return Updated{math.MinInt64, ceilDiv(to, millisecond)}
	case GreaterEqual:
		return Updated{floorDiv(from, millisecond), math.MaxInt64}
	case StartsAfter:
		return Updated{ceilDiv(to, millisecond), math.MaxInt64}
	case EndsBefore:
		return Updated{math.MinInt64, floorDiv(from, millisecond)}
	case Approximate:
		from, to := widened(from, to, now)
		return Updated{floorDiv(from, millisecond), ceilDiv(to, millisecond)}
	case overlapping:
		return Updated{floorDiv(from, millisecond), ceilDiv(to, millisecond)}
	}
	return span(ceilDiv(from, millisecond), floorDiv(to, millisecond))
}

func span(from, before int64) Expr {
	if from >= before {
		return Or{}
	}
	return Updated{from, before}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
