package fhirpath

import (
	"cmp"
	"time"
)

// compareTemporal orders two values of the same kind, or a date and a dateTime.
// It is not known where they agree as far as the less precise one goes
// (https://hl7.org/fhirpath/N1/#datetime-comparison).
//
// Where only one of two values with a time of day has a zone, the other could be
// anywhere on earth: the answer is known if it is the same everywhere.
func compareTemporal(a, b *Temporal) (order int, known bool) {
	if a.precision < hourPrecision || b.precision < hourPrecision || a.kind == timeKind {
		return compareParts(a, b)
	}
	switch {
	case a.zoned && b.zoned:
		if a.zone == b.zone {
			return compareParts(a, b)
		}
		return compareParts(a.inUTC(a.zone), b.inUTC(b.zone))
	case a.zoned:
		order, known = compareTemporal(b, a)
		return -order, known
	case b.zoned:
		b = b.inUTC(b.zone)
		earliest, known1 := compareParts(a.inUTC(easternmost), b)
		latest, known2 := compareParts(a.inUTC(westernmost), b)
		return earliest, known1 && known2 && earliest == latest && earliest != 0
	}
	return compareParts(a, b)
}

// The zones at the date line, in minutes.
const (
	easternmost = 14 * 60
	westernmost = -12 * 60
)

// inUTC moves a value from a zone to UTC.
func (t *Temporal) inUTC(zone int) *Temporal {
	moved := *t
	moved.setTime(t.time().Add(-time.Duration(zone) * time.Minute))
	if t.parts[5] == 60 { // a leap second is not carried over
		moved.setTime(t.time().Add(-time.Duration(zone)*time.Minute - time.Second))
		moved.parts[5] = 60
	}
	moved.zoned, moved.zone = true, 0
	return &moved
}

// time returns the parts as an instant in UTC, whatever the zone.
func (t *Temporal) time() time.Time {
	return time.Date(t.parts[0], time.Month(t.parts[1]), t.parts[2], t.parts[3], t.parts[4], t.parts[5], t.nanos, time.UTC)
}

// setTime is the inverse of time.
func (t *Temporal) setTime(at time.Time) {
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	t.parts = [6]int{year, int(month), day, hour, minute, second}
	t.nanos = at.Nanosecond()
}

// compareParts compares part by part, whatever the zones.
func compareParts(a, b *Temporal) (order int, known bool) {
	first := yearPrecision
	if a.kind == timeKind {
		first = hourPrecision
	}
	last := min(a.precision, b.precision)
	for part := first; part <= last; part++ {
		if order := cmp.Compare(a.parts[part], b.parts[part]); order != 0 {
			return order, true
		}
	}
	if a.precision != b.precision {
		return 0, false
	}
	return cmp.Compare(a.nanos, b.nanos), true
}
