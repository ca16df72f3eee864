package search

import (
	"slices"
	"strconv"
	"strings"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// path is one way from a resource or element to values of one type. An
// expression that leads through a choice of types has a path for each.
type path struct {
	steps      []step
	typ        *definitions.Type
	of         *definitions.Element // what the last member is; nil at the beginning
	single     bool                 // there is at most one value
	onlyParent bool                 // there is at most one value that has the last member
	root       bool                 // begins at the resource instead of the element (%resource)
	holds      bool                 // stands for true, whatever the value: is(T)
}

// step is one step of a path: to a member, or a condition on where the path has
// come.
type step struct {
	member   string    // the JSON name; empty for a condition
	index    int       // of the values of a member the only one to take; -1 takes all
	resource string    // the only type of resource that is taken
	when     condition // nil if there is none
}

func (s *step) appendTo(dst []byte) []byte {
	switch {
	case s.member != "":
		dst = append(append(dst, '/'), s.member...)
		if s.index >= 0 {
			dst = append(strconv.AppendInt(append(dst, '['), int64(s.index), 10), ']')
		}
	case s.resource != "":
		dst = append(append(append(dst, '<'), s.resource...), '>')
	default:
		dst = append(append(append(dst, '{'), s.when.String()...), '}')
	}
	return dst
}

// String writes the path so that two that lead to the same values are equal.
func (p path) String() string {
	var dst []byte
	if p.root {
		dst = append(dst, '%')
	}
	for i := range p.steps {
		dst = p.steps[i].appendTo(dst)
	}
	dst = append(append(dst, ':'), p.typ.Name...)
	if p.holds {
		dst = append(dst, '!')
	}
	return string(dst)
}

// to is the path that goes on by a step.
func (p path) to(s step) path {
	p.steps = append(slices.Clip(p.steps), s)
	return p
}

// narrowed splits a condition of the form resolve() is T off the end.
func (p path) narrowed() (wide path, target string, ok bool) {
	if len(p.steps) == 0 {
		return p, "", false
	}
	last, ok := p.steps[len(p.steps)-1].when.(refersTo)
	if !ok {
		return p, "", false
	}
	p.steps = p.steps[:len(p.steps)-1]
	return p, last.target, true
}

func joinPaths(paths []path) string {
	written := make([]string, len(paths))
	for i, p := range paths {
		written[i] = p.String()
	}
	slices.Sort(written)
	return strings.Join(slices.Compact(written), " ")
}

// follow calls a visitor for each value that steps lead to from v on, until it
// answers false. A visitor is an interface and not a function, so that no call
// allocates.
func follow(x *extractor, steps []step, v fhirjson.Value, to visitor) bool {
	for len(steps) > 0 {
		s := &steps[0]
		switch {
		case s.member != "":
			return followMember(x, s, steps[1:], v.Get(s.member), to)
		case s.resource != "":
			if string(v.Get("resourceType").Text()) != s.resource {
				return true
			}
		case s.when.test(x, v) != yes:
			return true
		}
		steps = steps[1:]
	}
	return to.visit(x, v)
}

func followMember(x *extractor, s *step, rest []step, v fhirjson.Value, to visitor) bool {
	if v.Kind() != fhirjson.Array {
		return !isValue(v) || s.index > 0 || follow(x, rest, v, to)
	}
	i := 0
	for element := v.First(); element.Exists(); element = element.Next() {
		if isValue(element) && (s.index < 0 || s.index == i) && !follow(x, rest, element, to) {
			return false
		}
		i++
	}
	return true
}

// visitor is told of values; it answers false when it needs no more.
type visitor interface {
	visit(x *extractor, v fhirjson.Value) bool
}

func isValue(v fhirjson.Value) bool { return v.Kind() > fhirjson.Null }
