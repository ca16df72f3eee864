package commit

import (
	"bytes"
	"hash/maphash"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// reliance is what may give a search more matches than it had. Matches are lost
// only by writes to what matched, or by what anything says.
type reliance struct {
	resources []uint64 // writes to these (the decider's keys) may make them match
	marks     []uint64 // content with one of these may match newly
	anything  bool     // the answer may change with a write to any resource

	table map[uint64]struct{} // of many marks, once index was called
}

// add makes r rely on what other relies on as well. Of the resources the plan
// takes care.
func (r *reliance) add(other *reliance) {
	r.anything = r.anything || other.anything
	if !r.anything {
		r.marks = append(r.marks, other.marks...)
	}
}

// manyMarks is the number of marks from which on a table is faster to ask.
const manyMarks = 8

// index prepares for has.
func (r *reliance) index() {
	if len(r.marks) <= manyMarks {
		return
	}
	r.table = make(map[uint64]struct{}, len(r.marks))
	for _, mark := range r.marks {
		r.table[mark] = struct{}{}
	}
}

func (r *reliance) has(mark uint64) bool {
	if r.table != nil {
		_, has := r.table[mark]
		return has
	}
	return slices.Contains(r.marks, mark)
}

// reliance returns what a search among the resources of a type relies on.
func (d *decider) reliance(t domain.ResourceType, q *search.Query) reliance {
	if len(q.Scopes) != 1 || q.Scopes[0].Type != t || q.Joins() {
		return reliance{anything: true}
	}
	var r reliance
	if !d.gather(&r, t, q.Scopes[0].Where) {
		return reliance{marks: []uint64{d.ofType(t)}}
	}
	return r
}

// gather adds what every resource that meets a condition on itself has to have
// one of, or be one of. It answers false, and may have added something, if there
// is no such thing but the type.
func (d *decider) gather(r *reliance, t domain.ResourceType, e search.Expr) bool {
	switch e := e.(type) {
	case search.Match:
		if !hasMark(e.Key) {
			return false
		}
		r.marks = append(r.marks, d.ofKey(d.ofType(t), e.Key))
		return true
	case search.IDs:
		for _, id := range e {
			r.resources = append(r.resources, d.key(t, id))
		}
		return true
	case search.And:
		resources, marks := len(r.resources), len(r.marks)
		for _, part := range e {
			if d.gather(r, t, part) {
				return true
			}
			r.resources, r.marks = r.resources[:resources], r.marks[:marks]
		}
		return false
	case search.Or:
		return !slices.ContainsFunc(e, func(part search.Expr) bool { return !d.gather(r, t, part) })
	case search.Checked:
		return d.gather(r, t, e.Of)
	}
	return false
}

// marker makes marks. A mark is the hash of a type alone, or of a type and an
// index key with the first component of its value: the code of a token, the id of a
// reference. So a token without its system has a mark as well. Different things
// with the same mark cost a second planning, nothing else.
type marker struct{ seed maphash.Seed }

func (m marker) ofType(t domain.ResourceType) uint64 {
	return maphash.String(m.seed, string(t))
}

// hasMark says whether a key, or the beginning of keys, has a mark in common with
// all content that it stands for. Words of texts are too many to have marks.
func hasMark(key []byte) bool {
	switch search.SlotOf(key) {
	case search.SlotType, search.SlotContent, search.SlotText:
		return false
	}
	return search.AspectOf(key) == search.AspectValue && firstComponent(key) > 0
}

func (m marker) ofKey(typeMark uint64, key []byte) uint64 {
	return maphash.Bytes(m.seed, key[:firstComponent(key)]) ^ typeMark
}

// firstComponent returns where the first component of the value in a key ends,
// and 0 if none ends there.
func firstComponent(key []byte) int {
	value := search.ValueOf(key)
	end := bytes.IndexByte(value, 0) + 1 // a zero is written as something else within a component
	if end == 0 {
		return 0
	}
	return len(key) - len(value) + end
}

// appendMarks appends the marks of content that is written.
func (m marker) appendMarks(dst []uint64, t domain.ResourceType, v *search.Values) []uint64 {
	typeMark := m.ofType(t)
	dst = append(dst, typeMark)
	v.Each(func(e search.Entry) {
		if e.Kind == search.Posting && hasMark(e.Key) {
			dst = append(dst, m.ofKey(typeMark, e.Key))
		}
	})
	return dst
}
