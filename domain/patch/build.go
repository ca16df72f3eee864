package patch

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// addChild adds a value as a child of an object: at the end of a list, or as an
// element that is not there yet.
func (o *pathOperation) addChild(s *session, owner *parts, t *definitions.Type, name string, v *value) error {
	c, wrong := childOf(t, name, v)
	if wrong != "" {
		return o.fails("%s", wrong)
	}
	if !c.element.Repeats() && s.present(owner, t, c.element) != "" {
		return o.fails("%s.%s is there already and does not repeat; replace changes it.", t.Name, c.element.Name)
	}
	made, err := o.build(s, c, v)
	if err != nil {
		return err
	}
	if c.element.Repeats() {
		s.changed().insertInto(owner, c.name, s.tree.length(owner, c.name), made)
	} else {
		s.changed().set(owner, c.name, made)
	}
	return nil
}

// build makes the content of an element from a value.
func (o *pathOperation) build(s *session, c child, v *value) (content, error) {
	var made content
	if v.typ != nil {
		if v.place.Exists() {
			n := s.tree.fresh(v.place)
			made.value = &n
		}
		if v.sibling.Exists() {
			n := s.tree.fresh(v.sibling)
			made.sibling = &n
		}
		return made, nil
	}
	object := &parts{kind: fhirjson.Object}
	for i := range v.parts {
		p := &v.parts[i]
		if err := o.addChild(s, object, c.typ, p.name, &p.value); err != nil {
			return content{}, err
		}
	}
	made.value = &node{parts: object}
	return made, nil
}

// present returns the JSON name under which an object has an element, of a
// choice in whatever type it is there; "" if it has none.
func (s *session) present(owner *parts, t *definitions.Type, e *definitions.Element) string {
	for name, m := range t.Members() {
		if m.Element == e && s.tree.has(owner, name) {
			return name
		}
	}
	return ""
}
