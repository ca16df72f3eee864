package profile

import "fhirlog/domain/fhirjson"

// matchers tell the slices of an element apart.
type matchers struct {
	problem string      // why they cannot
	skipped []string    // of each slice, why it cannot be told from the others
	of      [][]matcher // of each slice, all of which fit; none means that the slice itself decides
}

// matcher is one discriminator of one slice.
type matcher struct {
	kind     string
	path     []hop
	demands  []*shape // what the values at the path are held to
	types    []typeRule
	profiles []string
	exists   bool // of kind exists: they must be there, else they must not
	position int
}

// fits says that a value belongs to a slice.
func (w *walk) fits(slice *shape, all []matcher, v spot, index int) bool {
	if len(all) == 0 {
		return w.try(key{slice, v.at()}, func() { w.value(slice, v) })
	}
	for i := range all {
		if !w.fitsOne(&all[i], v, index) {
			return false
		}
	}
	return true
}

func (w *walk) fitsOne(m *matcher, v spot, index int) bool {
	if m.kind == "position" {
		return m.position == index
	}
	start := len(w.spots)
	defer func() { w.spots = w.spots[:start] }()
	found := w.hops(m.path, v)
	if m.kind == "exists" {
		return m.exists == (len(found) > 0)
	}
	if m.kind == "type" {
		for _, f := range found {
			if f.typ != nil && anyType(w, m.types, f) {
				return true
			}
		}
		return false
	}
	if m.kind == "profile" {
		for _, f := range found {
			if w.conformsToAny(m.profiles, f) {
				return true
			}
		}
		return false
	}
	for _, demand := range m.demands {
		accepted := false
		for _, f := range found {
			accepted = accepted || w.accepts(demand, f)
		}
		if !accepted {
			return false
		}
	}
	return true
}

func anyType(w *walk, rules []typeRule, v spot) bool {
	for _, rule := range rules {
		if isA(w.d, v.typ, rule.typ) {
			return true
		}
	}
	return false
}

func (w *walk) conformsToAny(urls []string, v spot) bool {
	for _, url := range urls {
		if w.isMet(url, v) {
			return true
		}
		p, err := w.find(url)
		if p == nil {
			w.unchecked(url, err)
			continue
		}
		if v.place.Exists() && w.conformsThere(p, v) {
			return true
		}
	}
	return false
}

// accepts says that a value has the fixed values, patterns and codes of a shape
// and below it, whatever else the shape demands.
func (w *walk) accepts(s *shape, v spot) bool {
	if !w.spend() {
		return false
	}
	switch {
	case s.fixed.Exists():
		if !fhirjson.Equal(s.fixed, v.place) {
			return false
		}
	case s.pattern.Exists():
		if !w.matches(s.pattern, v.place) {
			return false
		}
	case s.binding.required():
		if member, err := w.memberOf(v, s.binding.valueSet); err != nil || !member {
			return false
		}
	}
	for _, c := range s.children {
		if !c.discriminates {
			continue
		}
		start := len(w.spots)
		w.gather(v, c.name, c.choice)
		accepted := w.acceptsAny(c, w.spots[start:])
		w.spots = w.spots[:start]
		if !accepted {
			return false
		}
	}
	return true
}

// acceptsAny says that one of the values is accepted by an element, and one by
// each of the slices that must be there.
func (w *walk) acceptsAny(s *shape, values []spot) bool {
	any := func(s *shape) bool {
		for _, v := range values {
			if w.accepts(s, v) {
				return true
			}
		}
		return false
	}
	for _, slice := range s.slices {
		if slice.min > 0 && slice.discriminates && !any(slice) {
			return false
		}
	}
	return any(s)
}
