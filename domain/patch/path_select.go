package patch

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// selected evaluates the path. A path that can select nothing on any resource
// of the type is a mistake, and the error tells which.
func (o *pathOperation) selected(s *session) (fhirpath.Collection, error) {
	items, err := s.eval(o.expression)
	if err != nil {
		return nil, o.wrap(err)
	}
	if len(items) > 0 {
		return items, nil
	}
	if t := s.typeOf(nil, s.current); t != nil {
		if err := o.expression.Check(t); err != nil {
			return nil, o.wrap(err)
		}
	}
	return nil, nil
}

// one evaluates the path of an operation that needs exactly one element.
func (o *pathOperation) one(s *session) (fhirpath.Item, error) {
	items, err := o.selected(s)
	switch {
	case err != nil:
		return fhirpath.Item{}, err
	case len(items) == 0:
		return fhirpath.Item{}, o.fails("the path selects nothing in this resource, and must select one element.")
	case len(items) > 1:
		return fhirpath.Item{}, o.fails("the path selects %d elements, and must select one; an index such as [0] or where() picks one.", len(items))
	}
	return items[0], nil
}

// place locates a selected element other than the resource itself.
func (o *pathOperation) place(s *session, it fhirpath.Item) (spot, error) {
	if it.Place() == s.current && s.current.Exists() {
		return spot{}, o.fails("the path selects the resource itself; expected is an element of it.")
	}
	at, ok := s.locate(it)
	if !ok {
		return spot{}, o.fails("the path selects a calculated value, not an element of the resource.")
	}
	return at, nil
}

// object returns the object that children of an element are members of, and its
// type: of a primitive that is the sibling with its extensions.
func (o *pathOperation) object(s *session, it fhirpath.Item) (*parts, *definitions.Type, error) {
	t := it.FHIRType()
	if it.Place() == s.current && t != nil {
		return s.changed().open(&s.tree.root), t, nil
	}
	at, err := o.place(s, it)
	switch {
	case err != nil:
		return nil, nil, err
	case t == nil:
		return nil, nil, o.fails("the definitions of FHIR do not describe what the path selects.")
	case t.Kind == definitions.Primitive:
		return s.changed().siblingOf(at.owner, at.name, at.index), s.definitions.Type("Element"), nil
	case at.node.kind() != fhirjson.Object:
		return nil, nil, o.fails("what the path selects is not an object in JSON.")
	}
	return s.changed().open(at.node), t, nil
}
