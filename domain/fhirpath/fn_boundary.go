package fhirpath

import "github.com/cockroachdb/apd/v3"

// The functions of this file take a value for the interval that its precision
// leaves open (https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time).

const (
	defaultBoundary = 8 // decimal places
	maxBoundary     = 28
)

// precisionOf is precision(): the digits after the decimal point of numbers,
// the digits altogether of dates and times.
func precisionOf(k *call, v System) (System, error) {
	switch v := v.(type) {
	case Integer:
		return Integer(0), nil
	case Decimal:
		return Integer(places(v.Decimal)), nil
	case *Temporal:
		n := temporalDigits(v.kind, v.precision)
		if v.digits > 0 {
			n += 3
		}
		return Integer(n), nil
	}
	return nil, k.noBoundary(v)
}

func (k *call) noBoundary(v System) error {
	return k.fault("is called on a number, date, dateTime or time, not a %s", v.SystemType())
}

// temporalDigits counts the digits of a precision: YYYYMMDDhhmmss.
func temporalDigits(kind temporalKind, p precision) int {
	digits := [...]int{4, 6, 8, 10, 12, 14}[p]
	if kind == timeKind {
		digits -= 8
	}
	return digits
}

func lowBoundary(k *call, v System) (System, error)  { return boundary(k, v, false) }
func highBoundary(k *call, v System) (System, error) { return boundary(k, v, true) }

// boundary is the least or greatest value that v may stand for, with the
// precision that is asked for; nil if there is no such precision.
func boundary(k *call, v System, high bool) (System, error) {
	digits, asked, err := k.integer(0)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case Integer, Decimal:
		d, _ := asDecimal(v)
		return decimalBoundary(d.Decimal, digits, asked, high), nil
	case *Quantity:
		d, ok := decimalBoundary(v.Value.Decimal, digits, asked, high).(Decimal)
		if !ok {
			return nil, nil
		}
		return &Quantity{Value: d, Unit: v.Unit, Calendar: v.Calendar}, nil
	case *Temporal:
		if result := temporalBoundary(v, digits, asked, high); result != nil {
			return result, nil
		}
		return nil, nil
	}
	return nil, k.noBoundary(v)
}

// decimalBoundary goes half a step of the last digit down or up. To a coarser
// precision the result is rounded outwards, so that it still bounds the value.
func decimalBoundary(d *apd.Decimal, digits int, asked, high bool) System {
	if !asked {
		digits = defaultBoundary
	}
	if digits < 0 || digits > maxBoundary {
		return nil
	}
	half := apd.New(5, int32(-places(d)-1))
	result := new(apd.Decimal)
	operation, rounding := exact.Sub, apd.Rounder(apd.RoundFloor)
	if high {
		operation, rounding = exact.Add, apd.RoundCeiling
	}
	if _, err := operation(result, d, half); err != nil {
		return nil
	}
	return Decimal{roundTo(result, digits, rounding)}
}

// temporalBoundary fills in the parts that are missing, or cuts those that are
// too many. Without a zone the value may be anywhere on earth.
func temporalBoundary(t *Temporal, digits int, asked, high bool) *Temporal {
	if !asked {
		digits = map[temporalKind]int{dateKind: 8, dateTimeKind: 17, timeKind: 9}[t.kind]
	}
	if t.kind == dateKind && digits > 8 {
		return nil
	}
	target, milliseconds := secondPrecision, true
	for p := yearPrecision; p <= secondPrecision; p++ {
		if temporalDigits(t.kind, p) == digits && (t.kind != timeKind || p >= hourPrecision) {
			target, milliseconds = p, false
		}
	}
	if milliseconds && digits != temporalDigits(t.kind, secondPrecision)+3 {
		return nil
	}
	result := *t
	for p := t.precision + 1; p <= secondPrecision; p++ {
		result.parts[p] = boundaryPart(&result, p, high)
	}
	if t.precision < secondPrecision || t.digits == 0 {
		result.nanos = 0
		if high && t.precision < secondPrecision {
			result.nanos = 999_000_000
		}
	}
	result.precision, result.digits = target, 0
	if milliseconds {
		result.digits = max(3, t.digits)
	} else {
		result.nanos = 0
	}
	for p := target + 1; p <= secondPrecision; p++ {
		result.parts[p] = max(0, min(1, int(hourPrecision)-int(p))) // 1 for month and day, else 0
	}
	if t.kind == dateTimeKind && target >= hourPrecision && !t.zoned {
		result.zoned, result.zone = true, easternmost
		if high {
			result.zone = westernmost
		}
	}
	if target < hourPrecision {
		result.zoned, result.zone = false, 0
	}
	return &result
}

// boundaryPart is the least or greatest value of a part, given those before it.
func boundaryPart(t *Temporal, p precision, high bool) int {
	switch {
	case p == monthPrecision && high:
		return 12
	case p == dayPrecision && high:
		return daysIn(t.parts[0], t.parts[1])
	case p < hourPrecision:
		return 1
	case !high:
		return 0
	case p == hourPrecision:
		return 23
	}
	return 59
}

// comparableUnits is comparable(): whether two quantities have units of the same kind.
func comparableUnits(k *call, v System) (System, error) {
	argument, err := k.value(0)
	if argument == nil || err != nil {
		return nil, err
	}
	a, okA := asQuantity(v)
	b, okB := asQuantity(argument)
	if !okA || !okB {
		return nil, k.fault("compares quantities, not %s and %s", v.SystemType(), argument.SystemType())
	}
	return Boolean(comparableQuantities(a, b)), nil
}
