package fhirpath

import (
	"testing"

	"fhirlog/domain/definitions"
)

// dom3 is R4's invariant on contained resources, the longest that every resource
// is checked for.
const dom3 = "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | " +
	"%resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or " +
	"descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()"

// BenchmarkEval evaluates expressions on the small resources of the tests.
func BenchmarkEval(b *testing.B) {
	for _, bench := range []struct{ name, expression, resource string }{
		{"path", "Patient.name.given", patientJSON},
		{"official", "name.where(use='official').family", patientJSON},
		{"today", "birthDate < today()", patientJSON},
		{"extension", "extension('http://example.org/age').value", patientJSON},
		{"sorted", "telecom.sort(rank).first().value", patientJSON},
		{"bundle", "Bundle.entry.resource.ofType(Observation).value", bundleJSON},
		{"choice", "Observation.value.as(Quantity)", observationJSON},
		{"where", "Patient.telecom.where(system = 'phone').value", patientJSON},
		{"resolve", "Patient.generalPractitioner.where(resolve() is Organization)", patientJSON},
		{"union", "Patient.name.given | Patient.name.family", patientJSON},
		{"invariant", "name.exists() and (telecom.all(value.exists()) or birthDate < @2000-01-01)", patientJSON},
		{"pat-1", "contact.all(name.exists() or telecom.exists() or address.exists() or organization.exists())", patientJSON},
		{"obs-6", "dataAbsentReason.empty() or value.empty()", observationJSON},
		{"dom-3", dom3, patientJSON},
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
