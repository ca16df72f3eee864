package search

import "fhirlog/domain/fhirjson"

// at does what is to be done with a value: the actions of its node, and the
// walk through what is below. n and s may be nil.
func (x *extractor) at(n *node, s *shape, text textKind, v fhirjson.Value) {
	if n != nil {
		x.act(n, v)
	}
	switch v.Kind() {
	case fhirjson.Object:
		if s != nil {
			x.members(n, s, v)
		}
	case fhirjson.String:
		switch text {
		case plainText:
			x.words(v.Text())
		case xhtmlText:
			x.narrative(v.Text())
		}
	}
}

// act runs the actions of a node, and those behind conditions that hold.
func (x *extractor) act(n *node, v fhirjson.Value) {
	for _, a := range n.actions {
		x.run(a, v)
	}
	if n.group != nil && !x.onlyReferences {
		x.collect(n.group, v)
	}
	for i := range n.guards {
		if g := &n.guards[i]; g.when.test(x, v) == yes {
			x.act(g.node, v)
			x.edges(g.node, v)
		}
	}
}

// members walks over the members of an object once, for texts and for paths.
func (x *extractor) members(n *node, s *shape, v fhirjson.Value) {
	for m := v.First(); m.Exists(); m = m.Next() {
		index := s.find(m.Name())
		if index < 0 {
			continue
		}
		member := &s.members[index]
		var e *edge
		if n != nil && n.next != nil {
			e = n.next[index]
		}
		if e == nil && (member.text == noText || x.textless) {
			continue
		}
		if m.Kind() != fhirjson.Array {
			x.value(member, e, m, 0)
			continue
		}
		i := 0
		for element := m.First(); element.Exists(); element = element.Next() {
			x.value(member, e, element, i)
			i++
		}
	}
}

// value goes into one value of a member.
func (x *extractor) value(m *shapeMember, e *edge, v fhirjson.Value, i int) {
	if !isValue(v) {
		return
	}
	text := m.text
	if x.textless {
		text = noText
	}
	var n *node
	if e != nil {
		n = e.all
		if place := e.at[i]; place != nil {
			x.act(place, v)
			x.resourceAt(place, v)
			x.edges(place, v)
		}
	}
	if m.resource {
		x.contained(n, v)
		return
	}
	x.at(n, m.shape, text, v)
}

// contained goes into a resource within the resource.
func (x *extractor) contained(n *node, v fhirjson.Value) {
	if n != nil {
		x.act(n, v)
	}
	name := v.Get("resourceType").Text()
	if n != nil {
		n = n.resources[string(name)]
	}
	x.within++
	x.at(n, x.set.shapes[string(name)], noText, v)
	x.within--
}

// resourceAt acts on a resource by its type.
func (x *extractor) resourceAt(n *node, v fhirjson.Value) {
	if n.resources == nil {
		return
	}
	if of := n.resources[string(v.Get("resourceType").Text())]; of != nil {
		x.act(of, v)
		x.edges(of, v)
	}
}

// edges follows the paths from a node without looking for texts.
func (x *extractor) edges(n *node, v fhirjson.Value) {
	if n.next == nil || v.Kind() != fhirjson.Object {
		return
	}
	before := x.textless
	x.textless = true
	x.members(n, n.shape, v)
	x.textless = before
}
