package search

import (
	"fmt"
	"testing"
	"time"
)

// instantText writes ticks as a date and time.
func instantText(ticks Ticks) string {
	const perSecond = int64(second)
	seconds := ticks / perSecond
	if ticks%perSecond < 0 {
		seconds--
	}
	return time.Unix(seconds, (ticks-seconds*perSecond)*100).UTC().Format("2006-01-02T15:04:05.9999999Z07:00")
}

// The ranges of https://hl7.org/fhir/R4/search.html#date.
func TestParseDate(t *testing.T) {
	tests := []struct{ text, want string }{ // empty: no date
		{"2013", "2013-01-01T00:00:00Z 2014-01-01T00:00:00Z"},
		{"2013-01", "2013-01-01T00:00:00Z 2013-02-01T00:00:00Z"},
		{"2013-12", "2013-12-01T00:00:00Z 2014-01-01T00:00:00Z"},
		{"2013-01-14", "2013-01-14T00:00:00Z 2013-01-15T00:00:00Z"},
		{"2012-02-29", "2012-02-29T00:00:00Z 2012-03-01T00:00:00Z"},
		{"2013-01-14T10:00", "2013-01-14T10:00:00Z 2013-01-14T10:01:00Z"},
		{"2013-01-14T10:00Z", "2013-01-14T10:00:00Z 2013-01-14T10:01:00Z"},
		{"2013-01-14T10:00:30", "2013-01-14T10:00:30Z 2013-01-14T10:00:31Z"},
		{"2013-01-14T10:00:30+01:00", "2013-01-14T09:00:30Z 2013-01-14T09:00:31Z"},
		{"2013-01-14T23:00:30-02:30", "2013-01-15T01:30:30Z 2013-01-15T01:30:31Z"},
		{"2013-01-14T10:00:30.5Z", "2013-01-14T10:00:30.5Z 2013-01-14T10:00:30.6Z"},
		{"2013-01-14T10:00:30.123Z", "2013-01-14T10:00:30.123Z 2013-01-14T10:00:30.124Z"},
		{"2013-01-14T10:00:30.1234567Z", "2013-01-14T10:00:30.1234567Z 2013-01-14T10:00:30.1234568Z"},
		{"2013-01-14T10:00:30.123456789Z", "2013-01-14T10:00:30.1234567Z 2013-01-14T10:00:30.1234568Z"},
		{"2015-06-30T23:59:60Z", "2015-07-01T00:00:00Z 2015-07-01T00:00:01Z"},
		{"0001-01-01", "0001-01-01T00:00:00Z 0001-01-02T00:00:00Z"},
		{"1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.9Z 1970-01-01T00:00:00Z"},
		{"9999-12-31", "9999-12-31T00:00:00Z 10000-01-01T00:00:00Z"},
		{"", ""}, {"201", ""}, {"0000", ""}, {"2013-1", ""}, {"2013-13", ""}, {"2013-00", ""}, {"2013-02-29", ""}, {"2013-01-32", ""},
		{"2013-01-14T", ""}, {"2013-01-14T10", ""}, {"2013-01-14T24:00", ""}, {"2013-01-14T10:60", ""}, {"2013-01-14T10:00:61", ""},
		{"2013-01-14T10:00:30.", ""}, {"2013-01-14T10:00:30.Z", ""}, {"2013-01-14T10:00:30+1", ""}, {"2013-01-14T10:00:30+15:00", ""},
		{"2013-01-14T10:00:30+14:01", ""}, {"2013-01-14 10:00:30", ""}, {"2013-01-14Z", ""}, {"13-01-14", ""}, {" 2013", ""}, {"2013 ", ""},
		{"+2013", ""}, {"2013-01-14T10:00:30z", ""}, {"２０１３", ""},
	}
	for _, test := range tests {
		low, high, ok := ParseDate(test.text)
		got := ""
		if ok {
			got = instantText(low) + " " + instantText(high)
		}
		if got != test.want {
			t.Errorf("ParseDate(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

// FuzzParseDate compares with the time package, and checks that a date contains
// what is said more precisely.
func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2013", "2013-01", "2013-01-14", "2013-01-14T10:00", "2013-01-14T10:00:30.123+01:00", "2016-12-31T23:59:60Z", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		low, high, ok := ParseDate(text)
		at, err := time.Parse("2006-01-02T15:04:05Z", text)
		switch {
		case !ok && err == nil && at.Year() > 0 && at.Format("2006-01-02T15:04:05Z") == text:
			t.Fatalf("ParseDate(%q) refuses what the time package reads", text)
		case !ok:
			return
		case low >= high:
			t.Errorf("ParseDate(%q) = %d, %d: not a range", text, low, high)
		}
		if at, err := time.Parse("2006-01-02T15:04:05Z07:00", text); err == nil {
			if want := at.Unix()*int64(second) + int64(at.Nanosecond())/100; low != want {
				t.Errorf("ParseDate(%q) begins at %s, want %s", text, instantText(low), instantText(want))
			}
		}
		_, err = time.Parse("2006-01-02T15:04:05Z", text)
		for _, length := range []int{4, 7, 10} {
			if err != nil && (len(text) > 10 || len(text) <= length) {
				continue // a zone may shift the day
			}
			if outerLow, outerHigh, ok := ParseDate(text[:length]); !ok || outerLow > low || outerHigh < high {
				t.Errorf("%q is not within %q", text, text[:length])
			}
		}
	})
}

func ExampleParseDate() {
	low, high, ok := ParseDate("1970-01-01T00:00:00.5Z")
	fmt.Println(low, high, ok)
	// Output: 5000000 6000000 true
}
