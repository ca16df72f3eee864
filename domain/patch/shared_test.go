package patch

import (
	"encoding/json"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// TestSharedJSONPatch runs the json-patch-tests, those that the suite itself
// disables included. They are about JSON, not FHIR, so what Apply does beyond
// RFC 6902 is left out: it drops what an operation left empty.
func TestSharedJSONPatch(t *testing.T) {
	passed := 0
	for _, file := range []string{"tests.json", "spec_tests.json"} {
		var tests []struct {
			Comment, Error       string
			Doc, Patch, Expected json.RawMessage
		}
		if err := json.Unmarshal(publicdata.Read(t, "testcases", "json-patch-tests", file), &tests); err != nil {
			t.Fatal(err)
		}
		for i, test := range tests {
			got, err := runJSON(t, test.Patch, string(test.Doc))
			switch {
			case err != nil && test.Error == "":
				t.Errorf("%s, test %d (%s): %v", file, i, test.Comment, err)
			case err == nil && test.Error != "":
				t.Errorf("%s, test %d (%s): no error; expected is: %s", file, i, test.Comment, test.Error)
			case test.Expected != nil && !fhirjson.Equal(got, parse(t, string(test.Expected))):
				t.Errorf("%s, test %d (%s):\n got %s\nwant %s", file, i, test.Comment, got.Raw(), test.Expected)
			default:
				passed++
			}
		}
	}
	if passed != 112 {
		t.Errorf("%d tests pass, not 112", passed)
	}
}

// runJSON applies a JSON Patch exactly as the RFC says.
func runJSON(t testing.TB, patch []byte, doc string) (fhirjson.Value, error) {
	t.Helper()
	p, err := ParseJSON(patch)
	if err != nil {
		return fhirjson.Value{}, err
	}
	tree := newTree(parse(t, doc))
	if err := p.(jsonPatch).run(tree); err != nil {
		return fhirjson.Value{}, err
	}
	result, err := tree.read()
	if err != nil {
		return fhirjson.Value{}, err
	}
	return result.Root(), nil
}

// immutableInHL7 are the tests of HL7 whose result a server may not store, each
// with the reason.
var immutableInHL7 = map[string]string{
	"Full Resource": "it changes the narrative, which is immutable for patches as in the services that fhirlog replaces",
}

// TestSharedFHIRPathPatch runs HL7's tests of R4 with the definitions of every
// version, all forwards: a server makes no patches.
func TestSharedFHIRPathPatch(t *testing.T) {
	var tests []struct {
		Name, Error         string
		Input, Diff, Output json.RawMessage
	}
	if err := json.Unmarshal(publicdata.Read(t, "testcases", "json", "r4", "fhir-patch-tests.json"), &tests); err != nil {
		t.Fatal(err)
	}
	if len(tests) != 33 {
		t.Errorf("there are %d tests, not 33", len(tests))
	}
	for _, version := range definitions.Versions() {
		for _, test := range tests {
			p, err := ParseFHIRPath(load(t, version), parse(t, string(test.Diff)))
			if err != nil {
				t.Errorf("%s, %s: %v", version, test.Name, err)
				continue
			}
			before := parse(t, string(test.Input))
			result, err := p.Apply(before)
			if err == nil {
				reason, known := immutableInHL7[test.Name]
				if err := CheckImmutable(before, result.Root()); (err != nil) != known {
					t.Errorf("%s, %s: CheckImmutable = %v, although %s", version, test.Name, err, reason)
				}
			}
			switch {
			case err != nil && test.Error == "":
				t.Errorf("%s, %s: %v", version, test.Name, err)
			case err == nil && test.Error != "":
				t.Errorf("%s, %s: no error; expected is: %s", version, test.Name, test.Error)
			case err == nil && !fhirjson.Equal(result.Root(), parse(t, string(test.Output))):
				t.Errorf("%s, %s:\n got %s\nwant %s", version, test.Name, result.Source(), test.Output)
			}
		}
	}
}
