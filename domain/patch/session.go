package patch

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// session is one application of a FHIRPath Patch. Operations change the tree;
// paths are evaluated on the text that the tree was last written as. Before it
// is written again nothing is dropped, so that both have the same shape and a
// place in the text is a place in the tree.
type session struct {
	definitions *definitions.Definitions
	tree        *tree
	current     fhirjson.Value  // what paths are evaluated on
	stale       bool            // the tree was changed since
	limits      fhirpath.Limits // of each path
}

// greatestSteps is what all paths of a patch together may cost.
const greatestSteps = 10_000_000

// Apply implements Patch.
func (p *fhirpathPatch) Apply(resource fhirjson.Value) (*fhirjson.Document, error) {
	s := &session{
		definitions: p.definitions,
		tree:        newTree(resource),
		current:     resource,
		limits:      fhirpath.Limits{MaxSteps: greatestSteps / max(len(p.operations), 1)},
	}
	for i := range p.operations {
		o := &p.operations[i]
		err := o.apply(o, s)
		if wrong := s.tree.afford(); wrong != "" {
			return nil, o.tooCostly(wrong)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.tree.finish()
}

// eval returns the elements that a path selects.
func (s *session) eval(path *fhirpath.Expression) (fhirpath.Collection, error) {
	if s.stale {
		document, err := s.tree.read()
		if err != nil {
			return nil, err
		}
		s.current, s.stale = document.Root(), false
	}
	items, err := path.Eval(fhirpath.Context{Root: fhirpath.NewResource(s.definitions, s.current), Limits: s.limits})
	s.tree.work += 8 * len(items)
	return items, err
}

// changed returns the tree, to be changed.
func (s *session) changed() *tree {
	s.stale = true
	return s.tree
}

// spot is where an element stands in the tree.
type spot struct {
	owner *parts            // the object that it is a member of
	place fhirjson.Value    // the same in the text
	typ   *definitions.Type // of the owner; nil if the definitions do not describe it
	name  string            // in JSON, without the underscore of a sibling
	index int               // in a list; -1 if the element does not repeat
	node  *node             // the element itself; valid until the tree is changed
}

// locate finds the place of an element in the tree. ok is false for what is no
// element within the resource.
func (s *session) locate(it fhirpath.Item) (at spot, ok bool) {
	goal := it.Place()
	if goal.Document() != s.current.Document() || goal.Start() <= s.current.Start() || goal.End() > s.current.End() {
		return spot{}, false
	}
	v, n := s.current, &s.tree.root
	typ := s.typeOf(nil, v)
	for v != goal {
		above, inside := v, s.tree.open(n)
		part, k := v.First(), 0
		for part.End() < goal.End() {
			part, k = part.Next(), k+1
		}
		s.tree.work += k
		if k >= len(inside.list) { // too many to be opened
			return spot{}, false
		}
		v, n = part, &inside.list[k]
		if inside.kind == fhirjson.Array {
			at.index = k
		} else {
			at = spot{owner: inside, place: above, typ: typ, index: -1}
			at.name, typ = s.member(typ, v.Name())
		}
		typ = s.typeOf(typ, v)
	}
	at.node = n
	return at, true
}

// count counts the elements of the list in which the first of the items stands,
// and tells whether the items are just these.
func (at spot) count(items fhirpath.Collection) (count int, whole bool) {
	whole = true
	value, sibling := at.place.Get(at.name).First(), at.place.Get("_"+at.name).First()
	for value.Exists() || sibling.Exists() {
		element := value
		if !value.Exists() || value.Kind() == fhirjson.Null {
			element = sibling
		}
		whole = whole && count < len(items) && items[count].Place() == element
		count++
		value, sibling = value.Next(), sibling.Next()
	}
	return count, whole && count == len(items)
}

// member returns the name of an element and the type of what stands there.
func (s *session) member(t *definitions.Type, name []byte) (string, *definitions.Type) {
	if len(name) > 0 && name[0] == '_' {
		return string(name[1:]), s.definitions.Type("Element")
	}
	if t != nil {
		if m, ok := t.Member(name); ok {
			return string(name), m.Type
		}
	}
	return string(name), nil
}

// typeOf returns the type of an element: t, or if that is any resource the one
// that its resourceType says. nil is what the definitions do not describe.
func (s *session) typeOf(t *definitions.Type, v fhirjson.Value) *definitions.Type {
	if v.Kind() == fhirjson.Object && (v == s.current || t != nil && t.Kind == definitions.Resource) {
		return s.definitions.TypeOf(v.Get("resourceType").Text())
	}
	return t
}
