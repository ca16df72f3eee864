package fhirxml

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// faulty are the examples of HL7 that are no valid JSON of FHIR, with what is
// wrong. They are refused by validate as well.
var faulty = map[string]string{
	"ig-r4.json": "a resource of R4 among those of STU3",
}

func TestSharedExamples(t *testing.T) {
	for _, v := range definitions.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			count := 0
			publicdata.EachExample(t, v, func(name string, text []byte) {
				if faulty[name] != "" {
					return
				}
				count++
				roundTrip(t, load(t, v), name, bytes.TrimPrefix(text, []byte("\uFEFF")))
			})
			t.Logf("%d examples", count)
		})
	}
}

func TestSyntheaRoundTrip(t *testing.T) {
	for pattern, v := range map[string]definitions.Version{"r4-*.ndjson.gz": definitions.R4, "stu3-*.ndjson.gz": definitions.STU3} {
		for _, file := range publicdata.Files(t, "synthea", "dev", pattern) {
			count := 0
			publicdata.EachLine(t, file, func(line []byte) bool {
				count++
				roundTrip(t, load(t, v), filepath.Base(file), line)
				return true
			})
			t.Logf("%s: %d Bundles", filepath.Base(file), count)
		}
	}
}

// roundTrip fails if JSON → XML → JSON is not the same tree, or XML → JSON → XML
// not the same text.
func roundTrip(t *testing.T, d *definitions.Definitions, name string, text []byte) {
	t.Helper()
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, layout := range []Layout{{}, {Indent: true}} {
		xml, err := Append(nil, d, document.Root(), layout)
		if err != nil {
			t.Errorf("%s: Append: %v", name, err)
			return
		}
		json, _, err := read(d, xml, Limits{})
		if err != nil {
			t.Errorf("%s: Decode: %v", name, err)
			return
		}
		again, err := fhirjson.Parse(json, fhirjson.Limits{})
		if err != nil {
			t.Errorf("%s: Decode gave JSON that does not parse: %v", name, err)
			return
		}
		if !fhirjson.Equal(document.Root(), again.Root()) {
			t.Errorf("%s: JSON → XML → JSON differs:\n%s", name, firstDifference(document.Root(), again.Root()))
			return
		}
		if second, err := Append(nil, d, again.Root(), layout); err != nil || !bytes.Equal(second, xml) {
			t.Errorf("%s: XML → JSON → XML differs (%v)", name, err)
		}
	}
}

// firstDifference tells where two trees begin to differ.
func firstDifference(a, b fhirjson.Value) string {
	if a.Kind() == b.Kind() {
		switch a.Kind() {
		case fhirjson.Object:
			for m := a.First(); m.Exists(); m = m.Next() {
				if other := b.Get(string(m.Name())); !fhirjson.Equal(m, other) {
					if !other.Exists() {
						return m.Path() + " is missing"
					}
					return firstDifference(m, other)
				}
			}
			for m := b.First(); m.Exists(); m = m.Next() {
				if !a.Get(string(m.Name())).Exists() {
					return m.Path() + " is new"
				}
			}
		case fhirjson.Array:
			x, y := a.First(), b.First()
			for x.Exists() && y.Exists() && fhirjson.Equal(x, y) {
				x, y = x.Next(), y.Next()
			}
			if x.Exists() && y.Exists() {
				return firstDifference(x, y)
			}
		}
	}
	return a.Path() + ": " + string(a.Raw()) + " against " + string(b.Raw())
}

// unlike are the twins in JSON that say something else than the XML, with what.
var unlike = map[string]string{
	"examples/observation-decimal.xml": "its 1.0e0 is 1.0 there",
	"examples/observation-example.xml": "its extension is not there",
}

// plainReferences are spelled as characters in some of the twins.
var plainReferences = strings.NewReplacer("&quot;", `\"`, "&#39;", "'", "&apos;", "'")

// TestSharedTwins reads what HL7 publishes in XML and compares with the same in
// JSON, where there is that.
func TestSharedTwins(t *testing.T) {
	d := load(t, definitions.R4)
	compared := 0
	for from, to := range map[string]string{"fhir-test-cases/r4/examples": "fhir-test-cases/r4/examples", "fhir-test-cases/r4/inputs": "json/r4/inputs"} {
		for _, file := range publicdata.Files(t, "testcases", from, "*.xml") {
			name := filepath.Base(file)
			xml, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			json, _, err := read(d, xml, Limits{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			roundTrip(t, d, name, json)
			text, err := os.ReadFile(publicdata.Path(t, "testcases", to, strings.TrimSuffix(name, ".xml")+".json"))
			if err != nil {
				t.Logf("%s has no twin", name)
				continue
			}
			twin, err := fhirjson.Parse([]byte(plainReferences.Replace(string(text))), fhirjson.Limits{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			document, err := fhirjson.Parse([]byte(plainReferences.Replace(string(json))), fhirjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if compared++; !fhirjson.Equal(document.Root(), twin.Root()) && unlike[filepath.Base(from)+"/"+name] == "" {
				t.Errorf("%s: differs from its twin:\n%s", name, firstDifference(document.Root(), twin.Root()))
			}
		}
	}
	if compared < 8 {
		t.Errorf("only %d twins were compared", compared)
	}
}
