package search

import (
	"testing"

	"fhirlog/domain/definitions"
)

// The types of https://hl7.org/fhir/R4/search.html#date.
func TestDate(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{"date", `{"resourceType":"Patient","birthDate":"1970-03"}`, "birthdate", []string{"present", "value 1970-03-01T00:00:00Z..1970-04-01T00:00:00Z"}},
		{"dateTime", `{"resourceType":"Observation","effectiveDateTime":"2020-02-29T12:00:00+02:00"}`, "date", []string{"present", "value 2020-02-29T10:00:00Z..2020-02-29T10:00:01Z"}},
		{"instant", `{"resourceType":"AuditEvent","recorded":"2020-02-29T12:00:00.25Z"}`, "date", []string{"present", "value 2020-02-29T12:00:00.25Z..2020-02-29T12:00:00.26Z"}},
		{"period", `{"resourceType":"Encounter","period":{"start":"2020-01-01","end":"2020-01-02T10:00:00Z"}}`, "date", []string{"present", "value 2020-01-01T00:00:00Z..2020-01-02T10:00:01Z"}},
		{"open_end", `{"resourceType":"Encounter","period":{"start":"2020"}}`, "date", []string{"present", "value 2020-01-01T00:00:00Z..open"}},
		{"open_start", `{"resourceType":"Encounter","period":{"end":"2020"}}`, "date", []string{"present", "value open..2021-01-01T00:00:00Z"}},
		{"period_without_ends", `{"resourceType":"Encounter","period":{"id":"x"}}`, "date", []string{"present"}},
		{
			"timing", `{"resourceType":"Observation","effectiveTiming":{"event":["2020-05-05","2020-03-03","2020-04-04T10:00:00Z"]}}`, "date",
			[]string{"present", "value 2020-03-03T00:00:00Z..2020-05-06T00:00:00Z"},
		},
		{
			"timing_with_bounds", `{"resourceType":"Observation","effectiveTiming":{"event":["2020-05-05"],"repeat":{"boundsPeriod":{"start":"2020-05-01","end":"2020-05-04"}}}}`, "date",
			[]string{"present", "value 2020-05-01T00:00:00Z..2020-05-06T00:00:00Z"},
		},
		{"timing_without_place", `{"resourceType":"Observation","effectiveTiming":{"repeat":{"frequency":2}}}`, "date", []string{"present"}},
		{"not_a_date", `{"resourceType":"Patient","birthDate":"yesterday"}`, "birthdate", nil},
	})
}

// TestDateOfR5 needs the FHIRPath engine: the first of two elements.
func TestDateOfR5(t *testing.T) {
	runExtract(t, definitions.R5, []extractTest{
		{"first_is_there", `{"resourceType":"Appointment","start":"2020-01-01T00:00:00Z","requestedPeriod":[{"start":"2021"}]}`, "date", []string{"present", "value 2020-01-01T00:00:00Z..2020-01-01T00:00:01Z"}},
		{"second_instead", `{"resourceType":"Appointment","requestedPeriod":[{"end":"2020"},{"start":"2021"}]}`, "date", []string{"present", "value 2021-01-01T00:00:00Z..2022-01-01T00:00:00Z"}},
	})
}

// The types of https://hl7.org/fhir/R4/search.html#number.
func TestNumber(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{"decimal", `{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.10}]}`, "probability", []string{"present", "value 0.1..0.1"}},
		{"range", `{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":1},"high":{"value":2e1}}}]}`, "probability", []string{"present", "value 1..20"}},
		{"integer", `{"resourceType":"MolecularSequence","variant":[{"start":22125503}]}`, "variant-start", []string{"present", "value 2.2125503e+07..2.2125503e+07"}},
		{"out_of_range", `{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":-1e999}]}`, "probability", []string{"present", "value -Inf..-Inf"}},
	})
}

// The types of https://hl7.org/fhir/R4/search.html#quantity.
func TestQuantity(t *testing.T) {
	const ucum = "http://unitsofmeasure.org"
	runExtract(t, definitions.R4, []extractTest{
		{
			"quantity", `{"resourceType":"Observation","valueQuantity":{"value":5.40,"unit":"mg","system":"` + ucum + `","code":"mg"}}`, "value-quantity",
			[]string{"present", "value[mg][" + ucum + "][mg] 5.4..5.4"},
		},
		{"without_unit", `{"resourceType":"Observation","valueQuantity":{"value":-7}}`, "value-quantity", []string{"present", "value[][][] -7..-7"}},
		{"less_than", `{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<","unit":"mg"}}`, "value-quantity", []string{"present", "value[][][mg] open..5"}},
		{"at_least", `{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":">=","unit":"mg"}}`, "value-quantity", []string{"present", "value[][][mg] 5..open"}},
		{"without_value", `{"resourceType":"Observation","valueQuantity":{"unit":"mg"}}`, "value-quantity", []string{"present"}},
		{"sampled_data", `{"resourceType":"Observation","valueSampledData":{"origin":{"value":5},"period":10,"dimensions":1,"data":"1 2"}}`, "value-quantity", []string{"present"}},
		{"money", `{"resourceType":"Invoice","totalNet":{"value":40.22,"currency":"USD"}}`, "totalnet", []string{"present", "value[USD][urn:iso:std:iso:4217][] 40.22..40.22"}},
		{
			"age", `{"resourceType":"Condition","onsetAge":{"value":52,"unit":"years","system":"` + ucum + `","code":"a"}}`, "onset-age",
			[]string{"present", "value[a][" + ucum + "][years] 52..52"},
		},
		{
			"range", `{"resourceType":"Condition","onsetRange":{"low":{"value":40,"code":"a"},"high":{"value":50,"code":"a"}}}`, "onset-age",
			[]string{"present", "value[a][][] 40..50"},
		},
		{"open_range", `{"resourceType":"Condition","onsetRange":{"high":{"value":50,"unit":"years"}}}`, "onset-age", []string{"present", "value[][][years] open..50"}},
		{"reversed_range", `{"resourceType":"Condition","onsetRange":{"low":{"value":60},"high":{"value":50}}}`, "onset-age", []string{"present"}},
		{"number_only", `{"resourceType":"ImagingStudy","series":[{"started":"2020"}]}`, "status", nil},
	})
}

func TestNear(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{"position", `{"resourceType":"Location","position":{"longitude":-83.69471,"latitude":42.25650}}`, "near", []string{"present", "value 42.2565..-83.69471"}},
		{"half_a_position", `{"resourceType":"Location","position":{"longitude":-83.69471}}`, "near", []string{"present"}},
	})
}

func TestURI(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{"uri", `{"resourceType":"ValueSet","url":"http://example.org/vs|1"}`, "url", []string{"present", "value[http://example.org/vs|1][]"}},
		{"canonical", `{"resourceType":"Patient","meta":{"profile":["http://example.org/p","http://example.org/p|2.0"]}}`, "_profile", []string{"present", "value[http://example.org/p][]", "value[http://example.org/p][2.0]"}},
		{"canonical_with_fragment", `{"resourceType":"Patient","meta":{"profile":["http://example.org/p|2.0#x"]}}`, "_profile", []string{"present", "value[http://example.org/p][2.0]", "value[http://example.org/p][2.0#x]"}},
		{"canonical_with_fragment_alone", `{"resourceType":"Patient","meta":{"profile":["http://example.org/p#x"]}}`, "_profile", []string{"present", "value[http://example.org/p][]", "value[http://example.org/p][#x]"}},
		{"source", `{"resourceType":"Patient","meta":{"source":"urn:a"}}`, "_source", []string{"present", "value[urn:a][]"}},
	})
}
