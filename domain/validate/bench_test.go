package validate

import (
	"os"
	"path/filepath"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/publicdata"
)

// BenchmarkResource validates single examples of HL7 (testdata/examples/r4)
// that are parsed already.
func BenchmarkResource(b *testing.B) {
	for _, name := range []string{"Patient-newborn", "Patient-example", "Observation-f001", "Encounter-example", "Claim-100150", "Questionnaire-bb", "Bundle-bundle-transaction"} {
		b.Run(name, func(b *testing.B) {
			text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "examples", "r4", name+".json"))
			if err != nil {
				b.Fatal(err)
			}
			benchmarkValidate(b, [][]byte{text}, Off)
		})
	}
}

// BenchmarkExamples validates all examples of R4 in testdata.
func BenchmarkExamples(b *testing.B) {
	var texts [][]byte
	for _, e := range examples(b) {
		if e.version == definitions.R4 {
			texts = append(texts, e.text)
		}
	}
	benchmarkValidate(b, texts, Off)
}

// BenchmarkSynthea validates the Bundles of Synthea's r4-2019 set of 100
// patients (in the folder that FHIRLOG_SHARED names), about 1.5 kB a resource: their structure,
// and all rules.
func BenchmarkSynthea(b *testing.B) {
	var texts [][]byte
	publicdata.EachLine(b, publicdata.Path(b, "synthea", "dev", "r4-2019.patients.bundles.ndjson.gz"), func(line []byte) bool {
		texts = append(texts, line)
		return true
	})
	for name, policy := range map[string]Policy{"structure": Off, "rules": Fail} {
		b.Run(name, func(b *testing.B) { benchmarkValidate(b, texts, policy) })
	}
}

// benchmarkValidate reports, beside the time, what a resource and a kilobyte
// cost; the resources in Bundles count as well.
func benchmarkValidate(b *testing.B, texts [][]byte, policy Policy) {
	va := newValidator(b, definitions.R4)
	var documents []*fhirjson.Document
	bytes, resources := 0, 0
	for _, text := range texts {
		document, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		documents = append(documents, document)
		bytes += len(text)
		resources += 1 + document.Root().Get("entry").Len()
	}
	links := 0
	count := func(LinkKind, fhirjson.Value) { links++ }
	b.ReportAllocs()
	for b.Loop() {
		for _, document := range documents {
			if issues := faults(va.Check(document.Root(), Options{Links: count, Rules: policy})); issues != nil {
				b.Fatal(issues)
			}
		}
	}
	perRun := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(perRun/float64(resources), "ns/resource")
	b.ReportMetric(perRun/float64(bytes)*1000, "ns/kB")
}
