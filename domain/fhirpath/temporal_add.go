package fhirpath

import (
	"time"

	"github.com/cockroachdb/apd/v3"
)

// calendarUnits are the words for spans of time, by the part of a date or time
// that they count, with the UCUM codes of definite length
// (https://hl7.org/fhirpath/N1/#time-valued-quantities).
var calendarUnits = map[string]struct {
	part  precision
	count int // of the part
	ucum  string
}{
	"year": {yearPrecision, 1, "a"}, "years": {yearPrecision, 1, "a"},
	"month": {monthPrecision, 1, "mo"}, "months": {monthPrecision, 1, "mo"},
	"week": {dayPrecision, 7, "wk"}, "weeks": {dayPrecision, 7, "wk"},
	"day": {dayPrecision, 1, "d"}, "days": {dayPrecision, 1, "d"},
	"hour": {hourPrecision, 1, "h"}, "hours": {hourPrecision, 1, "h"},
	"minute": {minutePrecision, 1, "min"}, "minutes": {minutePrecision, 1, "min"},
	"second": {secondPrecision, 1, "s"}, "seconds": {secondPrecision, 1, "s"},
	"millisecond": {secondPrecision, 0, "ms"}, "milliseconds": {secondPrecision, 0, "ms"},
}

// definiteUnits are the UCUM codes that serve as calendar units. Those of month
// and year do not: UCUM gives them a length in seconds.
var definiteUnits = map[string]string{"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}

// addSpan adds a span of time, or subtracts it. usable is false if the unit is
// no span of time; a result outside the calendar is nil.
func addSpan(t *Temporal, span *Quantity, subtract bool) (result *Temporal, usable bool) {
	word := span.Unit
	if definite, ok := definiteUnits[word]; ok && !span.Calendar {
		word = definite
	}
	unit, ok := calendarUnits[word]
	if !ok {
		return nil, false
	}
	amount := new(apd.Decimal)
	scale := apd.New(int64(unit.count), 0)
	if unit.count == 0 {
		scale = apd.New(1, -3)
	}
	if unit.part != secondPrecision {
		span.Value.Modf(amount, nil) // only seconds have a fraction
	} else {
		amount.Set(span.Value.Decimal)
	}
	if _, err := exact.Mul(amount, amount, scale); err != nil {
		return nil, true
	}
	if subtract {
		amount.Neg(amount)
	}
	return t.add(amount, unit.part), true
}

// coarser is how many of a part make one of the part before it, where only the
// coarser one is there: a year of 365 days, a month of 30.
var coarser = [...]int64{monthPrecision: 12, dayPrecision: 30, hourPrecision: 24, minutePrecision: 60, secondPrecision: 60}

// add adds an amount of a part, nil if that leaves the calendar.
func (t *Temporal) add(amount *apd.Decimal, part precision) *Temporal {
	for part > t.precision {
		per := coarser[part]
		if part == dayPrecision && t.precision == yearPrecision {
			per, part = 365, monthPrecision
		}
		part--
		if _, err := rounded.Quo(amount, amount, apd.New(per, 0)); err != nil {
			return nil
		}
	}
	if t.kind == timeKind && part < hourPrecision {
		return nil
	}
	result := *t
	if part == secondPrecision {
		return result.addSeconds(amount)
	}
	whole, ok := integerOf(amount)
	if !ok || whole > 1<<40 || whole < -1<<40 {
		return nil
	}
	n := int(whole)
	switch {
	case part <= monthPrecision:
		if part == yearPrecision {
			n *= 12
		}
		months := t.parts[0]*12 + t.parts[1] - 1 + n
		result.parts[0], result.parts[1] = months/12, months%12+1
		if months < 12 || result.parts[0] > 9999 {
			return nil
		}
		result.parts[2] = min(t.parts[2], daysIn(result.parts[0], result.parts[1]))
		return &result
	case part == dayPrecision:
		return result.shift(int64(n)*86400, 0)
	case part == hourPrecision:
		return result.shift(int64(n)*3600, 0)
	}
	return result.shift(int64(n)*60, 0)
}

// addSeconds adds seconds with their fraction, down to the nanosecond.
func (t *Temporal) addSeconds(amount *apd.Decimal) *Temporal {
	var whole, fraction apd.Decimal
	amount.Modf(&whole, &fraction)
	seconds, err := whole.Int64()
	if err != nil || seconds > 1<<40 || seconds < -1<<40 {
		return nil
	}
	nanos, ok := integerOf(scaled(&fraction, 9))
	if !ok {
		return nil
	}
	if t.precision == secondPrecision && nanos != 0 {
		reduced := new(apd.Decimal)
		reduced.Reduce(&fraction)
		t.digits = max(t.digits, min(9, (places(reduced)+2)/3*3))
	}
	return t.shift(seconds, int64(nanos))
}

// scaled multiplies with a power of ten.
func scaled(d *apd.Decimal, power int32) *apd.Decimal {
	s := new(apd.Decimal).Set(d)
	s.Exponent += power
	return s
}

// shift moves t by a time, nil if that leaves the calendar. A time of day goes
// round the clock.
func (t *Temporal) shift(seconds, nanos int64) *Temporal {
	if t.kind == timeKind {
		seconds %= 86400
	}
	at := time.Unix(t.time().Unix()+seconds, int64(t.nanos)+nanos).UTC()
	if t.kind == timeKind {
		at = time.Date(1, 1, 1, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	}
	if at.Year() < 1 || at.Year() > 9999 {
		return nil
	}
	moved := *t
	moved.setTime(at)
	return &moved
}
