package fhirxml

import (
	"cmp"
	"slices"
	"sort"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// arranger builds what a decoder has built once more, in the order of the
// definitions: XML leaves open in which order elements stand, and whether the
// items of a list stand together. A list with gaps came out as several members,
// and so did a list of primitives behind each item that has id or extensions.
type arranger struct {
	*decoder
	build   fhirjson.Builder
	marks   []mark
	members []part // of the objects at work, those of the innermost last
	name    []byte
}

// part is a member of an object in the draft.
type part struct {
	value  fhirjson.Value
	member definitions.Member
	extra  bool // what a primitive holds beside its value
}

func (a *arranger) arrange() {
	a.build.Reset(make([]byte, 0, a.decoder.build.Len()))
	a.object(nil, a.decoder.build.Draft(), nil)
}

// mark notes that a value of the draft is built next.
func (a *arranger) mark(v fhirjson.Value) {
	if a.placed {
		from := a.decoder.marks
		after := sort.Search(len(from), func(i int) bool { return from[i].json > v.NameStart() })
		a.marks = append(a.marks, mark{json: a.build.Len(), xml: from[after-1].xml})
	}
}

// object builds an object of a type, of a resource if it is nil. Its calls nest as
// deep as the JSON, which is bounded.
func (a *arranger) object(name []byte, v fhirjson.Value, t *definitions.Type) {
	a.mark(v)
	a.build.Open(name, fhirjson.Object)
	m := v.First()
	if t == nil {
		t = a.definitions.TypeOf(m.Text())
		a.scalar(resourceType, m)
		m = m.Next()
	}
	base := len(a.members)
	for ; m.Exists(); m = m.Next() {
		p := part{value: m}
		name := m.Name()
		if p.extra = name[0] == '_'; p.extra {
			name = name[1:]
		}
		p.member, _ = t.Member(name)
		a.members = append(a.members, p)
	}
	end := len(a.members)
	slices.SortStableFunc(a.members[base:end], func(x, y part) int {
		return cmp.Compare(x.member.Element.Index, y.member.Element.Index)
	})
	for from := base; from < end; {
		to := from + 1
		for to < end && a.members[to].member.Element == a.members[from].member.Element {
			to++
		}
		a.element(from, to)
		from = to
	}
	a.members = a.members[:base]
	a.build.Close()
}

// element builds an element from the parts of a range.
func (a *arranger) element(from, to int) {
	m := a.members[from].member
	switch {
	case !m.Element.Repeats():
		for i := from; i < to; i++ {
			p := a.members[i]
			a.item(p.value.Name(), p)
		}
	case m.Type.Kind == definitions.Primitive:
		a.list(from, to, false)
		a.list(from, to, true)
	default:
		a.mark(a.members[from].value)
		a.build.Open(a.members[from].value.Name(), fhirjson.Array)
		for i := from; i < to; i++ {
			p := a.members[i]
			for p.value = p.value.First(); p.value.Exists(); p.value = p.value.Next() {
				a.item(nil, p)
			}
		}
		a.build.Close()
	}
}

// item builds a value of a part.
func (a *arranger) item(name []byte, p part) {
	switch {
	case p.value.Kind() != fhirjson.Object:
		a.mark(p.value)
		a.scalar(name, p.value)
	case p.extra:
		a.object(name, p.value, a.decoder.element)
	case p.member.Type.Kind == definitions.Resource:
		a.object(name, p.value, nil)
	default:
		a.object(name, p.value, p.member.Type)
	}
}

// list builds the array with the values of a primitive, or the one with what they
// hold beside, if there is anything but null in it.
func (a *arranger) list(from, to int, extra bool) {
	if !a.holds(from, to, extra) {
		return
	}
	first := a.members[from].value
	a.mark(first)
	a.name = a.name[:0]
	if extra {
		a.name = append(a.name, '_')
	}
	a.name = append(a.name, first.Name()...)
	a.build.Open(a.name, fhirjson.Array)
	for i := from; i < to; i++ {
		values := a.members[i] // a run of values, perhaps with one of extras behind it
		if values.extra {
			continue
		}
		p := values
		if p.extra = extra; extra {
			p.value = fhirjson.Value{}
			if i+1 < to && a.members[i+1].extra {
				p.value = a.members[i+1].value
			}
		}
		item := p.value.First()
		for v := values.value.First(); v.Exists(); v = v.Next() {
			if p.value = item; item.Exists() && item.Kind() != fhirjson.Null {
				a.item(nil, p)
			} else {
				a.mark(v)
				a.build.Spelled(nil, fhirjson.Null, null)
			}
			item = item.Next()
		}
	}
	a.build.Close()
}

// holds tells whether there is something but null in the arrays of values or of
// extras.
func (a *arranger) holds(from, to int, extra bool) bool {
	for i := from; i < to; i++ {
		if a.members[i].extra != extra {
			continue
		}
		for v := a.members[i].value.First(); v.Exists(); v = v.Next() {
			if v.Kind() != fhirjson.Null {
				return true
			}
		}
	}
	return false
}

// scalar builds a string, number or word as it is spelled.
func (a *arranger) scalar(name []byte, v fhirjson.Value) {
	spelled := v.Raw()
	if v.Kind() == fhirjson.String {
		spelled = spelled[1 : len(spelled)-1]
	}
	if v.HasEscapes() {
		a.build.Escaped(name, spelled)
	} else {
		a.build.Spelled(name, v.Kind(), spelled)
	}
}
