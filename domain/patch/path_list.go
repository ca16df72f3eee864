package patch

import (
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// insert puts a value into the list that the path selects.
func (o *pathOperation) insert(s *session) error {
	items, err := o.selected(s)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return o.insertFirst(s)
	}
	at, count, err := o.list(s, items)
	if err != nil {
		return err
	}
	if o.index > count {
		return o.fails("the list has %d elements, so the index is at most %d, not %d.", count, count, o.index)
	}
	return o.insertAt(s, at.owner, at.typ, at.name)
}

// insertFirst puts a value into a list that is not there yet: the path without
// its last step selects where it belongs.
func (o *pathOperation) insertFirst(s *session) error {
	nothing := "the path selects nothing in this resource, and must select a list."
	if o.above == nil {
		return o.fails("%s", nothing)
	}
	items, err := s.eval(o.above)
	switch {
	case err != nil:
		return o.wrap(err)
	case len(items) != 1:
		return o.fails("%s", nothing)
	case o.index > 0:
		return o.fails("the list is empty, so the index is 0, not %d.", o.index)
	}
	owner, t, err := o.object(s, items[0])
	if err != nil {
		return err
	}
	return o.insertAt(s, owner, t, o.step)
}

// insertAt puts the value at the index of a list, which is a member of owner.
func (o *pathOperation) insertAt(s *session, owner *parts, t *definitions.Type, name string) error {
	if t == nil {
		return o.fails("the definitions of FHIR do not describe what the path selects.")
	}
	c, wrong := childOf(t, name, &o.value)
	if wrong == "" && !c.element.Repeats() {
		wrong = c.element.Name + " does not repeat, so it is not a list; add and replace are for it."
	}
	if wrong != "" {
		return o.fails("%s", wrong)
	}
	made, err := o.build(s, c, &o.value)
	if err != nil {
		return err
	}
	s.changed().insertInto(owner, c.name, o.index, made)
	return nil
}

// list checks that the items are all elements of one list, and returns the
// place of the first of them and how many there are.
func (o *pathOperation) list(s *session, items fhirpath.Collection) (at spot, count int, err error) {
	if at, err = o.place(s, items[0]); err != nil {
		return spot{}, 0, err
	}
	if at.index < 0 {
		return spot{}, 0, o.fails("the path selects %s, which is not a list.", at.name)
	}
	count, whole := at.count(items)
	s.tree.work += count
	if !whole {
		return spot{}, 0, o.fails("the path selects %d elements, and must select one list as a whole; the list %s, where the first of them is, has %d.", len(items), at.name, count)
	}
	return at, count, nil
}

// move takes an element of the selected list to another index of it.
func (o *pathOperation) move(s *session) error {
	items, err := o.selected(s)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return o.fails("the path selects nothing in this resource, and must select a list.")
	}
	at, count, err := o.list(s, items)
	switch {
	case err != nil:
		return err
	case o.source >= count:
		return o.fails("the list has %d elements, so the source is at most %d, not %d.", count, count-1, o.source)
	case o.to >= count:
		return o.fails("the list has %d elements, so the destination is at most %d, not %d.", count, count-1, o.to)
	}
	t := s.changed()
	t.insertInto(at.owner, at.name, o.to, t.takeFrom(at.owner, at.name, o.source))
	return nil
}
