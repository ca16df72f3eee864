package search

import (
	"math"
	"strings"
	"testing"
)

// TestMatchDates follows https://hl7.org/fhir/R4/search.html#date, with the
// comparisons as behaviour of the ranges on both sides.
func TestMatchDates(t *testing.T) {
	patient := func(birth string) string { return `{"resourceType":"Patient","birthDate":"` + birth + `"}` }
	runMatches(t, patient("2013-01-14"), `
		y Patient?birthdate=2013-01-14
		y Patient?birthdate=2013-01
		y Patient?birthdate=2013
		n Patient?birthdate=2013-01-14T10:00
		n Patient?birthdate=2013-02
		n Patient?birthdate=ne2013-01-14
		y Patient?birthdate=ne2013-01-15
		n Patient?birthdate=lt2013-01-14
		y Patient?birthdate=lt2013-01-14T10:00
		y Patient?birthdate=lt2013-01-15
		n Patient?birthdate=gt2013-01-14
		y Patient?birthdate=gt2013-01-14T10:00
		y Patient?birthdate=gt2013-01-13
		n Patient?birthdate=gt2013
		y Patient?birthdate=ge2013-01-14
		y Patient?birthdate=le2013-01-14
		y Patient?birthdate=ge2013
		n Patient?birthdate=ge2013-01-15
		n Patient?birthdate=le2013-01-13
		y Patient?birthdate=sa2013-01-13
		n Patient?birthdate=sa2013-01-14
		y Patient?birthdate=eb2013-01-15
		n Patient?birthdate=eb2013-01-14
		y Patient?birthdate=ge2013-01-14,lt1900
		y Patient?birthdate=ap2013-06
		n Patient?birthdate=ap2015-06
		y Patient?birthdate:missing=false`)
	runMatches(t, patient("2013-01"), `
		n Patient?birthdate=2013-01-14
		y Patient?birthdate=2013-01
		y Patient?birthdate=ne2013-01-14
		y Patient?birthdate=lt2013-01-14
		y Patient?birthdate=gt2013-01-14
		y Patient?_filter=birthdate%20po%202013-01-14
		n Patient?_filter=birthdate%20po%202013-02`)
	runMatches(t, `{"resourceType":"Encounter","period":{"start":"2013-03-15T10:00:00+02:00"}}`, `
		y Encounter?date=gt2030
		n Encounter?date=lt2013-03-15T08:00:00Z
		y Encounter?date=lt2013-03-15T08:00:01Z
		y Encounter?date=ge2013-03-15T10:00:00%2B02:00
		y Encounter?date=ge2013-03-15T10:00:00%2002:00
		n Encounter?date=eb2030
		y Encounter?date=sa2013-03-14
		n Encounter?date=2013
		y Encounter?date=ap2020`)
}

// TestUpdatedIsAsDates compares the ranges of instants for _lastUpdated with
// the test of dates on values that are a millisecond long.
func TestUpdatedIsAsDates(t *testing.T) {
	now := ticksOf(testNow)
	texts := []string{"2024", "2024-05", "2024-05-31", "2024-05-31T23:59", "2024-05-31T23:59:59Z", "2024-05-31T23:59:59.12Z", "2024-05-31T23:59:59.123Z", "2024-05-31T23:59:59.1234Z", "2024-05-31T23:59:59.1234567Z", "1969-12-31T23:59:59.9995Z"}
	for _, text := range texts {
		for _, prefix := range append(prefixes, overlapping) {
			operand, err := timeOperand("_lastUpdated", prefix, text)
			if err != nil {
				t.Fatal(err)
			}
			expr, test := updatedExpr(operand, now), dateTest(operand, now)
			from, to := operand.low, operand.high
			if prefix == Approximate {
				from, to = widened(from, to, now)
			}
			for _, end := range []Ticks{from, to} {
				for step := int64(-3); step <= 3; step++ {
					at := floorDiv(end, millisecond) + step
					want := test(at*millisecond, (at+1)*millisecond)
					if got := updatedHolds(t, expr, at); got != want {
						t.Errorf("%s%s at %d: %s says %v, dates %v", prefix, text, at, Explain(expr), got, want)
					}
				}
			}
		}
	}
}

func updatedHolds(t *testing.T, e Expr, at int64) bool {
	switch e := e.(type) {
	case Updated:
		return e.From <= at && at < e.Before
	case Or:
		for _, part := range e {
			if updatedHolds(t, part, at) {
				return true
			}
		}
		return false
	case And:
		return len(e) == 0
	}
	t.Fatalf("%T", e)
	return false
}

// TestMatchNumbers follows https://hl7.org/fhir/R4/search.html#number.
func TestMatchNumbers(t *testing.T) {
	risk := func(p string) string {
		return `{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":` + p + `}]}`
	}
	tests := []struct{ stored, finds, not string }{
		{"100", "100 100.00 1e2 ne101 lt101 gt99 ge100 le100 sa99 eb101 ap109 ap92 ne1e1", "ne100 101 99 lt100 gt100 ge100.1 le99.9 sa100 eb100 ap130 ap50"},
		{"99.5", "100 1e2 9.95e1", "100.0 99 100.00"},
		{"100.5", "101 100.5", "100"},
		{"100.4999", "100 gt100 ge100 100.5", "100.51 le100 lt100"},
		{"-5.4", "-5.4 -5 lt-5 gt-6 ap-5.8 ne5.4", "5.4 gt-5 lt-6 ap5.4"},
		{"0", "0 -0 0.0 lt0.1 ge0 ap0", "gt0 lt0 1"},
		{"0.1", "0.1 0.10 1e-1 10e-2", "0.2"},
		{"12345678901234567", "12345678901234567", "12345678901234600.0"},
	}
	for _, test := range tests {
		lines := ""
		for _, list := range []struct{ want, values string }{{"y", test.finds}, {"n", test.not}} {
			for v := range strings.FieldsSeq(list.values) {
				lines += list.want + " RiskAssessment?probability=" + v + "\n"
			}
		}
		runMatches(t, risk(test.stored), lines)
	}
}

// TestMatchRanges are values that have a width: the prefixes compare its ends.
func TestMatchRanges(t *testing.T) {
	runMatches(t, `{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":10},"high":{"value":20}}}]}`, `
		n RiskAssessment?probability=15
		n RiskAssessment?probability=10
		y RiskAssessment?probability=0e2
		n RiskAssessment?probability=2e1,1.5e1
		y RiskAssessment?probability=gt15
		y RiskAssessment?probability=lt15
		n RiskAssessment?probability=lt10
		y RiskAssessment?probability=le10
		n RiskAssessment?probability=sa10
		y RiskAssessment?probability=sa9
		y RiskAssessment?probability=eb21
		n RiskAssessment?probability=eb20
		y RiskAssessment?probability=ap21`)
	open := dateTest(Operand{low: 0, high: 10, Prefix: Less}, 0)
	if !open(math.MinInt64, 5) {
		t.Error("an open beginning is not before a date")
	}
}

// TestMatchQuantities follows https://hl7.org/fhir/R4/search.html#quantity.
func TestMatchQuantities(t *testing.T) {
	quantity := func(q string) string { return `{"resourceType":"Observation","valueQuantity":{` + q + `}}` }
	const ucum = "http://unitsofmeasure.org"
	runMatches(t, quantity(`"value":5.4,"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"`), `
		y Observation?value-quantity=5.4
		y Observation?value-quantity=5.4||mg
		y Observation?value-quantity=5.4||milligram
		n Observation?value-quantity=5.4||Milligram
		n Observation?value-quantity=5.4||g
		y Observation?value-quantity=5.4|`+ucum+`
		y Observation?value-quantity=5.4|`+ucum+`|
		n Observation?value-quantity=5.4|http://other|mg
		y Observation?value-quantity=5.4|`+ucum+`|mg
		y Observation?value-quantity=5.40e-3|`+ucum+`|g
		n Observation?value-quantity=5.41e-3|`+ucum+`|g
		y Observation?value-quantity=gt5|`+ucum+`|mg
		y Observation?value-quantity=lt1|`+ucum+`|g
		n Observation?value-quantity=gt1|`+ucum+`|g
		y Observation?value-quantity=5400|`+ucum+`|ug
		n Observation?value-quantity=5.4|`+ucum+`|mL
		n Observation?value-quantity=5.4|`+ucum+`|unknown
		n Observation?value-quantity=ne5.4|`+ucum+`|mg
		y Observation?value-quantity=ne5.5|`+ucum+`|mg
		n Observation?value-quantity=ne5.5|`+ucum+`|mL
		n Observation?value-quantity=ne5.4|http://other|mg
		y Observation?value-quantity=ap5|`+ucum+`|mg
		y Observation?_filter=value-quantity%20gt%205|`+ucum+`|mg
		n Observation?_filter=value-quantity%20gt%206`)
	runMatches(t, quantity(`"value":37,"system":"http://unitsofmeasure.org","code":"Cel"`), `
		y Observation?value-quantity=98.6|`+ucum+`|[degF]
		y Observation?value-quantity=gt98.5|`+ucum+`|[degF]
		y Observation?value-quantity=lt98.7|`+ucum+`|[degF]
		n Observation?value-quantity=100.6|`+ucum+`|[degF]
		y Observation?value-quantity=3.1e2|`+ucum+`|K`)
	runMatches(t, quantity(`"value":5,"comparator":"<"`), `
		y Observation?value-quantity=lt1
		n Observation?value-quantity=5
		n Observation?value-quantity=gt5`)
	runMatches(t, `{"resourceType":"ChargeItem","priceOverride":{"value":12.5,"currency":"EUR"}}`, `
		y ChargeItem?price-override=12.5|urn:iso:std:iso:4217|EUR
		y ChargeItem?price-override=12.5||EUR
		n ChargeItem?price-override=12.5|urn:iso:std:iso:4217|USD`)
}

// TestMatchNear uses known distances.
func TestMatchNear(t *testing.T) {
	runMatches(t, `{"resourceType":"Location","position":{"latitude":52.5200,"longitude":13.4050}}`, `
		y Location?near=52.52|13.405|0
		y Location?near=48.1351|11.5820|505|km
		n Location?near=48.1351|11.5820|503|km
		y Location?near=48.1351|11.5820|314|[mi_i]
		y Location?near=48.1351|11.5820|314|[mi_us]
		n Location?near=48.1351|11.5820|300|[mi_i]
		y Location?near=48.1351|11.5820|505000|m
		y Location?near=52.9|13.4
		n Location?near=53.1|13.4
		y Location?near=0|0|1|km,52.5|13.4|10|km
		y Location?near:missing=false`)
	runMatches(t, `{"resourceType":"Location","position":{"latitude":0,"longitude":179.9}}`, `
		y Location?near=0|-179.9|23
		n Location?near=0|-179.9|22`)
}

// TestMatchComposites follows https://hl7.org/fhir/R4/search.html#composite.
func TestMatchComposites(t *testing.T) {
	runMatches(t, `{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"component":[
		{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"system":"http://unitsofmeasure.org","code":"mm[Hg]","unit":"mmHg"}},
		{"code":{"coding":[{"system":"http://loinc.org","code":"LP8462-4"}]},"valueQuantity":{"value":80,"unit":"mmHg"}}]}`, `
		y Observation?component-code-value-quantity=http://loinc.org|8480-6$gt110
		n Observation?component-code-value-quantity=http://loinc.org|8480-6$lt110
		y Observation?component-code-value-quantity=8480-6$120
		n Observation?component-code-value-quantity=8480-6$80
		y Observation?component-code-value-quantity=lp8462-4$80||mmHg
		y Observation?component-code-value-quantity=LP8462-4$80||mmHg
		y Observation?component-code-value-quantity=http://loinc.org|$120|http://unitsofmeasure.org|mm[Hg]
		y Observation?component-code-value-quantity=8480-6$16|http://unitsofmeasure.org|kPa
		n Observation?component-code-value-quantity=8480-6$17|http://unitsofmeasure.org|kPa
		y Observation?combo-code-value-quantity=1$1,8480-6$ge120
		n Observation?code-value-quantity=85354-9$120`)
	runMatches(t, `{"resourceType":"Observation","code":{"coding":[{"system":"s","code":"c$|,d"}]},"valueString":"Müller, Anna"}`, `
		y Observation?code-value-string=s|c\$\|\,d$muller\,
		n Observation?code-value-string=s|c\$\|\,d$anna
		n Observation?code-value-string=s|c$muller`)
	runMatches(t, `{"resourceType":"Observation","code":{"coding":[{"system":"s","code":"c"}]},"valueDateTime":"2020-05-01"}`, `
		y Observation?code-value-date=s|c$2020-05
		y Observation?code-value-date=c$ge2020
		n Observation?code-value-date=c$gt2020-05
		n Observation?code-value-date=x|c$2020`)
	runMatches(t, `{"resourceType":"Observation","code":{"coding":[{"system":"s","code":"c"}]},"valueCodeableConcept":{"coding":[{"code":"v"}]}}`, `
		y Observation?code-value-concept=s|c$v
		y Observation?code-value-concept=c$|v
		n Observation?code-value-concept=s|c$s|v
		y Observation?_filter=code-value-concept%20eq%20s|c$v`)
	runMatches(t, `{"resourceType":"DocumentReference","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},{"code":"signs","target":{"reference":"http://else/DocumentReference/2"}}]}`, `
		y DocumentReference?relationship=DocumentReference/1$replaces
		y DocumentReference?relationship=1$replaces
		n DocumentReference?relationship=1$signs
		y DocumentReference?relationship=http://else/DocumentReference/2$signs`)
	runMatches(t, `{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"1"}]},"windowStart":-5,"windowEnd":128}}`, `
		y MolecularSequence?chromosome-window-coordinate=1$-5$128
		y MolecularSequence?chromosome-window-coordinate=1$lt0$gt100
		n MolecularSequence?chromosome-window-coordinate=1$gt0$gt100
		n MolecularSequence?chromosome-window-coordinate=1$lt0$gt128
		n MolecularSequence?chromosome-window-coordinate=2$lt0$gt100`)
}
