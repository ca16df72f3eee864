package fhirjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestEqual(t *testing.T) {
	many := manyMembers(100)
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"same text", `{"a":[1]}`, `{"a":[1]}`, true},
		{"white space", `{"a":[1,2]}`, ` { "a" : [ 1 , 2 ] } `, true},
		{"order of members", `{"a":1,"b":{"c":2,"d":3}}`, `{"b":{"d":3,"c":2},"a":1}`, true},
		{"order of elements", `[1,2]`, `[2,1]`, false},
		{"spelling of strings", `["é\/\n"]`, `["\u00e9/\u000A"]`, true},
		{"spelling of names", `{"a":1}`, `{"\u0061":1}`, true},
		{"spelling of names in other order", `{"b":2,"a":1}`, `{"\u0061":1,"\u0062":2}`, true},
		{"digits of numbers", `1.0`, `1.00`, false},
		{"exponents", `100`, `1e2`, false},
		{"minus zero", `0`, `-0`, false},
		{"number and string", `1`, `"1"`, false},
		{"null and nothing", `{"a":null}`, `{}`, false},
		{"true and false", `[true]`, `[false]`, false},
		{"null and false", `[null]`, `[false]`, false},
		{"empty containers", `[]`, `{}`, false},
		{"missing member", `{"a":1,"b":2}`, `{"a":1}`, false},
		{"missing member the other way", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"another name", `{"a":1,"b":2}`, `{"a":1,"c":2}`, false},
		{"another value", `{"a":1,"b":2}`, `{"b":2,"a":3}`, false},
		{"missing element", `[1,2]`, `[1]`, false},
		{"missing element the other way", `[1]`, `[1,2]`, false},
		{"prefix of a string", `"ab"`, `"abc"`, false},
		{"many members", many, strings.Replace(`{"m99":99,`+many[1:], `,"m99":99}`, `}`, 1), true},
		{"many members, one other", many, strings.Replace(`{"m99":98,`+many[1:], `,"m99":99}`, `}`, 1), false},
		{"many members, one other name", many, strings.Replace(`{"x":99,`+many[1:], `,"m99":99}`, `}`, 1), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := mustParse(t, test.a).Root(), mustParse(t, test.b).Root()
			if got := Equal(a, b); got != test.want {
				t.Errorf("Equal(%s, %s) = %t", test.a, test.b, got)
			}
			if got := Equal(b, a); got != test.want {
				t.Errorf("Equal(%s, %s) = %t", test.b, test.a, got)
			}
			if !Equal(a, a) {
				t.Errorf("%s is not equal to itself", test.a)
			}
			if got := equalByMaps(t, a, b); got != test.want {
				t.Errorf("encoding/json says %t, is the test right?", got)
			}
		})
	}
}

func TestEqualAbsent(t *testing.T) {
	null := mustParse(t, "null").Root()
	if !Equal(Value{}, Value{}) || Equal(Value{}, null) || Equal(null, Value{}) {
		t.Error("an absent value must be equal to an absent value and to nothing else")
	}
}

// equalByMaps is the oracle of Equal: encoding/json's maps, with numbers kept
// as text.
func equalByMaps(t testing.TB, a, b Value) bool {
	t.Helper()
	var trees [2]any
	for i, v := range []Value{a, b} {
		decoder := json.NewDecoder(strings.NewReader(string(v.Raw())))
		decoder.UseNumber()
		if err := decoder.Decode(&trees[i]); err != nil {
			t.Fatalf("encoding/json cannot read %q: %v", v.Raw(), err)
		}
	}
	return reflect.DeepEqual(trees[0], trees[1])
}
