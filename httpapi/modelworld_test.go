package httpapi

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// world is what a snapshot shows.
type world struct {
	m    *model
	live []int // records that are current
	err  error
}

// at finds the state after a number of records, as of a horizon. The model is locked.
func (m *model) at(snapshot, horizon uint64) *world {
	w := &world{m: m}
	newest := map[string]int{}
	for i := range m.records[:min(snapshot, uint64(len(m.records)))] {
		if r := &m.records[i]; r.shows(m.horizon(horizon)) {
			newest[string(r.Type)+"/"+string(r.ID)] = i
		}
	}
	for _, i := range newest {
		if !m.records[i].Deleted {
			w.live = append(w.live, i)
		}
	}
	slices.Sort(w.live)
	return w
}

// parse reads the resource of a record.
func (w *world) parse(i int) fhirjson.Value {
	d, err := fhirjson.Parse(w.m.records[i].Body, fhirjson.Limits{})
	if err != nil {
		w.err = err
		return fhirjson.Value{}
	}
	return d.Root()
}

// entries calls visit for the index values of a record under a key, or under
// the keys that begin with it.
func (w *world) entries(i int, kind search.EntryKind, key []byte, whole bool, visit func(e search.Entry) bool) bool {
	found := false
	w.m.valuesOf(i).Each(func(e search.Entry) {
		if e.Kind == kind && (whole && bytes.Equal(e.Key, key) || !whole && bytes.HasPrefix(e.Key, key)) && visit(e) {
			found = true
		}
	})
	return found
}

// valuesOf are the index values of a record.
func (m *model) valuesOf(i int) *search.Values {
	v := m.values[m.records[i].Position]
	if v == nil {
		d, err := fhirjson.Parse(m.records[i].Body, fhirjson.Limits{})
		if err != nil {
			panic(err)
		}
		v = &search.Values{}
		m.set.Extract(v, d.Root())
		m.values[m.records[i].Position] = v
	}
	return v
}

func (w *world) holds(e search.Expr, i int) bool {
	r := &w.m.records[i]
	switch e := e.(type) {
	case nil:
		return true
	case search.And:
		return !slices.ContainsFunc(e, func(part search.Expr) bool { return !w.holds(part, i) })
	case search.Or:
		return slices.ContainsFunc(e, func(part search.Expr) bool { return w.holds(part, i) })
	case search.Not:
		return !w.holds(e.Of, i)
	case search.Match:
		return w.entries(i, search.Posting, e.Key, e.Whole, func(found search.Entry) bool { return e.Keep == nil || e.Keep(search.ValueOf(found.Key)) })
	case search.Between:
		return w.entries(i, search.Column, e.Key, e.Whole, func(found search.Entry) bool {
			test := e.Test
			if e.Select != nil {
				test = e.Select(search.ValueOf(found.Key))
			}
			return test != nil && test(found.Low, found.High)
		})
	case search.IDs:
		return slices.Contains(e, r.ID)
	case search.Updated:
		return r.Instant >= e.From && r.Instant < e.Before
	case search.Chained:
		return slices.ContainsFunc(w.follow(i, e.Reference), func(target int) bool { return w.inAny(e.Targets, target) })
	case search.Referenced:
		return slices.ContainsFunc(w.live, func(source int) bool {
			return w.inAny([]search.Scope{e.Source}, source) && slices.Contains(w.follow(source, e.Reference), i)
		})
	case search.Checked:
		return w.holds(e.Of, i) && e.Accept(w.parse(i))
	case search.Listed:
		return slices.Contains(w.items(e.List), string(r.Type)+"/"+string(r.ID))
	case search.Unreferenced:
		return !slices.ContainsFunc(w.live, func(source int) bool { return w.refers(source, i, e.References) })
	}
	w.err = fmt.Errorf("the model does not evaluate %T", e)
	return false
}

func (w *world) inAny(scopes []search.Scope, i int) bool {
	return slices.ContainsFunc(scopes, func(s search.Scope) bool {
		return (s.Type == "" || s.Type == w.m.records[i].Type) && w.holds(s.Where, i)
	})
}

// items are the references of a List's items that were not taken off.
func (w *world) items(id domain.LogicalID) []string {
	var items []string
	for _, i := range w.live {
		if r := &w.m.records[i]; r.Type != "List" || r.ID != id {
			continue
		}
		for entry := w.parse(i).Get("entry").First(); entry.Exists(); entry = entry.Next() {
			if string(entry.Get("deleted").Raw()) != "true" {
				items = append(items, entry.Get("item").Get("reference").String())
			}
		}
	}
	return items
}

// refers says whether a resource refers to another, by some of its references
// or by any.
func (w *world) refers(source, target int, by []search.Reference) bool {
	if len(by) == 0 {
		w.m.valuesOf(source).Each(func(e search.Entry) {
			if e.Kind == search.Forward {
				by = append(by, search.Reference{Slot: search.SlotOf(e.Key)})
			}
		})
	}
	return slices.ContainsFunc(by, func(r search.Reference) bool { return slices.Contains(w.follow(source, r), target) })
}

// follow returns where a relative reference leads.
func (w *world) follow(i int, r search.Reference) []int {
	var targets []int
	w.entries(i, search.Forward, search.Key(r.Slot, search.AspectForward), true, func(e search.Entry) bool {
		id, rest, _ := search.CutComponent(e.Target)
		typ, _, _ := search.CutComponent(rest)
		for _, j := range w.live {
			if v := &w.m.records[j]; string(v.ID) == string(id) && string(v.Type) == string(typ) && (r.Target == "" || r.Target == v.Type) {
				targets = append(targets, j)
			}
		}
		return false
	})
	return targets
}

// matches finds and orders what a query asks for.
func (w *world) matches(q *search.Query) []int {
	var found []int
	for _, i := range w.live {
		if w.inAny(q.Scopes, i) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		for _, k := range q.Sort {
			if c := w.compare(q, k, a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	})
	return found
}

func (w *world) compare(q *search.Query, k search.SortKey, a, b int) int {
	one, other := &w.m.records[a], &w.m.records[b]
	c := 0
	switch k.By {
	case search.SortID:
		c = cmp.Compare(one.ID, other.ID)
	case search.SortType:
		c = cmp.Compare(one.Type, other.Type)
	case search.SortLastUpdated:
		c = cmp.Compare(one.Instant, other.Instant)
	default:
		c = bytes.Compare(w.sortValue(q, k, a), w.sortValue(q, k, b))
	}
	if k.Descending {
		return -c
	}
	return c
}

// sortValue is the least value ascending, the greatest descending; nil, which is
// before all others, if there is none.
func (w *world) sortValue(q *search.Query, k search.SortKey, i int) []byte {
	slot := search.Slot(0)
	for at, scope := range q.Scopes {
		if scope.Type == "" || scope.Type == w.m.records[i].Type {
			slot = k.Slots[at]
		}
	}
	var best []byte
	kind := search.Posting
	if k.By == search.SortColumn {
		kind = search.Column
	}
	w.entries(i, kind, search.Key(slot, search.AspectValue), false, func(e search.Entry) bool {
		value := append([]byte{1}, search.ValueOf(e.Key)...)
		if k.By == search.SortColumn {
			bound := e.Low
			if k.Descending {
				bound = e.High
			}
			value = fmt.Appendf(nil, "%020d", uint64(bound)^1<<63)
		}
		if best == nil || k.Descending == (bytes.Compare(value, best) > 0) {
			best = value
		}
		return false
	})
	return best
}

// includedBy finds what a resource includes, on the way from the matches or again
// from what is included.
func (w *world) includedBy(q *search.Query, i int, again bool) []int {
	var found []int
	add := func(j int, target domain.ResourceType, of int) {
		if target == "" || w.m.records[of].Type == target {
			found = append(found, j)
		}
	}
	for _, in := range q.Include {
		for _, ref := range in.References {
			if ref.Source == w.m.records[i].Type && (in.Iterate || !again) {
				for _, j := range w.follow(i, ref.Reference) {
					add(j, in.Target, j)
				}
			}
		}
	}
	for _, in := range q.RevInclude {
		for _, ref := range in.References {
			for _, j := range w.live {
				if ref.Source == w.m.records[j].Type && (in.Iterate || !again) && slices.Contains(w.follow(j, ref.Reference), i) {
					add(j, in.Target, i)
				}
			}
		}
	}
	return found
}
