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
	wholeTexts     bool // add each text of AspectText as one, for comparing

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
	x.wholeTexts, x.lastTextSlot = false, 0
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
