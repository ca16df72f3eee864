package profile

import (
	"fmt"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// placed is an element at a path.
type placed struct {
	path string
	at   *element
}

// segment is one part of an element's path: Patient.identifier:mrn has the step
// identifier with the slice mrn.
type segment struct{ name, slice string }

// element takes one ElementDefinition into the tree, and says what is wrong with
// it.
func (r *reader) element(v fhirjson.Value) (problem string) {
	path, id := v.Get("path").String(), v.Get("id").String()
	segments, fromID := segmentsOf(path, id, v.Get("sliceName").String())
	switch {
	case path == "":
		return "has an element without a path"
	case len(segments) > deepestElement:
		return fmt.Sprintf("has an element deeper than %d", deepestElement)
	case segments[0].name != r.root.name:
		return "has the path " + shown(path) + ", which does not begin with " + r.root.name
	case len(segments) == 1:
		r.stack = append(r.stack[:0], placed{path, r.root})
		r.byID[id] = r.root
		return r.fill(r.root, v)
	}
	at, from := r.root, 1
	if parent := r.byID[id[:max(0, strings.LastIndexByte(id, '.'))]]; fromID && parent != nil {
		at, from = parent, len(segments)-1 // in STU3 the id may spell the slice in another way
	} else if !fromID {
		at, from = r.above(path)
	}
	for i := from; i < len(segments); i++ {
		s := segments[i]
		if i == len(segments)-1 || fromID {
			at, problem = r.descend(at, s)
		} else {
			at, problem = r.descend(at, segment{name: s.name})
		}
		if problem != "" {
			return problem
		}
	}
	r.stack = append(r.stack, placed{path, at})
	r.byID[id] = at
	return r.fill(at, v)
}

// above finds the element that the one with a path is below: the last that came
// before with the beginning of this path, which is how slices without ids are
// meant (https://hl7.org/fhir/R4/elementdefinition.html#path).
func (r *reader) above(path string) (at *element, from int) {
	for len(r.stack) > 0 {
		top := r.stack[len(r.stack)-1]
		if strings.HasPrefix(path, top.path) && path[len(top.path):] != "" && path[len(top.path)] == '.' {
			return top.at, strings.Count(top.path, ".") + 1
		}
		r.stack = r.stack[:len(r.stack)-1]
	}
	return r.root, 1
}

// segmentsOf takes a path apart. The id, if it fits the path, tells the slices of
// all its parts; else only that of the last is known.
func segmentsOf(path, id, slice string) (segments []segment, fromID bool) {
	names := strings.Split(path, ".")
	segments = make([]segment, len(names))
	parts := strings.Split(id, ".")
	fromID = len(parts) == len(names)
	for i, name := range names {
		segments[i].name = name
		if fromID {
			var stated string
			stated, segments[i].slice, _ = strings.Cut(parts[i], ":")
			fromID = stated == name
		}
	}
	if !fromID {
		for i := range segments {
			segments[i].slice = ""
		}
	}
	if slice != "" {
		segments[len(segments)-1].slice = slice
	}
	return segments, fromID
}

// descend goes to a child and, if one is named, its slice.
func (r *reader) descend(at *element, s segment) (child *element, problem string) {
	name, isChoice := strings.CutSuffix(s.name, "[x]")
	var typ *definitions.Type
	if at.typ != nil {
		m, known := memberOf(holderOf(r.d, at.typ), name, isChoice)
		if !known { // value for value[x]
			m, known = memberOf(holderOf(r.d, at.typ), name, true)
			isChoice = true
		}
		if !known {
			return nil, "constrains " + shown(at.typ.Name+"."+s.name) + ", which is not an element of " + at.typ.Name
		}
		typ = m.Type
		if m.Element.Choice && !isChoice { // valueQuantity: the slice of value[x] that is a Quantity
			if s.slice == "" {
				s.slice = name
			}
			choice := at.child(m.Element.Name)
			choice.short = append(choice.short, typ)
			child = choice.sliceOf(s.slice)
			child.typ = typ
			if child.types == nil {
				child.types = []typeRule{{typ: typ}}
			}
			return child, ""
		}
	}
	child = at.child(name)
	if child.typ == nil {
		child.typ = concrete(typ)
	}
	if s.slice == "" {
		return child, ""
	}
	slice := child.sliceOf(s.slice)
	if isChoice && at.typ != nil && slice.types == nil { // value[x]:valueQuantity
		if m, ok := at.typ.Member([]byte(s.slice)); ok && m.Element.Name == name {
			slice.typ, slice.types = m.Type, []typeRule{{typ: m.Type}}
		}
	}
	return slice, ""
}

// concrete is nil for the types of contained resources and the like: what their
// elements are is open.
func concrete(t *definitions.Type) *definitions.Type {
	if t != nil && t.Kind == definitions.Resource && t.Abstract {
		return nil
	}
	return t
}

// holderOf is the type that says which elements there are below a value: of a
// primitive, its id and extensions.
func holderOf(d *definitions.Definitions, t *definitions.Type) *definitions.Type {
	if t != nil && t.Kind == definitions.Primitive {
		return d.Type("Element")
	}
	return t
}

// memberOf finds the element of a type; with choice, name is that of a choice
// without its type.
func memberOf(t *definitions.Type, name string, choice bool) (definitions.Member, bool) {
	if !choice {
		return t.Member([]byte(name))
	}
	for i := range t.Elements {
		if e := &t.Elements[i]; e.Name == name {
			return definitions.Member{Element: e, Type: e.Type}, true
		}
	}
	return definitions.Member{}, false
}
