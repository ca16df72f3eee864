package searchtest

import (
	"testing"
	"time"

	"fhirlog/domain/search"
)

// TestDatesAsTheSpecificationSays has the examples of
// https://hl7.org/fhir/R4/search.html#prefix and #date.
func TestDatesAsTheSpecificationSays(t *testing.T) {
	e := &Evaluator{Now: time.Date(2013, 3, 24, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		prefix        search.Prefix
		asked, stored string // stored: one date, or start/end of a period
		holds         bool
	}{
		{"eq", "2013-01-14", "2013-01-14T00:00", true},
		{"eq", "2013-01-14", "2013-01-14T10:00", true},
		{"eq", "2013-01-14", "2013-01-15T00:00", false},
		{"ne", "2013-01-14", "2013-01-15T00:00", true},
		{"ne", "2013-01-14", "2013-01-14T00:00", false},
		{"lt", "2013-01-14T10:00", "2013-01-14", true},
		{"gt", "2013-01-14T10:00", "2013-01-14", true},
		{"ge", "2013-03-14", "2013-03-14/", true},
		{"ge", "2013-03-14", "2013-01-21/", true},
		{"le", "2013-03-14", "2013-03-14/", true},
		{"le", "2013-03-14", "2013-03-15/", false},
		{"sa", "2013-03-14", "2013-03-15/", true},
		{"sa", "2013-03-14", "2013-01-21/", false},
		{"eb", "2013-03-14", "/2013-03-13", true},
		{"eb", "2013-03-14", "2013-03-13/", false},
		{"ap", "2013-03-14", "2013-03-13", true},
		{"ap", "2013-03-14", "2013-01-21", false},
		{"eq", "2013", "2012-12-31T23:00:00-02:00", true},
		{"eq", "2013-01-14T10:00:00.1Z", "2013-01-14T10:00:00.15Z", true},
	} {
		var stored span
		if at := len(c.stored) - 1; c.stored[at] == '/' {
			stored, _ = parseDate(c.stored[:at])
			stored.toOpen = true
		} else if c.stored[0] == '/' {
			stored, _ = parseDate(c.stored[1:])
			stored.fromOpen = true
		} else {
			stored, _ = parseDate(c.stored)
		}
		if got := e.period(stored, search.Operand{Prefix: c.prefix, Text: c.asked}); got != c.holds {
			t.Errorf("%s%s of %s: %t", c.prefix, c.asked, c.stored, got)
		}
	}
}

// TestNumbersAsTheSpecificationSays has the examples of
// https://hl7.org/fhir/R4/search.html#number and #quantity.
func TestNumbersAsTheSpecificationSays(t *testing.T) {
	e := &Evaluator{}
	for _, c := range []struct {
		prefix        search.Prefix
		asked, stored string
		holds         bool
	}{
		{"eq", "100", "99.5", true}, {"eq", "100", "100.5", false}, {"eq", "100", "99.49", false},
		{"eq", "100.00", "99.995", true}, {"eq", "100.00", "100.004", true}, {"eq", "100.00", "100.005", false},
		{"eq", "1e2", "95", true}, {"eq", "1e2", "105", true}, {"eq", "1e2", "151", false},
		{"eq", "5.40", "5.395", true}, {"eq", "5.40", "5.405", false},
		{"lt", "100", "99.9", true}, {"lt", "100", "100", false}, {"le", "100", "100", true}, {"gt", "100", "100.1", true},
		{"ge", "100", "100", true}, {"ne", "100", "101", true}, {"ne", "100", "99.7", false},
		{"ap", "100", "110.4", true}, {"ap", "100", "111", false}, {"sa", "5.4", "5.41", true}, {"eb", "5.4", "5.4", false},
		{"eq", "-5.4", "-5.45", true}, {"eq", "-5.4", "-5.35", false},
	} {
		n, _, ok := parseNumber(c.stored)
		if got := e.number(c.prefix, c.asked, n, n, nil); !ok || got != c.holds {
			t.Errorf("%s%s of %s: %t", c.prefix, c.asked, c.stored, got)
		}
	}
}
