package searchtest

import (
	"math/rand/v2"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// Maker asks random questions about a World: with values that a resource has,
// that are close to them, or that none has.
type Maker struct {
	// Sorts, Includes and Systems allow questions with _sort, with _include and
	// _revinclude, and about the whole system or a compartment.
	Sorts, Includes, Systems bool
	// NoNow leaves out what depends on the instant of the search.
	NoNow bool

	rand   *rand.Rand
	e      *Evaluator
	live   []*Version // a part of them, of each type
	byType map[domain.ResourceType][]*Version
	types  []domain.ResourceType // that have live versions, in the order they were met
}

// mostSources is how many versions of one type values are taken from.
const mostSources = 300

// NewMaker makes a Maker, which asks all that it can.
func NewMaker(r *rand.Rand, e *Evaluator) *Maker {
	return &Maker{Sorts: true, Includes: true, Systems: true, rand: r, e: e}
}

// Look makes what is live as of a snapshot the source of values.
func (m *Maker) Look(snapshot uint64) {
	m.e.begin(snapshot)
	m.live, m.byType, m.types = nil, map[domain.ResourceType][]*Version{}, nil
	for _, v := range m.e.live {
		if m.byType[v.Type] == nil {
			m.types = append(m.types, v.Type)
		}
		m.byType[v.Type] = append(m.byType[v.Type], v)
	}
	for _, t := range m.types {
		of := m.byType[t]
		m.rand.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		m.byType[t] = of[:min(len(of), mostSources)]
		m.live = append(m.live, m.byType[t]...)
	}
}

// Ask makes a question. The World must have live versions.
func (m *Maker) Ask() search.Ask {
	ask := search.Ask{Bases: m.e.Bases, Now: m.e.Now}
	t := one(m, m.types)
	if m.Systems && m.chance(12) {
		m.askSystem(&ask)
	} else {
		ask.Types = []domain.ResourceType{t}
		if m.Systems && m.chance(15) {
			ask.Compartment = one(m, []domain.ResourceType{"Patient", "Practitioner", "Encounter"})
			ask.CompartmentID = "none"
			if owner := m.any(ask.Compartment); owner != nil {
				ask.CompartmentID = owner.ID
			}
		}
		v := m.any(t)
		for range m.rand.IntN(3) + m.rand.IntN(2) {
			if m.chance(4) {
				v = m.any(t)
			}
			ask.Pairs = append(ask.Pairs, m.criterion(v, 0))
		}
	}
	if m.Sorts && m.chance(4) {
		ask.Pairs = append(ask.Pairs, search.Pair{Name: "_sort", Value: m.sortKeys(t)})
	}
	if m.Includes && m.chance(5) {
		for range 1 + m.rand.IntN(2) {
			ask.Pairs = append(ask.Pairs, m.include(t))
		}
	}
	m.rand.Shuffle(len(ask.Pairs), func(i, j int) { ask.Pairs[i], ask.Pairs[j] = ask.Pairs[j], ask.Pairs[i] })
	return ask
}

// askSystem asks about several types, by what all of them have.
func (m *Maker) askSystem(ask *search.Ask) {
	v := one(m, m.live)
	switch m.rand.IntN(4) {
	case 0:
		ask.Pairs = append(ask.Pairs, search.Pair{Name: "_type", Value: string(v.Type) + "," + string(one(m, m.types))})
	case 1:
		ask.Pairs = append(ask.Pairs, search.Pair{Name: "_type:not", Value: string(one(m, m.types))})
	case 2:
		ask.Compartment, ask.CompartmentID = "Patient", "none"
		if owner := m.any("Patient"); owner != nil {
			ask.CompartmentID = owner.ID
		}
	}
	for _, code := range []string{"_tag", "_security", "_profile", "_source"} {
		of := m.e.Set.Find(v.Type, code)
		if of != nil && m.chance(3) {
			name, value := m.parameter(v, of)
			ask.Pairs = append(ask.Pairs, search.Pair{Name: name, Value: value})
		}
	}
	if m.chance(3) {
		ask.Pairs = append(ask.Pairs, m.ofAll(v))
	}
}

// any picks a live version of a type, nil if there is none.
func (m *Maker) any(t domain.ResourceType) *Version {
	if of := m.byType[t]; len(of) > 0 {
		return one(m, of)
	}
	return nil
}

// chance is true once in n times.
func (m *Maker) chance(n int) bool { return m.rand.IntN(n) == 0 }

func one[T any](m *Maker, values []T) T { return values[m.rand.IntN(len(values))] }

func (m *Maker) word(words ...string) string { return one(m, words) }

// criterion makes a criterion that the version may well meet. depth counts the
// steps of a chain that lead to it.
func (m *Maker) criterion(v *Version, depth int) search.Pair {
	switch n := m.rand.IntN(100); {
	case n < 10 && depth < 3:
		if pair, ok := m.chain(v, depth); ok {
			return pair
		}
	case n < 18 && depth < 3:
		return m.has(v, depth)
	case n < 28:
		return m.ofAll(v)
	case n < 34 && depth == 0:
		return search.Pair{Name: "_filter", Value: m.filter(v, 0)}
	}
	of := m.pickParameter(v)
	if of == nil {
		return search.Pair{Name: "_id", Value: string(v.ID)}
	}
	name, value := m.parameter(v, of)
	return search.Pair{Name: name, Value: value}
}

// pickParameter picks a parameter of the version's type, mostly one that it has
// values of.
func (m *Maker) pickParameter(v *Version) *search.Parameter {
	var usable, present []*search.Parameter
	for _, of := range m.e.Set.Of(v.Type) {
		if of.Definition == nil || of.Definition.Expression == "" || strings.HasPrefix(of.Code, "_") && of.Type == search.Special || of.Code == "_id" || of.Code == "_lastUpdated" {
			continue
		}
		usable = append(usable, of)
		if len(m.e.elements(v, of)) > 0 {
			present = append(present, of)
		}
	}
	switch {
	case len(present) > 0 && !m.chance(8):
		return one(m, present)
	case len(usable) > 0:
		return one(m, usable)
	}
	return nil
}

// ofAll makes a criterion on what every resource has.
func (m *Maker) ofAll(v *Version) search.Pair {
	other := one(m, m.live)
	switch m.rand.IntN(7) {
	case 0:
		return search.Pair{Name: "_id" + m.word("", "", ":not"), Value: string(v.ID) + m.word("", ","+string(other.ID), ",nobody")}
	case 1:
		return search.Pair{Name: "_lastUpdated", Value: m.prefix() + m.instant(v.Instant)}
	case 2, 3:
		return search.Pair{Name: m.word("_content", "_text"), Value: m.words(v)}
	case 4:
		if list := m.any("List"); list != nil {
			return search.Pair{Name: "_list", Value: string(list.ID)}
		}
	case 5:
		return search.Pair{Name: "_not-referenced", Value: m.word("*:*", string(other.Type)+":*", "Observation:subject", "Encounter:subject")}
	}
	of := m.e.Set.Find(v.Type, m.word("_tag", "_profile", "_security", "_source"))
	if of == nil {
		return search.Pair{Name: "_id", Value: string(other.ID)}
	}
	name, value := m.parameter(v, of)
	return search.Pair{Name: name, Value: value}
}
