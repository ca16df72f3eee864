package validate

import (
	"regexp"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// formatCases has valid and invalid values of each format. They are also held
// against the published regular expressions, except where the reason says how
// the specification's text goes beyond them.
var formatCases = []struct {
	format  string
	valid   []string
	invalid []string
	beyond  []string // invalid although the regular expression matches
}{
	{"date", []string{"2024", "2024-02", "2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29"},
		[]string{"", "24", "0000", "2024-13", "2024-00", "2024-1-1", "2024-01-32", "2024-01-00", "2024-01-01T00:00:00Z", "2024/01/01", "20240101", " 2024", "-2024", "2o24", "2024-01-"},
		[]string{"2023-02-29", "1900-02-29", "2024-04-31"}},
	{"dateTime", []string{"2024", "2024-02", "2024-02-29", "2024-02-29T23:59:60Z", "2024-01-01T00:00:00.123456789+14:00", "2024-01-01T00:00:00-13:59"},
		[]string{"", "2024-01-01T00:00", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z", "2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00+15:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00z", "2024-01-01 00:00:00Z", "2024-01-01Z", "2024-01-01+01:00", "2024-01T00:00:00Z", "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00Zx"},
		[]string{"2023-02-29T00:00:00Z"}},
	{"instant", []string{"2024-02-29T23:59:59Z", "2024-01-01T00:00:00.1+01:00"},
		[]string{"", "2024", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00Z"},
		[]string{"2024-02-30T00:00:00Z"}},
	{"time", []string{"00:00:00", "23:59:60", "12:34:56.789"},
		[]string{"", "12:34", "24:00:00", "12:60:00", "12:00:61", "12:34:56Z", "12:34:56.", "1:00:00", "12-34-56"}, nil},
	{"code", []string{"a", "a b", "in-progress", "ä", "<="},
		[]string{"", " ", " a", "a ", "a  b", "a\n\nb"}, []string{"a\x01"}},
	{"id", []string{"a", "A-1.b", strings.Repeat("a", 64)},
		[]string{"", "a_b", "a/b", "a b", "ä", strings.Repeat("a", 65)}, nil},
	{"uri", []string{"http://x", "urn:x", "relative/path", "#f", "ä"},
		[]string{"a b", " a", "a\n"}, []string{"", "a\x02"}},
	{"url", []string{"http://x"}, []string{"a b"}, []string{""}},
	{"canonical", []string{"http://x|1.0#f"}, []string{"a b"}, []string{""}},
	{"oid", []string{"urn:oid:1.2.3", "urn:oid:2.16.840.1.113883", "urn:oid:0.0"},
		[]string{"", "1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.", "urn:oid:1.02", "urn:oid:1..2", "urn:oid:1.a"}, nil},
	{"uuid", []string{"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
		[]string{"", "c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "urn:uuid:c757873dec9a4326a141556f43239520", "urn:uuid:c757873d-ec9a-4326-a141-556f4323952g"}, nil},
	{"base64Binary", []string{"AAAA", "AA==", "AAA=", "ab+/ AAAA\n", "AA AA"},
		[]string{"", "A", "AAA", "AAAAA", "AA-_", "ä"}, []string{"=AAA", "A===", "AA=A", "AA==AAAA"}},
}

func TestFormats(t *testing.T) {
	r4, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range formatCases {
		t.Run(c.format, func(t *testing.T) {
			typ := r4.Type(c.format)
			published := regexp.MustCompile("^(?:" + typ.Regex + ")$")
			expect := func(value string, want, matches bool) {
				if got := isFormat(typ.Format, []byte(value)); got != want {
					t.Errorf("%q: %v, want %v", value, got, want)
				}
				// Go's \s is ASCII like XML's; base64 with a space inside of a
				// group is admitted here as by RFC 4648 decoders.
				if got := published.MatchString(value); got != matches && value != "AA AA" {
					t.Errorf("%q: the published expression says %v, the table %v", value, got, matches)
				}
			}
			for _, value := range c.valid {
				expect(value, true, true)
			}
			for _, value := range c.invalid {
				expect(value, false, false)
			}
			for _, value := range c.beyond {
				expect(value, false, true)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		raw                                  string
		integer, unsigned, positive, decimal bool
	}{
		{"0", true, true, false, true},
		{"1", true, true, true, true},
		{"-1", true, false, false, true},
		{"-0", false, false, false, true},
		{"2147483647", true, true, true, true},
		{"2147483648", false, false, false, true},
		{"-2147483648", true, false, false, true},
		{"-2147483649", false, false, false, true},
		{"99999999999999999999", false, false, false, true},
		{"1.0", false, false, false, true},
		{"1e2", false, false, false, true},
		{"0.10", false, false, false, true},
	}
	for _, test := range tests {
		for format, want := range map[definitions.Format]bool{
			definitions.Integer: test.integer, definitions.UnsignedInt: test.unsigned,
			definitions.PositiveInt: test.positive, definitions.Decimal: test.decimal,
		} {
			if got := isNumber(format, []byte(test.raw)); got != want {
				t.Errorf("isNumber(%d, %s) = %v, want %v", format, test.raw, got, want)
			}
		}
	}
	for text, want := range map[string]bool{
		"0": true, "-1": true, "9223372036854775807": true, "9223372036854775808": false, "-9223372036854775808": true,
		"": false, "01": false, "1.0": false, "a": false,
	} {
		if got := isFormat(definitions.Integer64, []byte(text)); got != want {
			t.Errorf("integer64 %q: %v, want %v", text, got, want)
		}
	}
}

func TestStrings(t *testing.T) {
	long := strings.Repeat("a", greatestString)
	wide := strings.Repeat("ä", greatestString)
	tests := []struct {
		raw  string
		want bool
	}{
		{`""`, false}, {`"a"`, true}, {`" "`, true}, {`"ä€😀"`, true},
		{`"\n"`, true}, {`"\t\r"`, true}, {`"\b"`, false}, {`"a\f"`, false},
		{`"\u0009"`, true}, {`"\u000a"`, true}, {`"\u000D"`, true}, {`"\u0000"`, false}, {`"\u001F"`, false}, {`"\u0020"`, true},
		{`"\\b"`, true}, {`"\\\b"`, false}, {`"\\u0000"`, true}, {`"\ud83d\ude00"`, true},
		{`"` + long + `"`, true}, {`"` + long + `a"`, false},
		{`"` + wide + `"`, true}, {`"` + wide + `a"`, false},
	}
	for _, test := range tests {
		if got := isString([]byte(test.raw)); got != test.want {
			t.Errorf("isString(%.40s) = %v, want %v", test.raw, got, test.want)
		}
	}
}
