package searchtest

import (
	"math/big"
	"regexp"
	"strconv"
	"time"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// span is the time from an instant to before another. A period may be open at
// either end.
type span struct {
	from, to         time.Time
	fromOpen, toOpen bool
}

var dateForm = regexp.MustCompile(`^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$`)

// parseDate reads a date of any precision as the time that it may mean
// (https://hl7.org/fhir/R4/search.html#date): 2024-05 is all of that May. Without
// a time zone it is in UTC; fractions count to 100 ns.
func parseDate(text string) (s span, ok bool) {
	parts := dateForm.FindStringSubmatch(text)
	if parts == nil {
		return s, false
	}
	number := func(i, otherwise int) int {
		if n, err := strconv.Atoi(parts[i]); err == nil {
			return n
		}
		return otherwise
	}
	fraction := (parts[7] + "0000000")[:7]
	hundreds, _ := strconv.Atoi(fraction) // digits, as the expression says
	zone := time.UTC
	if offset := parts[8]; offset != "" && offset != "Z" {
		at, err := time.Parse("-07:00", offset)
		if err != nil {
			return s, false
		}
		_, seconds := at.Zone()
		zone = time.FixedZone(offset, seconds)
	}
	s.from = time.Date(number(1, 0), time.Month(number(2, 1)), number(3, 1), number(4, 0), number(5, 0), number(6, 0), hundreds*100, zone)
	switch {
	case parts[7] != "":
		width := time.Second
		for range min(len(parts[7]), 7) {
			width /= 10
		}
		s.to = s.from.Add(width)
	case parts[6] != "":
		s.to = s.from.Add(time.Second)
	case parts[4] != "":
		s.to = s.from.Add(time.Minute)
	case parts[3] != "":
		s.to = s.from.AddDate(0, 0, 1)
	case parts[2] != "":
		s.to = s.from.AddDate(0, 1, 0)
	default:
		s.to = s.from.AddDate(1, 0, 0)
	}
	return s, true
}

// periodOf is the time of an element; ok is false where it has none.
func periodOf(el element) (s span, ok bool) {
	switch el.name {
	case "Period":
		return readPeriod(el.value)
	case "Timing":
		return timingOf(el.value)
	}
	return parseDate(el.text())
}

func readPeriod(v fhirjson.Value) (s span, ok bool) {
	start, started := parseDate(v.Get("start").String())
	end, ended := parseDate(v.Get("end").String())
	s = span{from: start.from, to: end.to, fromOpen: !started, toOpen: !ended}
	if !started && !ended || started && ended && !s.from.Before(s.to) {
		return s, false // nothing, or an end before the start
	}
	return s, true
}

// timingOf is from the first of events and bounds to the last
// (https://hl7.org/fhir/R4/search.html#date).
func timingOf(v fhirjson.Value) (s span, ok bool) {
	s, ok = readPeriod(v.Get("repeat").Get("boundsPeriod"))
	for _, event := range members(v, "event") {
		one, is := parseDate(event.String())
		switch {
		case !is:
		case !ok:
			s, ok = one, true
		default:
			if one.from.Before(s.from) {
				s.from = one.from
			}
			if one.to.After(s.to) {
				s.to = one.to
			}
		}
	}
	return s, ok
}

// period compares a stored time with the one that is asked for, by the table of
// https://hl7.org/fhir/R4/search.html#prefix.
func (e *Evaluator) period(stored span, o search.Operand) bool {
	asked, ok := parseDate(o.Text)
	if !ok {
		return false
	}
	var (
		startsBefore    = func(t time.Time) bool { return stored.fromOpen || stored.from.Before(t) }
		endsAfter       = func(t time.Time) bool { return stored.toOpen || stored.to.After(t) }
		within          = !startsBefore(asked.from) && !endsAfter(asked.to)
		overlaps        = startsBefore(asked.to) && endsAfter(asked.from)
		overlapsWidened = func() bool {
			tenth := e.distance(asked) / 10
			return startsBefore(asked.to.Add(tenth)) && endsAfter(asked.from.Add(-tenth))
		}
	)
	switch o.Prefix {
	case search.NotEqual:
		return !within
	case search.Less:
		return startsBefore(asked.from)
	case search.Greater:
		return endsAfter(asked.to)
	case search.LessEqual:
		return startsBefore(asked.to)
	case search.GreaterEqual:
		return endsAfter(asked.from)
	case search.StartsAfter:
		return !startsBefore(asked.to)
	case search.EndsBefore:
		return !endsAfter(asked.from)
	case search.Approximate:
		return overlapsWidened()
	case search.Prefix(search.CompareOverlaps):
		return overlaps
	}
	return within
}

// distance is how far the time asked for is from now.
func (e *Evaluator) distance(asked span) time.Duration {
	switch {
	case e.Now.Before(asked.from):
		return asked.from.Sub(e.Now)
	case e.Now.Before(asked.to):
		return 0
	}
	return e.Now.Sub(asked.to)
}

// instantOf is an instant as a number, for comparing.
func instantOf(t time.Time) *big.Rat {
	seconds := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
	return new(big.Rat).SetInt(seconds.Add(seconds, big.NewInt(int64(t.Nanosecond()))))
}
