package search

import (
	"sync"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// extractor makes the index values of one resource. Its buffers serve one
// resource after the other; it belongs to one goroutine.
type extractor struct {
	set      *Set
	values   *Values
	resource fhirjson.Value // the whole; what %resource stands for
	within   int            // resources around the present place, the whole not counted

	onlyReferences bool // leave out all that makes no references
	textless       bool // leave out texts, which another walk is for

	key        []byte // of the entry in the making, or the value part of a component
	text       []byte // of a narrative
	systemText []byte
	seen       entrySet

	normalized     []byte // what normalize gave last
	normalizedFrom []byte // and of what
	lastText       []byte // what addText added last
	lastTextSlot   Slot   // and where
	lastContent    []byte // what words added last

	comparer       comparer
	collected      []collectedValue
	collectedBytes []byte
	crossed        []byte
	combinations   int
}

var extractors = sync.Pool{New: func() any { return new(extractor) }}

// mostKept bounds the memory that an extractor keeps for the next resource.
const mostKept = 1 << 20

func newExtractor(s *Set, v *Values, resource fhirjson.Value) *extractor {
	x := extractors.Get().(*extractor)
	x.set, x.values, x.resource, x.within, x.onlyReferences, x.textless = s, v, resource, 0, false, s.customOnly
	x.lastTextSlot = 0
	x.seen.begin()
	return x
}

func (x *extractor) release() {
	x.set, x.values, x.resource, x.comparer = nil, nil, fhirjson.Value{}, comparer{}
	x.normalizedFrom, x.lastText, x.lastContent = nil, nil, nil // let go of the resource
	if cap(x.key)+cap(x.normalized)+cap(x.text)+cap(x.collectedBytes)+cap(x.crossed) > mostKept ||
		cap(x.collected) > mostKept/64 || cap(x.seen.entries) > mostKept/64 {
		return
	}
	extractors.Put(x)
}

// extract adds everything.
func (x *extractor) extract() {
	name := x.resource.Get("resourceType").Text()
	shape, plan := x.set.shapes[string(name)], x.set.plans[string(name)]
	if !x.onlyReferences && !x.set.customOnly {
		x.key = AppendComponent(AppendKey(x.key[:0], SlotType, AspectValue), name)
		x.addPosting()
	}
	if shape == nil {
		return
	}
	x.at(plan.root, shape, noText, x.resource)
	for _, l := range plan.late {
		l.run(x)
	}
}

// late is a parameter that is looked at when the walk is over: one that is no
// path.
type late struct {
	compiler *pathCompiler
	slot     Slot
	typ      ParameterType
	values   evaluator
	asked    condition
}

func (l *late) run(x *extractor) {
	if l.asked != nil {
		if answer := l.asked.test(x, x.resource); answer != unknown && !x.onlyReferences {
			tokenOf(x, &action{slot: l.slot, typ: Token, part: -1}, answer == yes)
		}
		return
	}
	l.values.each(x.resource, func(t *definitions.Type, v fhirjson.Value) {
		if add := l.compiler.adder(l.typ, t); add != nil {
			x.run(&action{slot: l.slot, typ: l.typ, part: -1, add: add}, v)
		}
	})
}

// run makes the values of v.
func (x *extractor) run(a *action, v fhirjson.Value) {
	if !x.onlyReferences || a.typ == ReferTo {
		a.add(x, a, v)
	}
}

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
