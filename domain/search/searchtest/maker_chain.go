package searchtest

import (
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// chain makes a criterion on what a reference of the version leads to.
func (m *Maker) chain(v *Version, depth int) (search.Pair, bool) {
	var through []*search.Parameter
	for _, of := range m.e.Set.Of(v.Type) {
		if of.Type == search.ReferTo && len(m.e.elements(v, of)) > 0 {
			through = append(through, of)
		}
	}
	if len(through) == 0 {
		return search.Pair{}, false
	}
	of := one(m, through)
	var target *Version
	for _, r := range m.e.references(v, of) {
		if found, _ := m.e.targets(of, r); len(found) > 0 {
			target = found[0]
		}
	}
	if target == nil || m.chance(6) {
		var possible []domain.ResourceType
		for _, t := range of.Targets {
			if m.byType[t] != nil {
				possible = append(possible, t)
			}
		}
		if len(possible) == 0 {
			return search.Pair{}, false
		}
		target = m.any(one(m, possible))
	}
	inner := m.criterion(target, depth+1)
	if strings.HasPrefix(inner.Name, "_filter") {
		return search.Pair{}, false
	}
	name := of.Code + ":" + string(target.Type) + "." + inner.Name
	if len(of.Targets) == 1 && m.chance(2) {
		name = of.Code + "." + inner.Name
	}
	return search.Pair{Name: name, Value: inner.Value}, true
}

// has makes a criterion on what refers to the version.
func (m *Maker) has(v *Version, depth int) search.Pair {
	source := one(m, m.live)
	var of *search.Parameter
	for range 200 {
		s := one(m, m.live)
		for _, p := range m.e.Set.Of(s.Type) {
			if p.Type != search.ReferTo {
				continue
			}
			if of == nil && slices.Contains(p.Targets, v.Type) {
				source, of = s, p
			}
			if slices.ContainsFunc(m.e.references(s, p), func(r reference) bool {
				led, _ := m.e.targets(p, r)
				return slices.Contains(led, v)
			}) {
				inner := m.criterion(s, depth+1)
				return search.Pair{Name: "_has:" + string(s.Type) + ":" + p.Code + ":" + inner.Name, Value: inner.Value}
			}
		}
	}
	if of == nil {
		return search.Pair{Name: "_id", Value: string(v.ID)}
	}
	inner := m.criterion(source, depth+1)
	return search.Pair{Name: "_has:" + string(source.Type) + ":" + of.Code + ":" + inner.Name, Value: inner.Value}
}

// sortKeys makes a value of _sort.
func (m *Maker) sortKeys(t domain.ResourceType) string {
	var codes []string
	for _, of := range m.e.Set.Of(t) {
		if of.Definition.Expression == "" || strings.HasPrefix(of.Code, "_") {
			continue
		}
		switch of.Type {
		case search.String, search.Date, search.Number, search.Quantity, search.Token, search.URI, search.ReferTo:
			codes = append(codes, of.Code)
		}
	}
	codes = append(codes, "_id", "_lastUpdated", "_type")
	var keys []string
	for range 1 + m.rand.IntN(3) {
		keys = append(keys, m.word("", "-")+one(m, codes))
	}
	return strings.Join(keys, ",")
}

// include makes an _include or _revinclude for matches of a type.
func (m *Maker) include(t domain.ResourceType) search.Pair {
	iterate := m.word("", "", ":iterate")
	if m.chance(2) {
		source := t
		if m.chance(4) {
			source = one(m, m.types)
		}
		code := m.referenceCode(source)
		target := m.word("", "", ":Patient", ":Organization")
		if code == "*" {
			target = ""
		}
		return search.Pair{Name: "_include" + iterate, Value: string(source) + ":" + code + target}
	}
	source := one(m, m.types)
	return search.Pair{Name: "_revinclude" + iterate, Value: string(source) + ":" + m.referenceCode(source)}
}

func (m *Maker) referenceCode(t domain.ResourceType) string {
	codes := []string{"*"}
	for _, of := range m.e.Set.Of(t) {
		if of.Type == search.ReferTo {
			codes = append(codes, of.Code)
		}
	}
	return one(m, codes)
}
