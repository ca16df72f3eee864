package fhirxml

import (
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// observation is an invented laboratory result of about 1 kB.
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

// BenchmarkCodec compares XML with JSON: together it is to cost at most three times
// as much. In: what a body costs until there is a tree, for XML with the JSON that
// is stored. Out: what a stored resource costs
// that is parsed and written; JSON that is shown whole is not even parsed.
func BenchmarkCodec(b *testing.B) {
	d := load(b, definitions.R4)
	for _, c := range []struct{ name, json string }{{"observation_1kB", observation(1)}, {"bundle_100kB", bundle(90)}} {
		json := []byte(c.json)
		parsed, err := fhirjson.Parse(json, fhirjson.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		xml, err := Append(nil, d, parsed.Root(), Layout{})
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, 2*len(xml))
		space := make([]byte, 0, len(xml)) // as the text in JSON is there, and a server uses buffers again
		b.Run(c.name+"_in_json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				document, err := fhirjson.Parse(json, fhirjson.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				document.Release()
			}
		})
		b.Run(c.name+"_in_xml", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				document, _, err := Decode(d, xml, space, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				document.Release()
			}
		})
		b.Run(c.name+"_out_json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				document, _ := fhirjson.Parse(json, fhirjson.Limits{})
				dst = fhirjson.AppendCompact(dst[:0], document.Root(), nil)
				document.Release()
			}
		})
		b.Run(c.name+"_out_xml", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				document, _ := fhirjson.Parse(json, fhirjson.Limits{})
				if dst, err = Append(dst[:0], d, document.Root(), Layout{}); err != nil {
					b.Fatal(err)
				}
				document.Release()
			}
		})
	}
}
