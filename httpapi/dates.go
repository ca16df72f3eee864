package httpapi

import (
	"strings"
	"time"
)

// period is the time that a FHIR date, dateTime or instant stands for, in
// milliseconds since 1970: from first to before end.
type period struct{ first, end int64 }

// parsePeriod reads a date of any precision
// (https://hl7.org/fhir/R4/datatypes.html#dateTime). Without a time zone it is
// taken as UTC.
func parsePeriod(s string) (period, bool) {
	// A '+' that was not encoded arrives as a blank.
	s = strings.Replace(s, " ", "+", 1)
	if strings.HasPrefix(s, "0000") {
		return period{}, false // the calendar has no such year
	}
	switch len(s) {
	case len("2006"):
		return span(time.Parse("2006", s))(1, 0, 0, 0)
	case len("2006-01"):
		return span(time.Parse("2006-01", s))(0, 1, 0, 0)
	case len("2006-01-02"):
		return span(time.Parse("2006-01-02", s))(0, 0, 1, 0)
	}
	local, zone := splitZone(s)
	if before, after, leap := strings.Cut(local, ":60"); leap && len(before) == len("2006-01-02T15:04") {
		// A leap second is as long as the one before, which Go knows.
		p, ok := parsePeriod(before + ":59" + after + zone)
		return period{p.first + 1000, p.end + 1000}, ok
	}
	layout, precision := "2006-01-02T15:04:05", time.Second
	switch fraction := len(local) - len(layout) - 1; {
	case fraction == -1:
	case fraction >= 1 && local[len(layout)] == '.':
		precision = [...]time.Duration{100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond}[min(fraction, 3)-1]
	case len(local) == len("2006-01-02T15:04"):
		layout, precision = "2006-01-02T15:04", time.Minute
	default:
		return period{}, false
	}
	if zone != "" {
		layout += "Z07:00"
	}
	return span(time.Parse(layout, local+zone))(0, 0, 0, precision)
}

// splitZone divides a dateTime before its time zone.
func splitZone(s string) (local, zone string) {
	if i := strings.IndexByte(s, 'T'); i >= 0 {
		if z := strings.IndexAny(s[i:], "Z+-"); z >= 0 {
			return s[:i+z], s[i+z:]
		}
	}
	return s, ""
}

// span makes the period that begins at a time and is as long as its precision.
func span(t time.Time, err error) func(years, months, days int, d time.Duration) (period, bool) {
	return func(years, months, days int, d time.Duration) (period, bool) {
		if err != nil {
			return period{}, false
		}
		end := t.AddDate(years, months, days).Add(d)
		return period{t.UnixMilli(), end.UnixMilli()}, true
	}
}
