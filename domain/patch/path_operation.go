package patch

// add adds a child to the selected element: at the end of a list, or one that
// is not there yet.
func (o *pathOperation) add(s *session) error {
	it, err := o.one(s)
	if err != nil {
		return err
	}
	owner, t, err := o.object(s, it)
	if err != nil {
		return err
	}
	return o.addChild(s, owner, t, o.name, &o.value)
}

// upsert adds the child if it is missing, and replaces the one that is there.
func (o *pathOperation) upsert(s *session) error {
	it, err := o.one(s)
	if err != nil {
		return err
	}
	owner, t, err := o.object(s, it)
	if err != nil {
		return err
	}
	c, wrong := childOf(t, o.name, &o.value)
	if wrong != "" {
		return o.fails("%s", wrong)
	}
	there := s.present(owner, t, c.element)
	if there == "" {
		return o.addChild(s, owner, t, o.name, &o.value)
	}
	index := -1
	if c.element.Repeats() {
		index = 0
		if count := s.tree.length(owner, there); count > 1 {
			return o.fails("there are %d %s already, so it is not clear which one to replace.", count, c.element.Name)
		}
	}
	return o.exchange(s, owner, there, index, c)
}

// delete takes out the selected element, if there is one.
func (o *pathOperation) delete(s *session) error {
	items, err := o.selected(s)
	switch {
	case err != nil:
		return err
	case len(items) == 0:
		return nil
	case len(items) > 1:
		return o.fails("the path selects %d elements; at most one is deleted at a time, and an index such as [0] or where() picks one.", len(items))
	}
	at, err := o.place(s, items[0])
	if err != nil {
		return err
	}
	if at.index >= 0 {
		s.changed().takeFrom(at.owner, at.name, at.index)
	} else {
		s.changed().set(at.owner, at.name, content{})
	}
	return nil
}

// replace puts the value in the place of the selected element.
func (o *pathOperation) replace(s *session) error {
	it, err := o.one(s)
	if err != nil {
		return err
	}
	at, err := o.place(s, it)
	switch {
	case err != nil:
		return err
	case at.typ == nil:
		return o.fails("the definitions of FHIR do not describe what the path selects.")
	}
	c, wrong := replacement(at, &o.value)
	if wrong != "" {
		return o.fails("%s", wrong)
	}
	return o.exchange(s, at.owner, at.name, at.index, c)
}

// exchange puts the value, as the element c, in the place of the one that has a
// name and, in a list, an index.
func (o *pathOperation) exchange(s *session, owner *parts, name string, index int, c child) error {
	made, err := o.build(s, c, &o.value)
	if err != nil {
		return err
	}
	t := s.changed()
	if index >= 0 {
		t.takeFrom(owner, name, index)
		t.insertInto(owner, c.name, index, made)
		return nil
	}
	t.rename(owner, name, c.name)
	t.set(owner, c.name, made)
	return nil
}

// replacement finds the element that a value becomes in the place of another:
// a choice may change its type.
func replacement(at spot, v *value) (child, string) {
	if m, ok := at.typ.Member([]byte(at.name)); ok && m.Element.Choice && v.typ != nil {
		return choose(at.typ, m.Element, v)
	}
	return childOf(at.typ, at.name, v)
}
