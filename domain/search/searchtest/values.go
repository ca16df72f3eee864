package searchtest

import (
	"fmt"
	"strings"
)

// The values below are what generated resources are made of.

func (g *Generator) string() string {
	if g.chance(40) {
		return fmt.Sprintf("%03d", g.rand.IntN(1000)) + strings.Repeat(pick(g, "lang und länger ", "Σίσυφος ", "ab"), 30+g.rand.IntN(40)) + g.word()
	}
	return pick(g,
		"Müller", "MÜLLER", "Mueller", "muller", "Mu\u0308ller", "Ångström", "O'Brien", "Smith, John", "a|b", "c$d", `back\slash`,
		"Ελένη", "ΕΛΈΝΗ", "Σίσυφος", "ΣΊΣΥΦΟΣ", "Жуков", "жуков", "Łódź", "Straße", "STRASSE", "ﬁne", "Fine", "İstanbul", "ıstanbul",
		"  spaced  out ", "spaced out", "東京", "Æsop", "smørrebrød", "1st", "x", "-", "Smith", "SMITHSON", "smith\u00a0john", "ab", "abc")
}

func (g *Generator) name() object {
	n := object{}
	g.set(n, "family", 8, func() any { return g.string() })
	g.set(n, "given", 7, func() any { return list(g, 3, g.string) })
	g.set(n, "text", 2, func() any { return g.string() })
	g.set(n, "prefix", 1, func() any { return []string{"Dr."} })
	g.set(n, "use", 2, func() any { return "official" })
	if len(n) == 0 {
		n["use"] = "old"
	}
	return n
}

func (g *Generator) address() object {
	a := object{"use": "home"}
	g.set(a, "line", 5, func() any { return list(g, 2, g.string) })
	g.set(a, "city", 7, func() any { return g.string() })
	g.set(a, "state", 3, func() any { return pick(g, "MA", "ma", "NRW") })
	g.set(a, "postalCode", 4, func() any { return pick(g, "01234", "0123", "12345") })
	g.set(a, "country", 4, func() any { return pick(g, "DE", "Deutschland", "US") })
	return a
}

func (g *Generator) telecom() object {
	t := object{"system": pick(g, "phone", "email")}
	g.set(t, "value", 8, func() any { return pick(g, "+49 30 1234", "a@example.org", "A@example.org", "555") })
	return t
}

func (g *Generator) system() string {
	return pick(g, "http://loinc.org", "http://snomed.info/sct", "http://example.org/codes", "http://example.org/codes/two", "urn:oid:1.2.3")
}

func (g *Generator) code() string {
	return pick(g, "8867-4", "8480-6", "LA6576-8", "la6576-8", "a", "A", "a|b", "a,b", "73211009", "x")
}

func (g *Generator) coding() object {
	c := object{}
	g.set(c, "system", 7, func() any { return g.system() })
	g.set(c, "code", 9, func() any { return g.code() })
	g.set(c, "display", 5, func() any { return g.display() })
	if len(c) == 0 {
		c["code"] = "x"
	}
	return c
}

func (g *Generator) display() string {
	if g.chance(10) {
		return strings.Join(list(g, 20, g.word), " ")
	}
	return g.words()
}

func (g *Generator) concept() object {
	c := object{}
	g.set(c, "coding", 8, func() any { return list(g, 3, g.coding) })
	g.set(c, "text", 4, func() any { return g.display() })
	if len(c) == 0 {
		c["text"] = "x"
	}
	return c
}

func (g *Generator) identifier() object {
	i := object{}
	g.set(i, "system", 6, func() any { return pick(g, "http://example.org/mrn", "urn:oid:1.2.3", "http://example.org/MRN") })
	g.set(i, "value", 9, func() any { return pick(g, "1", "01", "A1", "a1", "x y", "12345|6") })
	g.set(i, "type", 5, func() any {
		c := g.concept()
		if g.chance(2) {
			c["coding"] = []object{{"system": pick(g, "http://example.org/codes", "http://loinc.org"), "code": pick(g, "a", "MR", "mr")}, g.coding()}
		}
		return c
	})
	if len(i) == 0 {
		i["value"] = "1"
	}
	return i
}

func (g *Generator) uri() string {
	return pick(g,
		"http://example.org/fhir/a", "http://example.org/fhir", "http://example.org/fhir/a/b", "http://example.org/fhir/ab",
		"urn:oid:1.2.3", "urn:oid:1.2.3.4", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "http://EXAMPLE.org/fhir/a")
}

// canonicalURL is the url of a resource, which now and then is its own place.
func (g *Generator) canonicalURL() string {
	if len(g.Bases) > 0 && g.chance(8) {
		return pick(g, g.Bases...) + "Questionnaire/" + string(g.ID())
	}
	return g.uri()
}

// canonical leads to a resource by its url, with or without a version, or by its
// place.
func (g *Generator) canonical() string {
	if g.chance(6) {
		place := pick(g, "Questionnaire", "PlanDefinition", "Measure") + "/" + string(g.ID())
		if len(g.Bases) > 0 && g.chance(2) {
			place = pick(g, g.Bases...) + place
		}
		return place
	}
	return g.uri() + pick(g, "", "", "|1", "|1.0", "|2", "|1#part")
}

func (g *Generator) date() string {
	year := 1995 + g.rand.IntN(4)
	switch g.rand.IntN(4) {
	case 0:
		return fmt.Sprintf("%04d", year)
	case 1:
		return fmt.Sprintf("%04d-%02d", year, 1+g.rand.IntN(12))
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, 1+g.rand.IntN(12), 1+g.rand.IntN(28))
}

func (g *Generator) dateTime() string {
	if g.chance(2) {
		return g.date()
	}
	return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%s%s", 1995+g.rand.IntN(4), pick(g, 1, 2, 12), pick(g, 1, 15, 28), pick(g, 0, 1, 12, 23),
		pick(g, 0, 30, 59), pick(g, 0, 59), pick(g, "", ".5", ".123", ".1234567", ".12345678"), pick(g, "Z", "+02:00", "-11:30", "+14:00"))
}

func (g *Generator) instant() string {
	return fmt.Sprintf("199%d-0%d-15T10:00:00%s", 5+g.rand.IntN(4), 1+g.rand.IntN(9), pick(g, "Z", ".250Z", "+02:00"))
}

func (g *Generator) period() object {
	p := object{}
	g.set(p, "start", 7, func() any { return g.dateTime() })
	g.set(p, "end", 6, func() any { return pick(g, "1999", "1999-06-30", "1998-12-31T23:59:59Z", "2001-01-01T00:00:00+02:00") })
	if len(p) == 0 {
		p["start"] = "1996"
	}
	return p
}

func (g *Generator) timing() object {
	t := object{}
	g.set(t, "event", 6, func() any { return list(g, 3, g.dateTime) })
	g.set(t, "repeat", 5, func() any { return object{"boundsPeriod": g.period()} })
	if len(t) == 0 {
		t["code"] = object{"text": "BID"}
	}
	return t
}

func (g *Generator) decimal() decimal {
	return decimal(pick(g, "0", "-0.0", "1", "1.0", "1.00", "5.4", "5.40", "5.395", "5.405", "5.35", "5.45", "-5.4", "100", "99.5", "100.5", "0.001", "1e2", "1.5E3", "-12.75", "37.2", "180", "123456.789"))
}

func (g *Generator) probability() decimal {
	return decimal(pick(g, "0", "0.5", "0.50", "1", "0.333", "0.25"))
}

func (g *Generator) quantity() object {
	q := object{"value": g.decimal()}
	g.set(q, "comparator", 1, func() any { return pick(g, "<", "<=", ">", ">=") })
	switch g.rand.IntN(6) {
	case 0:
		q["unit"] = pick(g, "mg", "beats")
	case 1:
		q["system"], q["code"], q["unit"] = "http://example.org/units", pick(g, "mg", "box"), "box"
	case 2:
		q["code"], q["system"] = "mg", "http://unitsofmeasure.org"
	default:
		q["system"] = "http://unitsofmeasure.org"
		q["code"] = pick(g, "mg", "g", "kg", "ug", "[lb_av]", "mg/dL", "g/L", "Cel", "[degF]", "mm[Hg]", "/min", "%", "nonsense!")
		q["unit"] = q["code"]
	}
	return q
}

func (g *Generator) simpleQuantity() object {
	q := g.quantity()
	delete(q, "comparator")
	return q
}

func (g *Generator) span() object {
	r := object{}
	low := object{"value": decimal(pick(g, "1", "5", "-2")), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
	high := object{"value": decimal(pick(g, "10", "5.5", "100")), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
	g.set(r, "low", 7, func() any { return low })
	g.set(r, "high", 7, func() any { return high })
	if len(r) == 0 {
		r["low"] = low
	}
	return r
}

func (g *Generator) money() object {
	return object{"value": g.decimal(), "currency": pick(g, "EUR", "USD")}
}

// reference leads to one of the types, in one of the forms that there are.
func (g *Generator) reference(types ...string) object {
	t, id := pick(g, types...), string(g.ID())
	r := object{}
	switch g.rand.IntN(16) {
	case 0:
		r["reference"] = t + "/" + id + "/_history/" + pick(g, "1", "2")
	case 1:
		if len(g.Bases) > 0 {
			r["reference"] = pick(g, g.Bases...) + t + "/" + id + pick(g, "", "", "/_history/1")
		}
	case 2:
		r["reference"] = "http://elsewhere.example.org/fhir/" + t + "/" + id
	case 3:
		r["identifier"] = g.identifier()
	case 4:
		r["reference"], r["type"] = id, t
	case 5:
		r["reference"] = id
	case 6:
		r["reference"] = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"
	default:
		r["reference"] = t + "/" + id
	}
	if len(r) == 0 {
		r["reference"] = t + "/" + id
	}
	g.set(r, "display", 2, func() any { return g.words() })
	return r
}
