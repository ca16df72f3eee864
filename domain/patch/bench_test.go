package patch

import (
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// observationJSON is an invented laboratory result of 1 kB.
var observationJSON = `{"resourceType":"Observation","id":"obs-1","meta":{"versionId":"1","lastUpdated":"2024-03-01T09:15:27Z"},` +
	`"identifier":[{"system":"https://lab.example.org/results","value":"R-000001"}],"status":"preliminary",` +
	`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],` +
	`"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose [Mass/volume] in Blood"}],"text":"Glucose"},` +
	`"subject":{"reference":"Patient/p-1","display":"Zoé Müller"},"encounter":{"reference":"Encounter/e-1"},` +
	`"effectiveDateTime":"2024-03-01T08:30:00+01:00","issued":"2024-03-01T09:15:27.120+01:00",` +
	`"valueQuantity":{"value":61.01,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},` +
	`"referenceRange":[{"low":{"value":70.0,"unit":"mg/dL"},"high":{"value":99.0,"unit":"mg/dL"},"text":"70 - 99 \"fasting\""}]}`

func benchmark(b *testing.B, resource string, read func() (Patch, error)) {
	before := parse(b, resource)
	b.ReportAllocs()
	b.SetBytes(int64(len(resource)))
	for b.Loop() {
		p, err := read()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Apply(before); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONPatch reads and applies a patch of one field.
func BenchmarkJSONPatch(b *testing.B) {
	patch := []byte(`[{"op":"replace","path":"/status","value":"final"}]`)
	benchmark(b, observationJSON, func() (Patch, error) { return ParseJSON(patch) })
}

// BenchmarkJSONPatchOfLargeResource patches one field of 1 MB.
func BenchmarkJSONPatchOfLargeResource(b *testing.B) {
	patch := []byte(`[{"op":"replace","path":"/status","value":"final"}]`)
	extensions := strings.Repeat(`{"url":"http://example.org/x","valueDecimal":1.50},`, 20_000)
	resource := strings.Replace(observationJSON, `"identifier"`, `"extension":[`+strings.TrimSuffix(extensions, ",")+`],"identifier"`, 1)
	benchmark(b, resource, func() (Patch, error) { return ParseJSON(patch) })
}

func benchmarkFHIRPath(b *testing.B, patch string) {
	d := load(b, definitions.R4)
	benchmark(b, observationJSON, func() (Patch, error) {
		document, err := fhirjson.Parse([]byte(patch), fhirjson.Limits{})
		if err != nil {
			return nil, err
		}
		return ParseFHIRPath(d, document.Root())
	})
}

// BenchmarkFHIRPathReplace reads and applies a patch of one field.
func BenchmarkFHIRPathReplace(b *testing.B) {
	benchmarkFHIRPath(b, parameters(op("replace", "Observation.status", with(`"valueCode":"final"`))))
}

// BenchmarkFHIRPathThree reads and applies three operations that find their
// place by criteria.
func BenchmarkFHIRPathThree(b *testing.B) {
	benchmarkFHIRPath(b, parameters(
		op("replace", "Observation.code.coding.where(system = 'http://loinc.org').display", with(`"valueString":"Glucose"`)),
		add("Observation", "note", `"valueAnnotation":{"text":"x"}`),
		op("delete", "Observation.referenceRange.where(text.exists())")))
}
