package main

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkPatch sends JSON Patches of one field to the real server: one client
// after the other, so that each waits for its own sync; and many clients, each with
// a resource of its own, so that syncs are shared and what remains is work.
func BenchmarkPatch(b *testing.B) {
	s := startServer(b, b.TempDir())
	defer s.stop()
	body := `{"resourceType":"Observation","id":%q,"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}]}],` +
		`"code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose [Mass/volume] in Blood"}],"text":"Glucose"},"subject":{"reference":"Patient/1","display":"an example"},` +
		`"effectiveDateTime":"2024-03-01T08:30:00+01:00","issued":"2024-03-01T09:15:27.120+01:00","valueQuantity":{"value":61.01,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},` +
		`"referenceRange":[{"low":{"value":70.0,"unit":"mg/dL"},"high":{"value":99.0,"unit":"mg/dL"},"text":"70 - 99 fasting"}]}`
	var clients, values atomic.Int64
	newClient := func() (patch func()) {
		id := fmt.Sprintf("client-%d", clients.Add(1))
		s.must(201, "PUT", "/Observation/"+id, fmt.Sprintf(body, id))
		return func() {
			document := fmt.Sprintf(`[{"op":"replace","path":"/valueQuantity/value","value":%d}]`, values.Add(1))
			a, err := s.ask("PATCH", "/Observation/"+id, document, "Content-Type: "+jsonPatch)
			if err != nil || a.status != 200 {
				b.Errorf("PATCH: %d, %v: %s", a.status, err, a.body)
			}
		}
	}
	b.Run("one client", func(b *testing.B) {
		patch := newClient()
		for b.Loop() {
			patch()
		}
	})
	b.Run("32 clients", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			patch := newClient()
			for pb.Next() {
				patch()
			}
		})
	})
	b.Run("32 clients, one resource", func(b *testing.B) {
		b.SetParallelism(16) // times GOMAXPROCS
		patch := newClient()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				patch()
			}
		})
	})
}
