package fhirpath

import (
	"strconv"
	"strings"
	"time"
)

// temporalKind is one of the three types of Temporal.
type temporalKind uint8

const (
	dateKind temporalKind = iota
	dateTimeKind
	timeKind
)

// precision is the finest part that a Temporal has. Seconds and their fraction
// are one, as FHIRPath compares them.
type precision uint8

const (
	yearPrecision precision = iota
	monthPrecision
	dayPrecision
	hourPrecision
	minutePrecision
	secondPrecision
)

// Temporal is System.Date, System.DateTime or System.Time, as precise as it was
// written.
type Temporal struct {
	kind      temporalKind
	precision precision
	parts     [6]int // year to second; of a time the first three are 1
	nanos     int
	digits    int  // of the fraction of a second
	zoned     bool // with a zone; only if the time of day is there
	zone      int  // minutes east of UTC
}

// SystemType returns "Date", "DateTime" or "Time".
func (t *Temporal) SystemType() string { return [...]string{"Date", "DateTime", "Time"}[t.kind] }

// dateText is the form of dates, and the dots the places of digits.
const (
	dateText = "....-..-.."
	timeText = "..:..:.."
)

// parseTemporal reads a value of a kind in the form that FHIR and FHIRPath
// share. A dateTime may have any precision from the year on.
func parseTemporal(text string, kind temporalKind) (*Temporal, bool) {
	t := &Temporal{kind: kind, parts: [6]int{1, 1, 1}}
	if kind == timeKind {
		return t, t.parseTime(text)
	}
	date, clock, hasClock := strings.Cut(text, "T")
	if !t.parseDate(date) || hasClock && kind == dateKind {
		return nil, false
	}
	if clock == "" {
		return t, true
	}
	if t.precision != dayPrecision {
		return nil, false
	}
	if at := strings.IndexAny(clock, "Z+-"); at >= 0 {
		if !t.parseZone(clock[at:]) {
			return nil, false
		}
		clock = clock[:at]
	}
	return t, t.parseTime(clock)
}

// matchesForm compares digits and separators with a form that may be cut after
// any part.
func matchesForm(text, form string) bool {
	if len(text) > len(form) {
		return false
	}
	for i := range len(text) {
		if form[i] == '.' && !isDigit(text[i]) || form[i] != '.' && text[i] != form[i] {
			return false
		}
	}
	return true
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func (t *Temporal) parseDate(text string) bool {
	if len(text) != 4 && len(text) != 7 && len(text) != 10 || !matchesForm(text, dateText) {
		return false
	}
	t.precision = precision(len(text)/3 - 1)
	t.parts[0] = number(text[:4])
	if len(text) > 4 {
		t.parts[1] = number(text[5:7])
	}
	if len(text) > 7 {
		t.parts[2] = number(text[8:10])
	}
	return t.parts[0] >= 1 && t.parts[1] >= 1 && t.parts[1] <= 12 && t.parts[2] >= 1 && t.parts[2] <= daysIn(t.parts[0], t.parts[1])
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (t *Temporal) parseTime(text string) bool {
	clock, fraction, hasFraction := strings.Cut(text, ".")
	if len(clock) != 2 && len(clock) != 5 && len(clock) != 8 || !matchesForm(clock, timeText) {
		return false
	}
	t.precision = hourPrecision + precision(len(clock)/3)
	for i := 0; i < len(clock); i += 3 {
		t.parts[3+i/3] = number(clock[i : i+2])
	}
	if hasFraction {
		if t.precision != secondPrecision || fraction == "" {
			return false
		}
		for i := range len(fraction) {
			if !isDigit(fraction[i]) {
				return false
			}
		}
		fraction = fraction[:min(len(fraction), 9)]
		t.digits = len(fraction)
		t.nanos = number(fraction + "000000000"[len(fraction):])
	}
	return t.parts[3] <= 23 && t.parts[4] <= 59 && t.parts[5] <= 60 // a leap second is one
}

func (t *Temporal) parseZone(text string) bool {
	t.zoned = true
	if text == "Z" {
		return true
	}
	if len(text) != 6 || !matchesForm(text[1:], timeText) {
		return false
	}
	hours, minutes := number(text[1:3]), number(text[4:6])
	t.zone = hours*60 + minutes
	if text[0] == '-' {
		t.zone = -t.zone
	}
	return hours < 14 && minutes <= 59 || hours == 14 && minutes == 0
}

// String writes the value as FHIR does.
func (t *Temporal) String() string {
	dst := make([]byte, 0, 32)
	if t.kind != timeKind {
		dst = appendPadded(dst, t.parts[0], 4)
		for part := monthPrecision; part <= min(t.precision, dayPrecision); part++ {
			dst = appendPadded(append(dst, '-'), t.parts[part], 2)
		}
		if t.precision >= hourPrecision {
			dst = append(dst, 'T')
		}
	}
	for part := hourPrecision; part <= t.precision; part++ {
		if part > hourPrecision {
			dst = append(dst, ':')
		}
		dst = appendPadded(dst, t.parts[part], 2)
	}
	if t.digits > 0 {
		dst = append(append(dst, '.'), appendPadded(nil, t.nanos, 9)[:t.digits]...)
	}
	if !t.zoned {
		return string(dst)
	}
	if t.zone == 0 {
		return string(append(dst, 'Z'))
	}
	sign, zone := byte('+'), t.zone
	if zone < 0 {
		sign, zone = '-', -zone
	}
	dst = appendPadded(append(dst, sign), zone/60, 2)
	return string(appendPadded(append(dst, ':'), zone%60, 2))
}

func appendPadded(dst []byte, n, width int) []byte {
	for limit := 10; width > 1; width, limit = width-1, limit*10 {
		if n < limit {
			for range width - 1 {
				dst = append(dst, '0')
			}
			break
		}
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
