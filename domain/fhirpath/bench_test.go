package fhirpath

import (
	"testing"

	"fhirlog/domain/definitions"
)

// BenchmarkEval evaluates expressions on the small resources of the tests.
func BenchmarkEval(b *testing.B) {
	for _, bench := range []struct{ name, expression, resource string }{
		{"path", "Patient.name.given", patientJSON},
		{"choice", "Observation.value.as(Quantity)", observationJSON},
		{"where", "Patient.telecom.where(system = 'phone').value", patientJSON},
		{"resolve", "Patient.generalPractitioner.where(resolve() is Organization)", patientJSON},
		{"union", "Patient.name.given | Patient.name.family", patientJSON},
		{"invariant", "name.exists() and (telecom.all(value.exists()) or birthDate < @2000-01-01)", patientJSON},
		{"quantity", "Observation.value > 70000 'g'", observationJSON},
		{"descendants", "Patient.descendants().count()", patientJSON},
	} {
		b.Run(bench.name, func(b *testing.B) {
			d := load(b, definitions.R4)
			e, err := Compile(d, bench.expression, Options{})
			if err != nil {
				b.Fatal(err)
			}
			context := at(b, d, bench.resource)
			var result Collection
			b.ReportAllocs()
			for b.Loop() {
				if result, err = e.Append(result[:0], context); err != nil || len(result) == 0 {
					b.Fatal(len(result), err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	d := load(b, definitions.R4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(d, "Patient.telecom.where(system = 'phone' and use != 'old').value.first()", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
