package patch

import "fhirlog/domain/fhirjson"

// fails makes the error of an operation on a tree; at is the place.
func (o *jsonOperation) fails(t *tree, at pointer, format string, values ...any) error {
	return o.failed(at.path(t.resource), format, values...)
}

// find returns what a pointer leads to.
func (o *jsonOperation) find(t *tree, p pointer) (*node, error) {
	n, wrong := t.follow(p)
	if wrong != "" {
		return nil, o.fails(t, p, "%s", wrong)
	}
	return n, nil
}

// add puts the value at the path: in front of an element of an array, or as a
// member of an object, replacing the one of that name.
func (o *jsonOperation) add(t *tree) error {
	return o.put(t, t.fresh(o.value))
}

func (o *jsonOperation) put(t *tree, n node) error {
	if len(o.path) == 0 {
		t.root = node{origin: n.origin, parts: n.parts}
		return nil
	}
	above, last := o.path[:len(o.path)-1], o.path[len(o.path)-1]
	parent, wrong := t.follow(above)
	if wrong != "" {
		return o.fails(t, above, "%s The place where something is added must exist: add it first.", wrong)
	}
	inside := t.open(parent)
	switch {
	case inside == nil:
		return o.fails(t, above, "what stands at %s is %s; only to arrays and objects something can be added.", above.place(), described(parent.kind()))
	case inside.kind == fhirjson.Object:
		t.put(inside, last, n)
	case last == "-":
		t.insert(inside, len(inside.list), n)
	default:
		i, ok := index(last, len(inside.list))
		if !ok {
			return o.fails(t, o.path, "%s is an array of %d, where something is added at an index from 0 to %d without leading zeros, or at '-', the end.",
				above.place(), len(inside.list), len(inside.list))
		}
		t.insert(inside, i, n)
	}
	return nil
}

// remove takes out what stands at the path.
func (o *jsonOperation) remove(t *tree) error {
	_, err := o.takeOut(t, o.path)
	return err
}

func (o *jsonOperation) takeOut(t *tree, p pointer) (node, error) {
	if _, err := o.find(t, p); err != nil {
		return node{}, err
	}
	if len(p) == 0 {
		return node{}, o.fails(t, p, "the resource itself cannot be removed; that is what DELETE is for.")
	}
	parent, _ := t.follow(p[:len(p)-1])
	inside, last := parent.parts, p[len(p)-1]
	if inside.kind == fhirjson.Object {
		return t.remove(inside, t.member(inside, last)), nil
	}
	i, _ := index(last, len(inside.list)-1)
	return t.remove(inside, i), nil
}

// replace puts the value in the place of the one at the path.
func (o *jsonOperation) replace(t *tree) error {
	n, err := o.find(t, o.path)
	if err != nil {
		return err
	}
	name := n.name
	*n = t.fresh(o.value)
	n.name = name
	return nil
}

// move takes out what stands at "from" and adds it at the path.
func (o *jsonOperation) move(t *tree) error {
	if o.from.begins(o.path) {
		return o.fails(t, o.from, "%s cannot be moved into itself.", o.from.place())
	}
	if o.from.String() == o.path.String() {
		_, err := o.find(t, o.from)
		return err
	}
	n, err := o.takeOut(t, o.from)
	if err != nil {
		return err
	}
	return o.put(t, n)
}

// copy adds a copy of what stands at "from" at the path.
func (o *jsonOperation) copy(t *tree) error {
	n, err := o.find(t, o.from)
	if err != nil {
		return err
	}
	return o.put(t, t.clone(n))
}

// test fails unless what stands at the path equals the value. The message does
// not tell what stands there.
func (o *jsonOperation) test(t *tree) error {
	n, err := o.find(t, o.path)
	if err != nil {
		return err
	}
	actual := n.origin
	if n.parts != nil {
		document, err := (&tree{root: *n}).read()
		if err != nil {
			return o.wrap(err)
		}
		actual = document.Root()
		t.work += actual.End() / 4
	}
	t.work += min(actual.End()-actual.Start(), o.value.End()-o.value.Start()) / 4
	if !same(actual, o.value) {
		return o.fails(t, o.path, "the test failed: %s is not equal to the value of the operation.", o.path.place())
	}
	return nil
}
