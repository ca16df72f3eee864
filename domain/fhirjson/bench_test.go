package fhirjson

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// observation is an invented laboratory result of about 1 kB, without white
// space, as systems send them.
func observation(n int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"obs-%d","meta":{"profile":["http://example.org/fhir/StructureDefinition/lab"]},`+
		`"identifier":[{"system":"https://lab.example.org/results","value":"R-%06d"}],"status":"final",`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],`+
		`"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose [Mass/volume] in Blood"}],"text":"Glucose"},`+
		`"subject":{"reference":"Patient/p-%d","display":"Zoé Müller"},"encounter":{"reference":"Encounter/e-%d"},`+
		`"effectiveDateTime":"2024-03-01T08:30:00+01:00","issued":"2024-03-01T09:15:27.120+01:00",`+
		`"valueQuantity":{"value":%d.%02d,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},`+
		`"referenceRange":[{"low":{"value":70.0,"unit":"mg/dL"},"high":{"value":99.0,"unit":"mg/dL"},"text":"70 - 99 \"fasting\""}]}`,
		n, n, n%97, n%89, 60+n%90, n%100)
}

// patient is an invented patient of about 8 kB, indented, with a narrative.
func patient() string {
	var b strings.Builder
	b.WriteString("{\n  \"resourceType\": \"Patient\",\n  \"text\": {\n    \"status\": \"generated\",\n    \"div\": \"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">")
	for i := range 20 {
		fmt.Fprintf(&b, `<p class=\"line\">Line %d of a narrative\n</p>`, i)
	}
	b.WriteString("</div>\"\n  },\n  \"name\": [\n")
	for i := range 45 {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "    {\n      \"use\": \"old\",\n      \"family\": \"Family%d\",\n      \"given\": [\n        \"First%d\",\n        \"Second%d\"\n      ]\n    }", i, i, i)
	}
	b.WriteString("\n  ],\n  \"active\": true\n}\n")
	return b.String()
}

// bundle is a transaction of n observations.
func bundle(n int) string {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":%s,"request":{"method":"POST","url":"Observation"}}`, i, observation(i))
	}
	b.WriteString("]}")
	return b.String()
}

func benchmarkTexts() []struct{ name, text string } {
	return []struct{ name, text string }{
		{"observation_1kB", observation(1)},
		{"patient_8kB_indented", patient()},
		{"bundle_30000", bundle(30000)},
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			src := []byte(c.text)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			nodes := 0
			for b.Loop() {
				d, err := Parse(src, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				nodes = len(d.nodes)
			}
			b.ReportMetric(float64(nodes), "nodes")
		})
	}
}

// BenchmarkParseRelease is BenchmarkParse with the memory given back.
func BenchmarkParseRelease(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			src := []byte(c.text)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := Parse(src, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				d.Release()
			}
		})
	}
}

func BenchmarkAppendCompact(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			d := mustParse(b, c.text)
			meta := d.Root().First()
			edits := []Edit{{meta.End(), meta.End(), []byte(`,"id":"x"`)}}
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = AppendCompact(dst[:0], d.Root(), edits)
			}
		})
	}
}

// BenchmarkEqual compares each text with itself in another spelling.
func BenchmarkEqual(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			d := mustParse(b, c.text)
			other := mustParse(b, string(appendReversed(nil, d.Root())))
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if !Equal(d.Root(), other.Root()) {
					b.Fatal("not equal")
				}
			}
		})
	}
}

// BenchmarkOracle is jsontext on the same texts, which only checks them: the
// figure to set BenchmarkParse against on one machine.
func BenchmarkOracle(b *testing.B) {
	for _, c := range benchmarkTexts() {
		b.Run(c.name, func(b *testing.B) {
			src := jsontext.Value(c.text)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if !src.IsValid() {
					b.Fatal("jsontext refuses the text")
				}
			}
		})
	}
}
