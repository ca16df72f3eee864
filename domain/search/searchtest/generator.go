package searchtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"fhirlog/domain"
)

// Generator makes resources of many types, rich in values that are seldom in
// tidy data: partial dates, periods with open ends, accents and other scripts,
// several codings, units, negative numbers, references of every form,
// identifiers without system. Few values are used over and over, so that
// resources have them in common.
type Generator struct {
	rand *rand.Rand
	// Bases are URLs of the service, for absolute references to it.
	Bases []string
	// IDs are what resources are called, whatever their type, and what references
	// lead to, so that some dangle.
	IDs []domain.LogicalID
}

// NewGenerator makes a Generator. The same random numbers give the same
// resources.
func NewGenerator(r *rand.Rand, ids int) *Generator {
	g := &Generator{rand: r}
	for i := range ids {
		g.IDs = append(g.IDs, domain.LogicalID(fmt.Sprintf("r%d", i)))
	}
	return g
}

// Types are the types that a Generator makes.
func (g *Generator) Types() []domain.ResourceType {
	types := make([]domain.ResourceType, len(makers))
	for i, m := range makers {
		types[i] = m.t
	}
	return types
}

// Type picks a type, the common ones more often.
func (g *Generator) Type() domain.ResourceType {
	all := 0
	for _, m := range makers {
		all += m.weight
	}
	n := g.rand.IntN(all)
	for _, m := range makers {
		if n -= m.weight; n < 0 {
			return m.t
		}
	}
	return makers[0].t
}

// ID picks an id.
func (g *Generator) ID() domain.LogicalID { return pick(g, g.IDs...) }

// Resource makes a resource; id may be empty.
func (g *Generator) Resource(t domain.ResourceType, id domain.LogicalID) []byte {
	r := object{"resourceType": string(t)}
	if id != "" {
		r["id"] = string(id)
	}
	for _, m := range makers {
		if m.t == t {
			m.fill(g, r)
		}
	}
	g.common(r)
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it is made of strings, numbers, lists and objects
	}
	return text
}

// object is a JSON object in the making.
type object = map[string]any

// decimal is a number with all its digits.
type decimal = json.Number

func pick[T any](g *Generator, values ...T) T { return values[g.rand.IntN(len(values))] }

// chance is true once in n times.
func (g *Generator) chance(n int) bool { return g.rand.IntN(n) == 0 }

// set sets a member with a probability of most in ten.
func (g *Generator) set(r object, name string, inTen int, value func() any) {
	if g.rand.IntN(10) < inTen {
		r[name] = value()
	}
}

// list makes one to most values.
func list[T any](g *Generator, most int, value func() T) []T {
	all := make([]T, 1+g.rand.IntN(most))
	for i := range all {
		all[i] = value()
	}
	return all
}

// common fills what every resource may have.
func (g *Generator) common(r object) {
	meta := object{}
	g.set(meta, "tag", 3, func() any { return list(g, 2, g.coding) })
	g.set(meta, "security", 1, func() any { return list(g, 1, g.coding) })
	g.set(meta, "profile", 3, func() any { return list(g, 2, g.canonical) })
	g.set(meta, "source", 2, func() any { return g.uri() })
	if len(meta) > 0 {
		r["meta"] = meta
	}
	g.set(r, "language", 2, func() any { return pick(g, "de", "DE", "en-US", "el") })
	g.set(r, "text", 3, func() any { return g.narrative() })
	g.set(r, "contained", 1, func() any {
		return []object{{"resourceType": "Patient", "id": "inside", "name": []object{g.name()}, "birthDate": g.date()}}
	})
}

func (g *Generator) narrative() object {
	return object{"status": "generated", "div": fmt.Sprintf(
		`<div xmlns="http://www.w3.org/1999/xhtml"><p>%s &amp; <b>%s</b>%s</p></div>`, g.words(), g.word(), g.word())}
}

func (g *Generator) word() string {
	return pick(g, "Fieber", "fever", "Müller", "Ὀδυσσεύς", "Жуков", "x-ray", "left", "Straße", "no", "T4")
}

func (g *Generator) words() string { return strings.Join(list(g, 4, g.word), " ") }
