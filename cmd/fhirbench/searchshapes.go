package main

import (
	"math"
	"strconv"
	"strings"
)

// walkShapes are the searches of W3.
func walkShapes(b *builder) {
	b.strings()
	b.dates("Patient", "birthdate", &b.samples.birthDates)
	b.dates("Observation", "date", &b.samples.observationDates)
	b.dates("Encounter", "date", &b.samples.encounterDates)
	b.tokens("Observation", "category", &b.samples.categories, "", "no-such-category")
	b.tokens("Observation", "code", &b.samples.codes, "", "no-such-code")
	b.tokens("Encounter", "status", &b.samples.statuses, "http://hl7.org/fhir/encounter-status", "onleave")
	b.tokens("Encounter", "class", &b.samples.classes, "", "no-such-class")
	both := quantities{list: append(append([]quantity(nil), b.samples.values.list...), b.samples.components.list...)}
	b.quantities("value-quantity", &b.samples.values)
	b.quantities("component-value-quantity", &b.samples.components)
	b.quantities("combo-value-quantity", &both)
	b.composites("code-value-quantity", &b.samples.values)
	b.composites("component-code-value-quantity", &b.samples.components)
	b.composites("combo-code-value-quantity", &both)
	b.references("Observation", "subject", &b.samples.observationSubjects, &b.samples.patients)
	b.references("Observation", "encounter", &b.samples.observationEncounters, new(pool))
	b.references("Observation", "performer", &b.samples.performers, &b.samples.anyDoctors)
	b.references("Encounter", "subject", &b.samples.encounterSubjects, &b.samples.patients)
	b.references("Encounter", "participant", &b.samples.participants, &b.samples.anyDoctors)
	b.references("MedicationRequest", "subject", &b.samples.requestSubjects, &b.samples.patients)
	b.references("MedicationRequest", "encounter", &b.samples.requestEncounters, new(pool))
	b.references("MedicationRequest", "requester", &b.samples.requesters, &b.samples.anyDoctors)
}

// nothing is text that no name contains.
const nothing = "Zzyzxqq"

// strings adds names and addresses.
func (b *builder) strings() {
	text := func(name, parameter string, cut func(string) string, pools ...*pool) {
		b.add(name, func() (string, hits) {
			if b.seldom() {
				return parameter + "=" + nothing, none
			}
			p := pools[b.rng.below(uint64(len(pools)))]
			return parameter + "=" + escape(fhirText(cut(b.pick(p, "Smith")))), some
		})
	}
	s := b.samples
	text("Patient?name", "name", b.prefixOf, &s.families, &s.givens)
	text("Patient?address", "address", b.prefixOf, &s.addresses, &s.cities)
	text("Patient?address-city", "address-city", b.prefixOf, &s.cities)
	text("Patient?address-postalcode", "address-postalcode", b.prefixOf, &s.postalCodes)
	text("Organization?name", "name", b.prefixOf, &s.organizations)
	text("Organization?name:contains", "name:contains", b.middleOf, &s.organizations)
}

// dates adds a date parameter with each prefix.
func (b *builder) dates(typeName, parameter string, p *pool) {
	for _, prefix := range []string{"", "eq", "lt", "gt", "le", "ge", "sa", "eb"} {
		equal := prefix == "" || prefix == "eq"
		b.add(typeName+"?"+parameter+"="+prefix, func() (string, hits) {
			if b.seldom() {
				never := "1801-01-01"
				if prefix == "gt" || prefix == "ge" || prefix == "sa" {
					never = "2201-01-01"
				}
				return parameter + "=" + prefix + never, none
			}
			v := b.pick(p, "2015-06-01T10:00:00Z")
			cut := []int{len(v), len("2006-01-02"), len("2006-01"), len("2006")}[b.rng.below(4)]
			found := someOrNone
			// A day may begin elsewhere for the server, and a period is longer
			// than its start.
			if equal && (typeName == "Patient" || typeName == "Observation" && cut == len(v)) {
				found = some
			}
			return parameter + "=" + prefix + escape(v[:min(cut, len(v))]), found
		})
	}
}

// tokens adds a token parameter: with system and without, lists, misses.
// System is that of plain codes.
func (b *builder) tokens(typeName, parameter string, p *pool, system, miss string) {
	name := typeName + "?" + parameter
	full := func() string {
		v := b.pick(p, "http://example.org|other")
		if system != "" {
			return system + "|" + fhirText(v)
		}
		return fhirToken(v)
	}
	plain := func() string { return codeOf(b.pick(p, "other")) }
	b.add(name, func() (string, hits) { return parameter + "=" + escape(plain()), some })
	b.add(name+"=system|", func() (string, hits) {
		if system != "" { // whether a code has its implicit system, servers disagree
			return parameter + "=" + escape(full()), someOrNone
		}
		return parameter + "=" + escape(full()), some
	})
	b.add(name+"=a,b", func() (string, hits) {
		list := escape(plain()) + ","
		if b.rng.below(2) == 0 {
			list = escape(full()) + ","
		}
		return parameter + "=" + list + escape(plain()), some
	})
	b.add(name+"=miss", func() (string, hits) {
		if miss == "onleave" { // a code that resources may have, though Synthea's don't
			return parameter + "=" + miss, someOrNone
		}
		return parameter + "=" + b.one(miss, miss+","+miss+"-either", escape("http://example.org/none|"+miss)), none
	})
}

// measured draws a quantity.
func (b *builder) measured(q *quantities) quantity {
	if len(q.list) == 0 {
		b.guessed = true
		return quantity{"http://loinc.org|8867-4", "100", "http://unitsofmeasure.org", "/min"}
	}
	return q.list[b.rng.below(uint64(len(q.list)))]
}

// compared draws a prefix, or none, before a number. It is the measured number
// as it is written, or a whole one near it.
func (b *builder) compared(q quantity, prefixes ...string) (text string, found hits) {
	prefix, number := b.one(prefixes...), q.value
	n, err := strconv.ParseFloat(number, 64)
	if whole := strconv.FormatFloat(math.Round(n), 'f', -1, 64); err == nil && b.rng.below(2) == 0 && whole != number {
		return prefix + whole, someOrNone
	}
	if prefix == "" || prefix == "ge" || prefix == "le" || prefix == "eq" {
		return prefix + number, some
	}
	return prefix + number, someOrNone
}

var numberPrefixes = []string{"lt", "gt", "le", "ge", "eq", "sa", "eb"}

// quantities adds a quantity parameter: numbers alone and with units, with
// prefixes and without.
func (b *builder) quantities(parameter string, q *quantities) {
	for _, form := range []struct {
		name     string
		units    bool
		prefixes []string
	}{{"", false, []string{""}}, {"=prefix", false, numberPrefixes}, {"=unit", true, []string{""}}, {"=prefix,unit", true, numberPrefixes}} {
		b.add("Observation?"+parameter+form.name, func() (string, hits) {
			if b.seldom() {
				return parameter + "=gt99999999999", none
			}
			one := b.measured(q)
			text, found := b.compared(one, form.prefixes...)
			if form.units {
				text += b.unit(one)
			}
			return parameter + "=" + escape(text), found
		})
	}
}

// unit is the rest of a quantity after its number, sometimes without the system.
func (b *builder) unit(q quantity) string {
	switch {
	case q.unit == "":
		return ""
	case b.rng.below(4) == 0:
		return "||" + fhirText(q.unit)
	}
	return "|" + fhirText(q.system) + "|" + fhirText(q.unit)
}

// composites adds a code and a quantity in one parameter.
func (b *builder) composites(parameter string, q *quantities) {
	b.add("Observation?"+parameter, func() (string, hits) {
		if b.seldom() {
			return parameter + "=" + escape(codeOf(b.measured(q).code)+"$gt99999999999"), none
		}
		one := b.measured(q)
		text, found := b.compared(one, "lt", "gt", "le", "ge", "")
		return parameter + "=" + escape(codeOf(one.code)+"$"+text), found
	})
	b.add("Observation?"+parameter+"=system|,unit", func() (string, hits) {
		one := b.measured(q)
		text, found := b.compared(one, "lt", "gt", "le", "ge", "")
		return parameter + "=" + escape(fhirToken(one.code)+"$"+text+b.unit(one)), found
	})
}

// references adds a reference parameter. Where nothing refers so, others are
// searched for.
func (b *builder) references(typeName, parameter string, p *pool, others *pool) {
	b.add(typeName+"?"+parameter, func() (string, hits) {
		v := b.pick(p, "")
		if v == "" && len(others.list) > 0 {
			v = b.pick(others, "")
		}
		target, id, _ := strings.Cut(v, "/")
		switch {
		case v == "" || b.seldom():
			if target == "" {
				target = "Encounter"
			}
			return parameter + "=" + escape(target+"/no-such-id"), none
		case b.rng.below(4) == 0:
			return parameter + "=" + escape(id), some
		}
		return parameter + "=" + escape(v), some
	})
}
