package fhirpath

import (
	"testing"

	"fhirlog/domain/definitions"
)

func TestEqualTrees(t *testing.T) {
	const resource = `{"resourceType":"Patient","contact":[
		{"gender":"male","name":{"given":["A","B"]},"extension":[{"url":"x","valueDecimal":1.0}]},
		{"name":{"given":["A","B"]},"extension":[{"valueDecimal":1.00,"url":"x"}],"gender":"male"},
		{"gender":"male","name":{"given":["b","a"]},"extension":[{"url":"X","valueDecimal":1}]},
		{"gender":"male","name":{"given":["A","B"]}},
		{"gender":"male","name":{"given":["A"]},"extension":[{"url":"x","valueDecimal":2.0}]},
		{"gender":"male","name":{"given":"A"},"extension":[{"url":"x","valueDecimal":true}]}]}`
	runCases(t, resource, []evalCase{
		{"contact[0] = contact[1]", "true"},
		{"contact[0] = contact[2]", "false"},
		{"contact[0] = contact[3]", "false"},
		{"contact[0] = contact[4]", "false"},
		{"contact[0] = contact[5]", "false"},
		{"contact[4] = contact[5]", "false"},
		{"contact[0] ~ contact[1]", "true"},
		{"contact[0] ~ contact[2]", "true"},
		{"contact[0] ~ contact[4]", "false"},
		{"contact[4] ~ contact[5]", "false"},
		{"contact[0] = 'male'", "false"},
		{"contact[0] ~ 'male'", "false"},
		{"contact.distinct().count()", "5"},
		{"1.type() = 2.type()", "true"},
	})
}

// TestSetsOfAnySize compares large sets, which hash, with the comparison of all
// pairs.
func TestSetsOfAnySize(t *testing.T) {
	d := load(t, definitions.R4)
	e, err := Compile(d, `descendants() .combine(descendants()) .combine(name) .combine(1) .combine(1.0) .combine(1 '1') .combine(100 '%')
		.combine(@2020-01-01) .combine(@2020-01-01T) .combine(@2020-01-01T10:00Z) .combine(@2020-01-01T12:00+02:00) .combine(@2020-01)
		.combine(@T10:00) .combine(@T10:00:00.0) .combine(@T10:00:00) .combine(1 'kg') .combine(1000 'g') .combine('Ann') .combine(true)
		.combine(40 years) .combine('1') .combine(1.type()) .combine(2.type())`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	items, err := e.Eval(at(t, d, patientJSON))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{steps: 1 << 30}
	var pairs Collection
	for _, it := range items {
		known := false
		for i := range pairs {
			known = known || r.equal(&pairs[i], &it) == yes
		}
		if !known {
			pairs = append(pairs, it)
		}
	}
	s := &set{run: r}
	s.addAll(items)
	if len(items) < 100 || show(s.members) != show(pairs) {
		t.Errorf("of %d items the set keeps\n%s\nwant\n%s", len(items), show(s.members), show(pairs))
	}
}
