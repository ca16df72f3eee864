package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// example is one of HL7's examples in testdata.
type example struct {
	version definitions.Version
	name    string
	text    []byte
}

func examples(t testing.TB) []example {
	t.Helper()
	var all []example
	for _, v := range definitions.Versions() {
		files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "examples", strings.ToLower(v.String()), "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no examples of %s: %v", v, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, example{v, strings.TrimSuffix(filepath.Base(file), ".json"), text})
		}
	}
	return all
}

func TestExamples(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.version.String()+"/"+e.name, func(t *testing.T) {
			for _, issue := range check(newValidator(t, e.version), e.text) {
				t.Errorf("%s %v: %s", issue.Code, issue.Expression, issue.Message)
			}
		})
	}
}

// TestExamplesBroken takes each example and breaks it at every object in turn,
// by a member that no type has: each place must be reported, and only that.
func TestExamplesBroken(t *testing.T) {
	for _, e := range examples(t) {
		va := newValidator(t, e.version)
		document, err := fhirjson.Parse(e.text, fhirjson.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		var places []int // just behind the '{' of each object
		var walk func(v fhirjson.Value)
		walk = func(v fhirjson.Value) {
			if v.Kind() == fhirjson.Object {
				places = append(places, v.Start()+1)
			}
			for child := v.First(); child.Exists(); child = child.Next() {
				walk(child)
			}
		}
		walk(document.Root())
		for _, place := range places {
			broken := fhirjson.AppendCompact(nil, document.Root(), []fhirjson.Edit{{Start: place, End: place, With: []byte(`"noSuch":1,`)}})
			issues := check(va, broken)
			if len(issues) != 1 || issues[0].Code != "structure" || !strings.HasSuffix(issues[0].Expression[0], ".noSuch") {
				t.Errorf("%s %s with an unknown member at %d: %v", e.version, e.name, place, issues)
			}
		}
	}
}
