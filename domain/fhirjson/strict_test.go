package fhirjson

import (
	"errors"
	"strings"
	"testing"
)

// TestParseRefuses has a row for each rule of strictness: where the fault is,
// and words that the message must hold.
func TestParseRefuses(t *testing.T) {
	const inPatient = "{\"resourceType\":\"Patient\",\n \"name\":[{\"given\":["
	at := len(inPatient)
	tests := []struct {
		name, text   string
		offset       int
		line, column int
		path         string
		message      string
	}{
		{"empty", "", 0, 1, 1, "$", "the text is empty"},
		{"white space only", " \r\n\t", 4, 2, 2, "$", "the text is empty"},
		{"byte order mark", "\uFEFF{}", 0, 1, 1, "$", "byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", 0, 1, 1, "$", "a character outside ASCII"},
		{"trailing value", `{"resourceType":"Patient"} {}`, 27, 1, 28, "Patient", "only white space may follow"},
		{"trailing bracket", `[]]`, 2, 1, 3, "$", "only white space may follow"},
		{"trailing zero byte", "{}\x00", 2, 1, 3, "$", "only white space may follow"},

		{"element is no value", inPatient + `hidden]}]}`, at, 2, 20, "Patient.name[0].given[0]", "a word that is not true, false or null"},
		{"second element", inPatient + `"Ünal", 'hidden']}]}`, at + 9, 2, 28, "Patient.name[0].given[1]", "a single quote"},
		{"array cut off", inPatient + `"hidden" `, at + 9, 2, 29, "Patient.name[0].given", "before the array is closed with ']'"},
		{"no comma between elements", inPatient + `"Jo"hidden"]}]}`, at + 4, 2, 24, "Patient.name[0].given", "expected ',' or ']' after the element, found a letter"},
		{"comma before end of array", inPatient + `"hidden",]}]}`, at + 9, 2, 29, "Patient.name[0].given", "not by the end of the array"},
		{"comma at start of array", inPatient + `,"hidden"]}]}`, at, 2, 20, "Patient.name[0].given[0]", "found ','"},
		{"wrong bracket", inPatient + `}`, at, 2, 20, "Patient.name[0].given[0]", "found '}'"},
		{"wrong bracket after element", inPatient + `1}`, at + 1, 2, 21, "Patient.name[0].given", "found '}'"},

		{"comma before end of object", `{"a":1,}`, 7, 1, 8, "$", "not by the end of the object"},
		{"comma at start of object", `{,"a":1}`, 1, 1, 2, "$", "name of a member in double quotes, found ','"},
		{"object cut off", `{"a":1`, 6, 1, 7, "$", "before the object is closed with '}'"},
		{"object cut off at once", `{`, 1, 1, 2, "$", "before the object is closed with '}'"},
		{"object cut off after comma", `{"a":1,`, 7, 1, 8, "$", "found the end of the text"},
		{"no comma between members", `{"a":1 "b":2}`, 7, 1, 8, "$", "expected ',' or '}' after the member, found a double quote"},
		{"name without quotes", `{"a":{b:1}}`, 6, 1, 7, "$.a", "name of a member in double quotes, found a letter"},
		{"name is a number", `{"a":{1:1}}`, 6, 1, 7, "$.a", "found a digit"},
		{"no colon", `{"a":{"b"}}`, 9, 1, 10, "$.a.b", "expected ':' after the name of a member, found '}'"},
		{"cut off before colon", `{"a"`, 4, 1, 5, "$.a", "found the end of the text"},
		{"cut off after colon", `{"a":`, 5, 1, 6, "$.a", "the text ends where a value was expected"},
		{"no value", `{"a":}`, 5, 1, 6, "$.a", "expected a value, found '}'"},
		{"name cut off", `{"a`, 3, 1, 4, "$", "in the name of a member: the text ends in the middle of a string"},
		{"name not UTF-8", "{\"a\xff\":1}", 3, 1, 4, "$", "in the name of a member: the string is not valid UTF-8"},

		{"duplicate", `{"resourceType":"Patient","active":true,"active":true}`, 40, 1, 41, "Patient.active", "more than one member named `active`"},
		{"duplicate with escape", "{\"a\":{\"birthDate\":1,\n\"x\":2,\"birth\\u0044ate\":3}}", 27, 2, 7, "$.a.birthDate", "more than one member named `birthDate`"},
		{"duplicate first with escape", `{"\u0061":1,"a":2}`, 12, 1, 13, "$.a", "more than one member named `a`"},
		{"duplicate with other escapes", `{"\ud83d\ude00":1,"😀":2}`, 18, 1, 19, "$.`😀`", "more than one member"},
		{"duplicate empty name", `{"":1,"":2}`, 6, 1, 7, "$.``", "more than one member named ``"},
		{"duplicate of long name", `{"` + strings.Repeat("n", 99) + `":1,"` + strings.Repeat("n", 99) + `":2}`, 105, 1, 106,
			"$.`" + strings.Repeat("n", 64) + "…`", "`" + strings.Repeat("n", 64) + "…`"},
		{"duplicate among many", strings.Replace(manyMembers(50), `"m49"`, `"m7"`, 1), 422, 1, 423, "$.m7", "more than one member named `m7`"},
		{"first of two duplicates among many", strings.Replace(strings.Replace(manyMembers(50), `"m49"`, `"m7"`, 1), `"m40"`, `"m\u0033"`, 1), 341, 1, 342,
			"$.m3", "more than one member named `m3`"},

		{"string cut off", `["hidden`, 8, 1, 9, "$[0]", "ends in the middle of a string"},
		{"string cut off after backslash", `["hidden\`, 9, 1, 10, "$[0]", "ends in the middle of a string"},
		{"tab in string", "[\"hidden\thidden\"]", 8, 1, 9, "$[0]", "control character"},
		{"line feed in string", "[\"hidden hidden hidden\n\"]", 22, 1, 23, "$[0]", "control character"},
		{"zero byte in string", "[\"\x00\"]", 2, 1, 3, "$[0]", "control character"},
		{"unknown escape", `["hidden\x41"]`, 8, 1, 9, "$[0]", "no escape that JSON has"},
		{"short unicode escape", `["\u12"]`, 2, 1, 3, "$[0]", "four hexadecimal digits"},
		{"unicode escape not hexadecimal", `["\u12G4"]`, 2, 1, 3, "$[0]", "four hexadecimal digits"},
		{"high surrogate alone", `["\ud83d hidden"]`, 2, 1, 3, "$[0]", "first half of a surrogate pair without the second"},
		{"high surrogate twice", `["\ud83d\ud83d"]`, 2, 1, 3, "$[0]", "first half of a surrogate pair without the second"},
		{"high surrogate at end", `["\ud83d"]`, 2, 1, 3, "$[0]", "first half of a surrogate pair without the second"},
		{"low surrogate alone", `["\ude00"]`, 2, 1, 3, "$[0]", "second half of a surrogate pair without the first"},
		{"bad UTF-8", "[\"hidden\xc3\x28\"]", 8, 1, 9, "$[0]", "not valid UTF-8"},
		{"overlong UTF-8", "[\"\xc0\xaf\"]", 2, 1, 3, "$[0]", "not valid UTF-8"},
		{"surrogate in UTF-8", "[\"\xed\xa0\x80\"]", 2, 1, 3, "$[0]", "not valid UTF-8"},
		{"UTF-8 cut off", "[\"é\xe2\x82\"]", 4, 1, 4, "$[0]", "not valid UTF-8"},
		{"beyond Unicode", "[\"\xf4\x90\x80\x80\"]", 2, 1, 3, "$[0]", "not valid UTF-8"},

		{"leading zero", `[01]`, 1, 1, 2, "$[0]", "superfluous 0"},
		{"negative leading zero", `[-01]`, 2, 1, 3, "$[0]", "superfluous 0"},
		{"no digit after point", `[1.]`, 3, 1, 4, "$[0]", "a digit must follow the decimal point"},
		{"no digit before point", `[.5]`, 1, 1, 2, "$[0]", "a digit before its decimal point"},
		{"plus", `[+1]`, 1, 1, 2, "$[0]", "must not begin with '+'"},
		{"minus alone", `[-]`, 2, 1, 3, "$[0]", "a digit must follow the minus sign"},
		{"minus infinity", `[-Infinity]`, 2, 1, 3, "$[0]", "a digit must follow the minus sign"},
		{"NaN", `[NaN]`, 1, 1, 2, "$[0]", "not JSON numbers"},
		{"Infinity", `[Infinity]`, 1, 1, 2, "$[0]", "not JSON numbers"},
		{"empty exponent", `[1e]`, 3, 1, 4, "$[0]", "exponent"},
		{"sign only exponent", `[1E+]`, 4, 1, 5, "$[0]", "exponent"},
		{"number cut off", `-`, 1, 1, 2, "$", "a digit must follow the minus sign"},
		{"hexadecimal", `[0x1F]`, 2, 1, 3, "$", "expected ',' or ']' after the element, found a letter"},
		{"digit separators", `[1_000]`, 2, 1, 3, "$", "found a character that has no meaning there"},

		{"word in capitals", `[True]`, 1, 1, 2, "$[0]", "a word that is not true, false or null"},
		{"word cut off", `nul`, 0, 1, 1, "$", "a word that is not true, false or null"},
		{"word too long", `[nulls]`, 5, 1, 6, "$", "expected ',' or ']' after the element, found a letter"},
		{"comment", `[/* hidden */]`, 1, 1, 2, "$[0]", "JSON has no comments"},
		{"white space outside JSON", "[\v1]", 1, 1, 2, "$[0]", "a control character"},
		{"no-break space", "[\u00A01]", 1, 1, 2, "$[0]", "a character outside ASCII"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text), Limits{})
			var fault *SyntaxError
			if !errors.As(err, &fault) {
				t.Fatalf("Parse(%q) = %v, want a SyntaxError", test.text, err)
			}
			if int(fault.Offset) != test.offset || fault.Line != test.line || fault.Column != test.column {
				t.Errorf("Parse(%q) stops at byte %d, line %d, column %d, want %d, %d, %d (%s)",
					test.text, fault.Offset, fault.Line, fault.Column, test.offset, test.line, test.column, fault.Message)
			}
			if fault.Path != test.path {
				t.Errorf("Parse(%q): path is %s, want %s", test.text, fault.Path, test.path)
			}
			if !strings.Contains(fault.Message, test.message) {
				t.Errorf("Parse(%q) says %q, want words such as %q", test.text, fault.Message, test.message)
			}
			if strings.Contains(fault.Error(), "hidden") {
				t.Errorf("Parse(%q) tells content: %v", test.text, fault)
			}
			if _, err := oracleTokens([]byte(test.text)); err == nil {
				t.Errorf("jsontext accepts %q, is the test right?", test.text)
			}
		})
	}
}

func TestParseErrorIsOneSentence(t *testing.T) {
	_, err := Parse([]byte("{\"resourceType\":\"Patient\",\n\"active\":yes}"), Limits{})
	const want = "line 2, column 10 (byte 36), at Patient.active: expected a value, found a word that is not true, false or null"
	if err == nil || err.Error() != want {
		t.Errorf("Parse fails with %v, want %s", err, want)
	}
}

// TestParseKeepsOddTypeOut: what stands in resourceType may be anything, also
// a name that was put into the wrong place.
func TestParseKeepsOddTypeOut(t *testing.T) {
	for _, odd := range []string{`"Mrs. hidden"`, `"hidden1"`, `""`, `{"hidden":1}`, `7`, `"` + strings.Repeat("hidden", 20) + `"`} {
		_, err := Parse([]byte(`{"resourceType":`+odd+`,"a":`), Limits{})
		if fault, ok := errors.AsType[*SyntaxError](err); !ok || fault.Path != "$.a" {
			t.Errorf("with resourceType %s, Parse fails with %v, want the path $.a", odd, err)
		}
	}
}
