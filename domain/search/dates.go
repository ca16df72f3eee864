package search

import "math"

// Ticks is an instant in units of 100 ns since 1970, UTC.
type Ticks = int64

// The open ends of a period, and the ticks of larger units.
const (
	Earliest Ticks = math.MinInt64
	Latest   Ticks = math.MaxInt64

	second Ticks = 10_000_000
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// ParseDate reads a FHIR date, dateTime or instant of any precision, from a
// year to fractions of a second, as the time from low to before high
// (https://hl7.org/fhir/R4/search.html#date). Seconds may be left out, as in
// search values, and so may the time zone: then it is UTC. Digits below 100 ns
// are dropped.
func ParseDate(text string) (low, high Ticks, ok bool) { return parseDate(text) }

func parseDate[T string | []byte](text T) (low, high Ticks, ok bool) {
	year, month, dayOfMonth, precision, ok := parseCalendar(text)
	if !ok {
		return 0, 0, false
	}
	low = daysSince1970(year, month, dayOfMonth) * day
	switch precision {
	case 4:
		return low, daysSince1970(year+1, 1, 1) * day, true
	case 7:
		return low, daysSince1970(year+month/12, month%12+1, 1) * day, true
	}
	if len(text) == precision {
		return low, low + day, true
	}
	since, width, zone, ok := parseTime(text[precision:])
	if !ok {
		return 0, 0, false
	}
	low += since - zone
	return low, low + width, true
}

// parseCalendar reads YYYY, YYYY-MM or YYYY-MM-DD; precision is its length.
func parseCalendar[T string | []byte](text T) (year, month, dayOfMonth, precision int, ok bool) {
	month, dayOfMonth = 1, 1
	if len(text) < 4 {
		return
	}
	year = digits(text, 0, 4)
	if year < 1 {
		return
	}
	if len(text) == 4 {
		return year, month, dayOfMonth, 4, true
	}
	if len(text) < 7 || text[4] != '-' {
		return
	}
	if month = digits(text, 5, 2); month < 1 || month > 12 {
		return
	}
	if len(text) == 7 {
		return year, month, dayOfMonth, 7, true
	}
	if len(text) < 10 || text[7] != '-' {
		return
	}
	dayOfMonth = digits(text, 8, 2)
	return year, month, dayOfMonth, 10, dayOfMonth >= 1 && dayOfMonth <= daysIn(year, month)
}

// parseTime reads Thh:mm, with seconds, their fraction and a time zone, all
// optional.
func parseTime[T string | []byte](text T) (since, width, zone Ticks, ok bool) {
	if len(text) < 6 || text[0] != 'T' || text[3] != ':' {
		return
	}
	hours, minutes := digits(text, 1, 2), digits(text, 4, 2)
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return
	}
	since, width = Ticks(hours)*hour+Ticks(minutes)*minute, minute
	at := 6
	if len(text) >= 9 && text[6] == ':' {
		seconds := digits(text, 7, 2)
		if seconds < 0 || seconds > 60 { // 60 is a leap second
			return
		}
		since, width, at = since+Ticks(seconds)*second, second, 9
		if len(text) > 9 && text[9] == '.' {
			fraction, unit, size := parseFraction(text[10:])
			if size == 0 {
				return
			}
			since, width, at = since+fraction, unit, 10+size
		}
	}
	zone, ok = parseZone(text[at:])
	return since, width, zone, ok
}

// parseFraction reads the digits after the decimal point of seconds.
func parseFraction[T string | []byte](text T) (fraction, unit Ticks, size int) {
	unit = second
	for size < len(text) && text[size] >= '0' && text[size] <= '9' {
		if unit > 1 {
			unit /= 10
			fraction += Ticks(text[size]-'0') * unit
		}
		size++
	}
	return fraction, unit, size
}

// parseZone reads nothing, Z, or an offset of at most 14 hours.
func parseZone[T string | []byte](text T) (zone Ticks, ok bool) {
	switch {
	case len(text) == 0 || len(text) == 1 && text[0] == 'Z':
		return 0, true
	case len(text) != 6 || text[0] != '+' && text[0] != '-' || text[3] != ':':
		return 0, false
	}
	hours, minutes := digits(text, 1, 2), digits(text, 4, 2)
	if hours < 0 || minutes < 0 || minutes > 59 || hours*60+minutes > 14*60 {
		return 0, false
	}
	zone = Ticks(hours)*hour + Ticks(minutes)*minute
	if text[0] == '-' {
		zone = -zone
	}
	return zone, true
}

// digits reads count digits from at on; it gives -1 for anything else.
func digits[T string | []byte](text T, at, count int) int {
	n := 0
	for i := at; i < at+count; i++ {
		if i >= len(text) || text[i] < '0' || text[i] > '9' {
			return -1
		}
		n = n*10 + int(text[i]-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days in the proleptic Gregorian calendar. Years are
// reckoned from March, so that the leap day is their last.
func daysSince1970(year, month, dayOfMonth int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	dayOfYear := (153*(month-3)+2)/5 + dayOfMonth - 1
	return int64(year*365+year/4-year/100+year/400+dayOfYear) - 719468
}
