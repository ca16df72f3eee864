package patch

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
)

// patientJSON is the resource of most tests, as it stands in a database:
// compact, with digits and spellings that must not change.
const patientJSON = `{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","lastUpdated":"2024-02-10T08:00:00Z"},"active":true,` +
	`"extension":[{"url":"http://example.org/weight","valueDecimal":72.50}],` +
	`"name":[{"use":"official","family":"Berg","given":["Ann","Eva"],"_given":[null,{"id":"g2"}]},{"text":"Zo\u00e9"}],` +
	`"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b.c"},{"system":"phone","value":"2"}],` +
	`"gender":"female","birthDate":"1980-02-29","_birthDate":{"id":"bd"},"deceasedBoolean":false,"contact":[{"gender":"male"}]}`

// edited returns patientJSON with one text replaced by another.
func edited(old, replacement string) string {
	if strings.Count(patientJSON, old) != 1 {
		panic(fmt.Sprintf("%q is in the patient %d times", old, strings.Count(patientJSON, old)))
	}
	return strings.Replace(patientJSON, old, replacement, 1)
}

func TestJSONPatchOfFHIR(t *testing.T) {
	tests := []struct{ name, patch, want string }{
		{"nothing", `[]`, patientJSON},
		{"add a member", `[{"op":"add","path":"/contact/0/name","value":{"text":"x"}}]`, edited(`{"gender":"male"}`, `{"gender":"male","name":{"text":"x"}}`)},
		{"add replaces a member", `[{"op":"add","path":"/gender","value":"male"}]`, edited(`"female"`, `"male"`)},
		{"add before an element", `[{"op":"add","path":"/telecom/1","value":{"value":"9"}}]`, edited(`{"system":"email"`, `{"value":"9"},{"system":"email"`)},
		{"add at the length", `[{"op":"add","path":"/telecom/3","value":{"value":"9"}}]`, edited(`"value":"2"}`, `"value":"2"},{"value":"9"}`)},
		{"add at the end", `[{"op":"add","path":"/telecom/-","value":{"value":"9"}}]`, edited(`"value":"2"}`, `"value":"2"},{"value":"9"}`)},
		{"white space in a value is dropped", "[{\"op\":\"add\",\"path\":\"/gender\",\"value\" :  { \"a\" : 1.50 }}]", edited(`"female"`, `{"a":1.50}`)},
		{"remove a member", `[{"op":"remove","path":"/gender"}]`, edited(`"gender":"female",`, ``)},
		{"remove an element", `[{"op":"remove","path":"/telecom/1"}]`, edited(`{"system":"email","value":"a@b.c"},`, ``)},
		{"replace", `[{"op":"replace","path":"/name/0/given/1","value":"Eve"}]`, edited(`"Eva"`, `"Eve"`)},
		{"replace a decimal keeps its digits", `[{"op":"replace","path":"/extension/0/valueDecimal","value":72.500}]`, edited(`72.50`, `72.500`)},
		{"move within a list", `[{"op":"move","from":"/telecom/0","path":"/telecom/1"}]`,
			edited(`{"system":"phone","value":"1"},{"system":"email","value":"a@b.c"}`, `{"system":"email","value":"a@b.c"},{"system":"phone","value":"1"}`)},
		{"move to its own place", `[{"op":"move","from":"/gender","path":"/gender"}]`, patientJSON},
		{"move onto an elder", `[{"op":"move","from":"/name/1/text","path":"/gender"}]`, strings.Replace(edited(`,{"text":"Zo\u00e9"}`, ``), `"female"`, `"Zo\u00e9"`, 1)},
		{"copy", `[{"op":"copy","from":"/telecom/0","path":"/contact/0/telecom"}]`, edited(`{"gender":"male"}`, `{"gender":"male","telecom":{"system":"phone","value":"1"}}`)},
		{"a copy changes for itself", `[{"op":"add","path":"/telecom/0/rank","value":1},{"op":"copy","from":"/telecom/0","path":"/telecom/0"},{"op":"replace","path":"/telecom/1/rank","value":2}]`,
			edited(`{"system":"phone","value":"1"}`, `{"system":"phone","value":"1","rank":1},{"system":"phone","value":"1","rank":2}`)},
		{"test passes", `[{"op":"test","path":"/meta/versionId","value":"3"},{"op":"test","path":"/name/1","value":{"text":"Zoé"}}]`, patientJSON},
		{"test compares numbers by value", `[{"op":"test","path":"/extension/0/valueDecimal","value":0.725e2}]`, patientJSON},
		{"test sees what was done before", `[{"op":"add","path":"/gender","value":[]},{"op":"add","path":"/gender/-","value":1},{"op":"test","path":"/gender","value":[1.0]},{"op":"replace","path":"/gender","value":"female"}]`, patientJSON},
		{"unknown members of an operation", `[{"op":"test","path":"/gender","value":"female","comment":7}]`, patientJSON},
		{"members from and value where they are not needed", `[{"op":"remove","path":"/gender","from":3,"value":4}]`, edited(`"gender":"female",`, ``)},

		{"a list left empty is dropped", `[{"op":"remove","path":"/extension/0"}]`, edited(`"extension":[{"url":"http://example.org/weight","valueDecimal":72.50}],`, ``)},
		{"an object left empty is dropped, and its list", `[{"op":"remove","path":"/contact/0/gender"}]`, edited(`,"contact":[{"gender":"male"}]`, ``)},
		{"a list may be empty in between", `[{"op":"remove","path":"/contact/0"},{"op":"add","path":"/contact/-","value":{"gender":"other"}}]`, edited(`{"gender":"male"}`, `{"gender":"other"}`)},
		{"a list is made empty and filled", `[{"op":"add","path":"/photo","value":[]},{"op":"add","path":"/photo/-","value":{"title":"x"}}]`, edited(`"male"}]`, `"male"}],"photo":[{"title":"x"}]`)},
		{"a list put in empty is dropped", `[{"op":"replace","path":"/telecom","value":[]},{"op":"add","path":"/photo","value":{}}]`,
			edited(`"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b.c"},{"system":"phone","value":"2"}],`, ``)},
		{"an empty sibling among others becomes null", `[{"op":"add","path":"/name/0/_given/0","value":{"id":"g1"}},{"op":"remove","path":"/name/0/_given/1"},{"op":"remove","path":"/name/0/_given/0/id"}]`,
			edited(`[null,{"id":"g2"}]`, `[null,{"id":"g2"}]`)},
		{"siblings that are all null are dropped", `[{"op":"remove","path":"/name/0/_given/1/id"}]`, edited(`,"_given":[null,{"id":"g2"}]`, ``)},
		{"both halves of a primitive are the client's business", `[{"op":"remove","path":"/name/0/given/0"},{"op":"remove","path":"/name/0/_given/0"}]`,
			edited(`"given":["Ann","Eva"],"_given":[null,{"id":"g2"}]`, `"given":["Eva"],"_given":[{"id":"g2"}]`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := applyJSON(t, test.patch, patientJSON)
			if err != nil || got != test.want {
				t.Errorf("patch %s\n gives %s, %v\nwant   %s", test.patch, got, err, test.want)
			}
		})
	}
}

// TestJSONPatchOfJSON follows RFC 6902 on texts that are not FHIR, where no
// dropping of what is empty hides the result.
func TestJSONPatchOfJSON(t *testing.T) {
	tests := []struct{ name, resource, patch, want string }{
		{"the whole document", `{"a":1}`, `[{"op":"replace","path":"","value":{"b":2}}]`, `{"b":2}`},
		{"add at the root", `{"a":1}`, `[{"op":"add","path":"","value":[]}]`, `[]`},
		{"copy of the root", `{"a":1}`, `[{"op":"copy","from":"","path":"/b"}]`, `{"a":1,"b":{"a":1}}`},
		{"move to the root", `{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":""}]`, `{"b":1}`},
		{"test of the root", `{"a":1,"b":[]}`, `[{"op":"test","path":"","value":{"b":[],"a":1}}]`, `{"a":1,"b":[]}`},
		{"empty names", `{"":{"":1}}`, `[{"op":"replace","path":"//","value":2}]`, `{"":{"":2}}`},
		{"escaped names", `{"a/b":{"m~n":1,"~1":2}}`, `[{"op":"move","from":"/a~1b/m~0n","path":"/a~1b/~01"}]`, `{"a/b":{"~1":1}}`},
		{"names are compared decoded and kept as spelled", `{"\u0061":1,"\u0062\"":2}`, `[{"op":"replace","path":"/a","value":3}]`, `{"a":3,"\u0062\"":2}`},
		{"digits name members too", `{"0":{"-":1}}`, `[{"op":"copy","from":"/0/-","path":"/0/01"}]`, `{"0":{"-":1,"01":1}}`},
		{"null is a value", `{"a":null}`, `[{"op":"test","path":"/a","value":null},{"op":"move","from":"/a","path":"/b"}]`, `{"b":null}`},
		{"empty objects stay for the next operation", `{"a":{"b":1}}`, `[{"op":"move","from":"/a/b","path":"/a/c"}]`, `{"a":{"c":1}}`},
		{"empty values", `{"a":[{"b":1}]}`, `[{"op":"remove","path":"/a/0/b"},{"op":"add","path":"/a/1","value":[]}]`, `{"a":[{},[]]}`},
		{"a list in a list", `[[1],2]`, `[{"op":"add","path":"/0/0","value":[3]},{"op":"remove","path":"/1"}]`, `[[[3],1]]`},
		{"move to a later index counts without it", `[1,2,3]`, `[{"op":"move","from":"/0","path":"/2"}]`, `[2,3,1]`},
		{"move to the end", `[1,2,3]`, `[{"op":"move","from":"/0","path":"/-"}]`, `[2,3,1]`},
		{"siblings with names that begin alike", `{"a":{"b":1},"ab":2}`, `[{"op":"move","from":"/a","path":"/ab"}]`, `{"ab":{"b":1}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := runJSON(t, []byte(test.patch), test.resource)
			if err != nil || string(got.Raw()) != test.want {
				t.Errorf("patch %s of %s\n gives %s, %v\nwant   %s", test.patch, test.resource, got.Raw(), err, test.want)
			}
		})
	}
}

func TestJSONPatchFaults(t *testing.T) {
	tests := []struct{ name, patch, want string }{
		{"no JSON", `[{"op":]`, "The JSON Patch is not valid JSON: line 1, column 8: "},
		{"two members of a name", `[{"op":"add","path":"/a","value":1,"op":"remove"}]`, "more than one member named `op`"},
		{"an object", `{"op":"add"}`, "A JSON Patch is an array of operations"},
		{"Parameters", `{"resourceType":"Parameters"}`, "A JSON Patch is an array of operations"},
		{"no object", `[{"op":"test","path":"","value":1},"add"]`, `Operation 2: an operation is an object with "op" and "path", not a string.`},
		{"no path", `[{"op":"add","value":1}]`, `Operation 1 (add): "path" is missing.`},
		{"no path and no op", `[{}]`, `Operation 1: "path" is missing.`},
		{"path is no string", `[{"op":"add","path":null,"value":1}]`, `"path" is a JSON Pointer in a string, such as "/name/0/family", not null.`},
		{"path is no pointer", `[{"op":"add","path":"gender","value":1}]`, `"path" is wrong: a JSON Pointer begins with '/'`},
		{"path is a URI fragment", `[{"op":"add","path":"#/gender","value":1}]`, `"path" is wrong: a JSON Pointer begins with '/'`},
		{"path with a wrong escape", `[{"op":"add","path":"/a~2","value":1}]`, `"path" is wrong: in a JSON Pointer '~' is followed by 0 or 1`},
		{"path with an escape cut off", `[{"op":"add","path":"/a~","value":1}]`, `"path" is wrong: in a JSON Pointer '~' is followed by 0 or 1`},
		{"no op", `[{"path":"/a","value":1}]`, `Operation 1 (path /a): "op" is missing`},
		{"another op", `[{"op":"Add","path":"/a","value":1}]`, `Operation 1 (path /a): there is no such "op"; expected is one of add, remove`},
		{"op is no string", `[{"op":1,"path":"/a","value":1}]`, `there is no such "op"`},
		{"no value to add", `[{"op":"add","path":"/a"}]`, `Operation 1 (add, path /a): "value" is missing.`},
		{"no value to replace", `[{"op":"replace","path":"/a"}]`, `"value" is missing.`},
		{"no value to test", `[{"op":"test","path":"/a"}]`, `"value" is missing.`},
		{"no from to move", `[{"op":"move","path":"/a"}]`, `"from" is missing.`},
		{"no from to copy", `[{"op":"copy","path":"/a"}]`, `"from" is missing.`},
		{"from is no pointer", `[{"op":"copy","path":"/a","from":"b"}]`, `"from" is wrong: a JSON Pointer begins with '/'`},

		{"add into nothing", `[{"op":"add","path":"/address/0","value":{}}]`, "there is no address in the resource. The place where something is added must exist"},
		{"add into a primitive", `[{"op":"add","path":"/gender/x","value":1}]`, "what stands at /gender is a string; only to arrays and objects"},
		{"add beyond the end", `[{"op":"add","path":"/telecom/4","value":{}}]`, "/telecom is an array of 3, where something is added at an index from 0 to 3"},
		{"add at a name of a list", `[{"op":"add","path":"/telecom/value","value":{}}]`, "/telecom is an array of 3, where something is added at an index"},
		{"add at a leading zero", `[{"op":"add","path":"/telecom/01","value":{}}]`, "without leading zeros"},
		{"add at a sign", `[{"op":"add","path":"/telecom/+1","value":{}}]`, "an index from 0 to 3"},
		{"add at a huge index", `[{"op":"add","path":"/telecom/99999999999999999999","value":{}}]`, "an index from 0 to 3"},
		{"remove nothing", `[{"op":"remove","path":"/photo"}]`, "Operation 1 (remove, path /photo): there is no photo in the resource."},
		{"remove the resource", `[{"op":"remove","path":""}]`, "the resource itself cannot be removed"},
		{"remove the end", `[{"op":"remove","path":"/telecom/-"}]`, "/telecom is an array of 3, which has no element -"},
		{"remove from an empty list", `[{"op":"remove","path":"/contact/0"},{"op":"remove","path":"/contact/0"}]`, "Operation 2 (remove, path /contact/0): /contact is an empty array"},
		{"replace nothing", `[{"op":"replace","path":"/name/2","value":{}}]`, "/name is an array of 2, which has no element 2; expected is an index from 0 to 1"},
		{"replace below a primitive", `[{"op":"replace","path":"/active/x/y","value":{}}]`, "what stands at /active is true, which has no x"},
		{"move nothing", `[{"op":"move","from":"/photo","path":"/gender"}]`, "there is no photo in the resource."},
		{"move nothing onto itself", `[{"op":"move","from":"/photo","path":"/photo"}]`, "there is no photo in the resource."},
		{"move into itself", `[{"op":"move","from":"/name","path":"/name/0"}]`, "/name cannot be moved into itself."},
		{"move the resource into itself", `[{"op":"move","from":"","path":"/name"}]`, "the resource cannot be moved into itself."},
		{"move to a place that goes with it", `[{"op":"move","from":"/contact/0","path":"/contact/1"}]`, "an index from 0 to 0"},
		{"copy nothing", `[{"op":"copy","from":"/photo","path":"/gender"}]`, "there is no photo in the resource."},
		{"test fails", `[{"op":"test","path":"/birthDate","value":"1970-01-01"}]`, "Operation 1 (test, path /birthDate): the test failed: /birthDate is not equal to the value of the operation."},
		{"test of another type", `[{"op":"test","path":"/extension/0/valueDecimal","value":"72.50"}]`, "the test failed"},
		{"test of a longer list", `[{"op":"test","path":"/name/0/given","value":["Ann","Eva","X"]}]`, "the test failed"},
		{"test of a shorter object", `[{"op":"test","path":"/name/1","value":{}}]`, "the test failed"},
		{"test of nothing", `[{"op":"test","path":"/photo","value":null}]`, "there is no photo in the resource."},
		{"test of what was done before", `[{"op":"add","path":"/name/1/use","value":"old"},{"op":"test","path":"/name/1","value":{"text":"Zoé"}}]`, "Operation 2 (test"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := applyJSON(t, test.patch, patientJSON)
			kind, message := fault(t, err)
			if kind != domain.Invalid || !strings.Contains(message, test.want) {
				t.Errorf("patch %s\n gives %s, kind %d, %q\nwant   %q", test.patch, got, kind, message, test.want)
			}
			for _, secret := range []string{"Berg", "1980", "72.50", "a@b.c"} {
				if strings.Contains(message, secret) {
					t.Errorf("the message %q tells %q, which is the patient's", message, secret)
				}
			}
		})
	}
}

func TestSameNumber(t *testing.T) {
	equal := [][]string{
		{"0", "-0", "0.0", "0e9", "-0.00E-7"}, {"1", "1.0", "1.00", "1e0", "10e-1", "0.1E+1", "0.001e3"}, {"-12.50", "-1.25e1", "-1250e-2"},
		{"0.0012", "12e-4", "1.2E-3"}, {"100", "1e2", "0.1e3"}, {"1e99999999999999999999"}, {"1.7976931348623159e308"},
		{"9007199254740993", "9007199254740993.0"}, {"9007199254740992"}, {"2"}, {"-2"}, {"1e9223372036854775807"}, {"1e-9223372036854775807"},
	}
	for i, group := range equal {
		for j, other := range equal {
			for _, a := range group {
				for _, b := range other {
					if got := sameNumber([]byte(a), []byte(b)); got != (i == j) {
						t.Errorf("sameNumber(%s, %s) = %t", a, b, got)
					}
				}
			}
		}
	}
}

func TestParsePointer(t *testing.T) {
	for _, text := range []string{"", "/", "//", "/a", "/a/0/-", "/a~1b/m~0n", "/~01", "/ ", "/é"} {
		p, wrong := parsePointer(text)
		if wrong != "" || p.String() != text {
			t.Errorf("parsePointer(%q) = %q, %q", text, p, wrong)
		}
	}
	for _, text := range []string{"a", "#", "/~", "/~2", "/a~/b", strings.Repeat("/a", greatestDepth+1)} {
		if p, wrong := parsePointer(text); wrong == "" {
			t.Errorf("parsePointer(%.20q) = %q, and should fail", text, p)
		}
	}
}
