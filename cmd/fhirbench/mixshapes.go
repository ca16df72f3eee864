package main

import (
	"fmt"
	"strings"
)

// The codes of W4: what Synthea measures of everybody.
const (
	heightCode = "http://loinc.org|8302-2"
	weightCode = "http://loinc.org|29463-7"
	painCode   = "http://loinc.org|72514-3"
)

// mixShapes are the thirty searches and reads of W4.
func mixShapes(b *builder) {
	s := b.samples
	b.shapes = append(b.shapes, shape{name: "metadata", typeName: "CapabilityStatement", op: opRead, queries: []query{{path: "metadata"}}})
	b.fixed("Observation page", "Observation?", "", false)
	b.fixed("Observation total", "Observation?", "", true)
	b.drawn("Observation?code", &s.codes, fhirToken, some)
	b.drawn("Observation?combo-code total", &s.codes, fhirToken, some).onlyTotal()
	b.drawn("Patient?gender total", &s.genders, fhirText, some).withTotal()
	b.drawn("Patient?family", &s.families, b.namePrefix, some)
	b.drawn("Patient?given", &s.givens, b.namePrefix, some)
	b.add("Patient?gender&family", func() (string, hits) {
		return "gender=" + escape(b.pick(&s.genders, "female")) + "&family=" + escape(b.namePrefix(b.pick(&s.families, "Smith"))), someOrNone
	})
	b.fixed("Observation?code=height total", "Observation?", "code="+escape(heightCode), true)
	b.fixed("Observation?code=weight total", "Observation?", "code="+escape(weightCode), true)
	b.fixed("Observation?code=pain total", "Observation?", "code="+escape(painCode), true)
	b.fixed("Observation?date=ge2020", "Observation?", "date=ge2020", false)
	b.reads("Patient read", &s.patients)
	b.drawn("Patient?family:exact", &s.families, fhirText, some)
	b.drawn("Observation?patient", &s.patients, fhirText, someOrNone)
	b.drawn("Condition?patient", &s.patients, fhirText, someOrNone)
	b.drawn("Encounter?patient", &s.patients, fhirText, someOrNone)
	b.drawn("MedicationRequest?patient", &s.patients, fhirText, someOrNone)
	b.drawn("Condition?code", &s.conditions, fhirToken, some)
	b.drawn("Procedure?code", &s.actions, fhirToken, some)
	b.drawn("Encounter?practitioner", &s.doctors, fhirText, some)
	b.drawn("Encounter?location", &s.locations, fhirText, some)
	b.drawn("Patient?_content", &s.families, fhirText, someOrNone)
	b.drawn("Observation?_content", &s.observationTexts, b.word, someOrNone)
	b.drawn("Condition?_content", &s.conditionTexts, b.word, someOrNone)
	b.drawn("Patient?name:text", &s.families, fhirText, someOrNone)
	b.drawn("Patient?address:text", &s.cities, fhirText, someOrNone)
	b.drawn("Patient?_text", &s.narratives, b.word, someOrNone)
	b.drawn("Condition?code:text", &s.conditionTexts, b.prefixText, some)
}

// namePrefix cuts a name, ready for a search.
func (b *builder) namePrefix(v string) string { return fhirText(b.prefixOf(v)) }

// prefixText is the beginning of a text, up to its second word.
func (b *builder) prefixText(v string) string {
	for i := 4; i < len(v); i++ {
		if v[i] == ' ' {
			return fhirText(v[:i])
		}
	}
	return fhirText(v)
}

// fixed adds a search that is always the same.
func (b *builder) fixed(name, place, criteria string, total bool) {
	s := b.add(place+name, func() (string, hits) { return criteria, someOrNone })
	s.name = name
	if total {
		s.withTotal()
	}
}

// drawn adds a search of one parameter, whose name stands after the question
// mark.
func (b *builder) drawn(name string, p *pool, form func(string) string, found hits) *shape {
	parameter := parameterOf(name)
	return b.add(name, func() (string, hits) { return parameter + "=" + escape(form(b.pick(p, "none"))), found })
}

// parameterOf cuts "code" out of "Observation?code total".
func parameterOf(name string) string {
	_, parameter, _ := strings.Cut(name, "?")
	parameter, _, _ = strings.Cut(parameter, " ")
	return parameter
}

// reads adds reads by id.
func (b *builder) reads(name string, p *pool) {
	s := shape{name: name, typeName: "Patient", op: opRead}
	for _, place := range p.list[:min(variants, len(p.list))] {
		s.queries = append(s.queries, query{path: place})
	}
	b.shapes = append(b.shapes, s)
}

// withTotal asks for an exact total.
func (s *shape) withTotal() {
	s.total = true
	for i := range s.queries {
		s.queries[i].path += "&_total=accurate"
	}
}

// onlyTotal asks for an exact total and a single resource.
func (s *shape) onlyTotal() {
	s.withTotal()
	s.count = 1
	for i := range s.queries {
		q := &s.queries[i]
		q.path = strings.Replace(q.path, fmt.Sprint("_count=", pageSize), "_count=1", 1)
	}
}
