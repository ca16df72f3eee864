package profile

import (
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// hop is one step of a discriminator's path
// (https://hl7.org/fhir/R4/profiling.html#discriminator): the restricted FHIRPath
// of elements, extension(url), resolve() and ofType(type).
type hop struct {
	kind hopKind
	name string // of the element; the URL of the extension
	typ  *definitions.Type
}

type hopKind uint8

const (
	hopElement hopKind = iota
	hopExtension
	hopResolve
	hopType
)

// hopsOf takes a path apart; ok is false if it is more than the restricted one.
func hopsOf(d *definitions.Definitions, path string) (hops []hop, ok bool) {
	node, err := fhirpath.Parse(path)
	if err != nil {
		return nil, false
	}
	for node != nil {
		var of fhirpath.Node
		switch n := node.(type) {
		case *fhirpath.Special:
			if n.Name != "$this" {
				return nil, false
			}
			return reversed(hops), true
		case *fhirpath.Member:
			hops, of = append(hops, hop{kind: hopElement, name: strings.TrimSuffix(n.Name, "[x]")}), n.Of
		case *fhirpath.Typed:
			t := d.Type(n.Type.Name)
			if t == nil || n.Op == fhirpath.Is {
				return nil, false
			}
			hops, of = append(hops, hop{kind: hopType, typ: t}), n.Of
		case *fhirpath.Call:
			switch {
			case n.Name == "resolve" && len(n.Args) == 0:
				hops = append(hops, hop{kind: hopResolve})
			case n.Name == "extension" && len(n.Args) == 1:
				literal, isLiteral := n.Args[0].(*fhirpath.Literal)
				if !isLiteral {
					return nil, false
				}
				hops = append(hops, hop{kind: hopExtension, name: literal.Value.String()})
			default:
				return nil, false
			}
			of = n.Of
		default:
			return nil, false
		}
		node = of
		if len(hops) > deepestElement {
			return nil, false
		}
	}
	return reversed(hops), true
}

func reversed(hops []hop) []hop {
	for i, j := 0, len(hops)-1; i < j; i, j = i+1, j-1 {
		hops[i], hops[j] = hops[j], hops[i]
	}
	return hops
}

// hops goes from a value along a path. The result lies behind the end of w.spots.
func (w *walk) hops(path []hop, v spot) []spot {
	start := len(w.spots)
	w.spots = append(w.spots, v)
	from := start
	for _, h := range path {
		end := len(w.spots)
		for i := from; i < end; i++ {
			if !w.spend() {
				return nil
			}
			w.hop(h, w.spots[i])
		}
		from = end
	}
	return w.spots[from:]
}

// hop appends where one step leads.
func (w *walk) hop(h hop, v spot) {
	switch h.kind {
	case hopElement:
		w.gather(v, h.name, w.isChoice(v.typ, h.name))
	case hopExtension:
		start := len(w.spots)
		w.gather(v, "extension", false)
		kept := start
		for i := start; i < len(w.spots); i++ {
			if string(w.spots[i].place.Get("url").Text()) == h.name {
				w.spots[kept] = w.spots[i]
				kept++
			}
		}
		w.spots = w.spots[:kept]
	case hopResolve:
		if to := w.follow(v); to.typ != nil {
			w.spots = append(w.spots, to)
		}
	case hopType:
		if v.typ != nil && isA(w.d, v.typ, h.typ) {
			w.spots = append(w.spots, v)
		}
	}
}

func (w *walk) isChoice(t *definitions.Type, name string) bool {
	if t == nil {
		return false
	}
	m, ok := memberOf(t, name, true)
	return ok && m.Element.Choice
}

// matchers returns what tells the slices of a shape apart. It is found at the
// first use, as it may stand in other profiles.
func (w *walk) matchers(s *shape) *matchers {
	if m := s.slicing.matchers.Load(); m != nil {
		return m
	}
	m := w.makeMatchers(s)
	if w.err == nil {
		s.slicing.matchers.Store(m)
	}
	return m
}
