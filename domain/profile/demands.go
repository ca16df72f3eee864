package profile

import (
	"strings"

	"fhirlog/domain/definitions"
)

func (w *walk) makeMatchers(s *shape) *matchers {
	m := &matchers{of: make([][]matcher, len(s.slices)), skipped: make([]string, len(s.slices))}
	strict := s.slicing.ordered || s.slicing.rules != rulesOpen // all must be known to say where a value belongs
	for _, d := range s.slicing.discriminators {
		path, ok := hopsOf(w.d, d.path)
		if !ok {
			return &matchers{problem: "the path of the discriminator, " + shown(d.path) + ", is not understood."}
		}
		for i, slice := range s.slices {
			if slice.slice == "@default" {
				continue
			}
			made := matcher{kind: d.kind, path: path, position: i}
			if problem := w.demandsAt(&made, slice, d); problem != "" {
				if strict {
					return &matchers{problem: problem}
				}
				m.skipped[i] = problem
			}
			m.of[i] = append(m.of[i], made)
		}
	}
	return m
}

// demandsAt finds what a slice demands at the path of a discriminator.
func (w *walk) demandsAt(m *matcher, slice *shape, d discriminator) (problem string) {
	at := w.shapesAt(m.path, slice)
	problem = "the slice " + shown(slice.slice) + " demands nothing at " + shown(d.path) + " that would tell it apart."
	switch d.kind {
	case "value", "pattern":
		for _, s := range at {
			if s.discriminates {
				m.demands, problem = append(m.demands, s), ""
			}
		}
		return problem
	case "exists":
		for _, s := range at {
			if s.min > 0 || s.max == 0 {
				m.exists, problem = s.min > 0, ""
			}
		}
		return problem
	case "type":
		for _, s := range at {
			if s.types != nil {
				m.types, problem = append(m.types, s.types...), ""
			}
		}
		return problem
	case "profile":
		for _, s := range at {
			for _, rule := range s.types {
				if len(rule.profiles) > 0 {
					m.profiles, problem = append(m.profiles, rule.profiles...), ""
				}
			}
			if s.name == targetName && len(s.types) > 0 { // resolve()
				for _, rule := range s.types {
					m.profiles, problem = append(m.profiles, rule.targets...), ""
				}
			}
		}
		return problem
	case "position":
		return ""
	}
	return "a discriminator of type " + shown(d.kind) + " is not known."
}

// targetName is the name of the shape that stands for what a reference leads to.
const targetName = "resolve()"

// shapesAt goes along a path in the definition of a slice: through its elements,
// the slices that must be there, and the profiles of types.
func (w *walk) shapesAt(path []hop, slice *shape) []*shape {
	at := []*shape{slice}
	for _, h := range path {
		var next []*shape
		for _, s := range w.expand(at) {
			if !w.spend() {
				return nil
			}
			switch h.kind {
			case hopType:
				next = append(next, s)
			case hopResolve:
				next = append(next, w.targetShape(s))
			case hopElement:
				for _, c := range s.children {
					if c.name == h.name {
						next = append(next, c)
					}
				}
			case hopExtension:
				next = append(next, w.extensionShapes(s, h.name)...)
			}
		}
		at = next
	}
	return w.expand(at)
}

// expand adds to shapes the slices of theirs that must be there or are the only
// one, and the profiles of their types where there is no choice. An extension of
// which only the URL of its definition is known is told by that.
func (w *walk) expand(at []*shape) []*shape {
	const most = 1000
	all := append([]*shape(nil), at...)
	for i := 0; i < len(all) && len(all) < most && w.spend(); i++ {
		s := all[i]
		for _, slice := range s.slices {
			if slice.min > 0 || len(s.slices) == 1 {
				all = append(all, slice)
			}
		}
		if s.reuse != nil {
			all = append(all, s.reuse)
		}
		if len(s.types) == 1 && len(s.types[0].profiles) == 1 {
			url := s.types[0].profiles[0]
			if p, _ := w.find(url); p != nil {
				all = append(all, p.root)
			} else if s.types[0].typ.Name == "Extension" {
				url, _, _ = strings.Cut(url, "|")
				all = append(all, &shape{name: s.name, id: s.id, children: []*shape{extensionURL(url)}, discriminates: true})
			}
		}
	}
	return all
}

// targetShape stands for what the references of a shape may lead to.
func (w *walk) targetShape(s *shape) *shape {
	made := &shape{name: targetName, max: definitions.Unbounded}
	for _, rule := range s.types {
		for _, url := range rule.targets {
			if t := coreType(w.d, url); t != nil {
				made.types = append(made.types, typeRule{typ: t, targets: []string{url}})
			} else if p, _ := w.find(url); p != nil {
				made.types = append(made.types, typeRule{typ: p.typ, targets: []string{url}})
				if len(rule.targets) == 1 {
					made.children = p.root.children
				}
			}
		}
	}
	return made
}

// extensionShapes are the slices of a shape for the extensions of a URL.
func (w *walk) extensionShapes(s *shape, url string) []*shape {
	var found []*shape
	for _, c := range s.children {
		if c.name != "extension" {
			continue
		}
		for _, slice := range c.slices {
			for _, at := range w.shapesAt([]hop{{kind: hopElement, name: "url"}}, slice) {
				if at.fixed.String() == url {
					found = append(found, slice)
					break
				}
			}
		}
	}
	return found
}
