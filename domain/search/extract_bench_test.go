package search

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// panel is an Observation of 1.5 kB such as Synthea writes: three components
// with codes, displays and quantities.
const panel = `{"resourceType":"Observation","id":"7a1b2c3d-0000-1111-2222-333344445555","meta":{"profile":["http://example.org/StructureDefinition/survey"]},"status":"final",` +
	`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"survey","display":"Survey"}]}],` +
	`"code":{"coding":[{"system":"http://loinc.org","code":"91148-7","display":"Pain, three questions"}],"text":"Pain, three questions"},` +
	`"subject":{"reference":"Patient/11112222-3333-4444-5555-666677778888"},"encounter":{"reference":"Encounter/99990000-aaaa-bbbb-cccc-ddddeeeeffff"},` +
	`"effectiveDateTime":"2014-07-30T23:15:15+02:00","issued":"2014-07-30T23:15:15.553+02:00","component":[` +
	`{"code":{"coding":[{"system":"http://loinc.org","code":"91146-1","display":"How much pain got in the way of daily life"}],"text":"How much pain got in the way of daily life"},` +
	`"valueQuantity":{"value":5.977,"unit":"{score}","system":"http://unitsofmeasure.org","code":"{score}"}},` +
	`{"code":{"coding":[{"system":"http://loinc.org","code":"91145-3","display":"How much pain got in the way of joy"}],"text":"How much pain got in the way of joy"},` +
	`"valueQuantity":{"value":1.246,"unit":"{score}","system":"http://unitsofmeasure.org","code":"{score}"}},` +
	`{"code":{"coding":[{"system":"http://loinc.org","code":"75893-8","display":"How strong the pain was"}],"text":"How strong the pain was"},` +
	`"valueQuantity":{"value":3.8485,"unit":"{score}","system":"http://unitsofmeasure.org","code":"{score}"}}]}`

// laboratory is an Observation of 0.8 kB with a single quantity.
const laboratory = `{"resourceType":"Observation","id":"7a1b2c3d-0000-1111-2222-333344445555","meta":{"profile":["http://example.org/StructureDefinition/laboratory"]},"status":"final",` +
	`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],` +
	`"code":{"coding":[{"system":"http://loinc.org","code":"6690-2","display":"White cells in blood, counted"}],"text":"White cells in blood, counted"},` +
	`"subject":{"reference":"Patient/11112222-3333-4444-5555-666677778888"},"encounter":{"reference":"Encounter/99990000-aaaa-bbbb-cccc-ddddeeeeffff"},` +
	`"effectiveDateTime":"2011-05-12T12:21:06+02:00","issued":"2011-05-12T12:21:06.190+02:00",` +
	`"valueQuantity":{"value":8.9564,"unit":"10*3/uL","system":"http://unitsofmeasure.org","code":"10*3/uL"}}`

// BenchmarkExtract makes all index values of a resource that is parsed already.
func BenchmarkExtract(b *testing.B) {
	set := loadSet(b, definitions.R4)
	b.Run("panel", func(b *testing.B) { benchmarkExtract(b, set, []fhirjson.Value{parseResource(b, panel)}) })
	b.Run("laboratory", func(b *testing.B) { benchmarkExtract(b, set, []fhirjson.Value{parseResource(b, laboratory)}) })
	for _, name := range []string{"Patient-example", "Encounter-example", "Claim-100150", "Observation-blood-pressure"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "examples", "r4", name+".json"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { benchmarkExtract(b, set, []fhirjson.Value{parseResource(b, string(text))}) })
	}
}

// benchmarkExtract reports what one resource costs.
func benchmarkExtract(b *testing.B, set *Set, resources []fhirjson.Value) {
	var v Values
	entries, size, source := 0, 0, 0
	for _, resource := range resources {
		v.Reset()
		set.Extract(&v, resource)
		v.Each(func(Entry) { entries++ })
		size += v.Bytes()
		source += resource.End() - resource.Start()
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, resource := range resources {
			v.Reset()
			set.Extract(&v, resource)
		}
	}
	n := float64(len(resources))
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/resource")
	b.ReportMetric(float64(entries)/n, "entries")
	b.ReportMetric(float64(size)/n, "B-values")
	b.ReportMetric(float64(source)/n, "B-source")
}

// BenchmarkNewSet compiles all parameters of R4; heap-kB is what stays.
func BenchmarkNewSet(b *testing.B) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		b.Fatal(err)
	}
	loadSet(b, definitions.R4) // the tables are read at the first use
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	set := buildSet(b, definitions.R4)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(set)
	defer b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1000, "heap-kB")
	for b.Loop() {
		if _, err := NewSet(d, nil); err != nil {
			b.Fatal(err)
		}
	}
}
