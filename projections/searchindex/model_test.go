package searchindex

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// The slots of the model.
const (
	tokenSlot  search.Slot = 20 + iota // values t0 to t19, dense to rare
	textSlot                           // values of letters, for beginnings
	columnSlot                         // spans of numbers
	unitsSlot                          // numbers in columns by unit
	refSlot                            // references
)

// version is one version in the model: a plain record of what was written.
type version struct {
	t        domain.ResourceType
	id       domain.LogicalID
	previous uint64
	entries  []search.Entry
	deletion bool
	ended    uint64 // position of the event that ended it; MaxUint64: none
	removed  bool
}

// world is a log and its state as plain lists, and the Source of the index.
type world struct {
	t        *testing.T
	r        *rand.Rand
	dir      string
	store    *store.Store
	index    *Index
	stop     func() error
	events   []event.Event
	versions map[uint64]*version
	current  map[string]uint64 // by type and id: latest version, deletions too
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(),
		versions: map[uint64]*version{}, current: map[string]uint64{},
	}
	w.open()
	return w
}

func (w *world) open() {
	var err error
	if w.store, err = store.Open(w.dir, store.Options{}); err != nil {
		w.t.Fatal(err)
	}
	if w.index, err = Open(w.store, storedCursor(w.t, w.store, keys.IndexCursor), storedCursor(w.t, w.store, keys.SavedCursor), func(p uint64) (event.Event, error) { return w.events[p], nil }); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.index.Write(ctx) }()
	w.stop = func() error { cancel(); return <-ended }
}

// restart closes everything and replays what the index does not have.
func (w *world) restart() {
	w.close()
	w.open()
	for p := w.index.Through(); p < uint64(len(w.events)); p++ {
		w.apply(p)
	}
}

func (w *world) close() {
	if err := w.stop(); err != nil {
		w.t.Fatal(err)
	}
	if w.r.IntN(2) == 0 { // a clean stop
		b := w.store.NewBatch()
		w.index.Save(b)
		if err := b.Commit(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) apply(position uint64) {
	var values *search.Values
	if v := w.versions[position]; v != nil && !v.deletion {
		values = new(search.Values)
		for _, e := range v.entries {
			switch e.Kind {
			case search.Posting:
				values.AddPosting(e.Key)
			case search.Column:
				values.AddColumn(e.Key, e.Low, e.High)
			case search.Forward:
				values.AddForward(e.Key, e.Target)
			}
		}
	}
	if err := w.index.Apply(position, w.events[position], values); err != nil {
		w.t.Fatal(err)
	}
}

func key(slot search.Slot, aspect search.Aspect, components ...string) []byte {
	k := search.Key(slot, aspect)
	for _, c := range components {
		k = search.AppendComponent(k, c)
	}
	return k
}

// entries draws the values of a version.
func (w *world) entries(t domain.ResourceType) []search.Entry {
	list := []search.Entry{{Kind: search.Posting, Key: key(search.SlotType, search.AspectValue, string(t))}}
	for range w.r.IntN(3) {
		n := int(math.Abs(w.r.NormFloat64()) * 4)
		list = append(list, search.Entry{Kind: search.Posting, Key: key(tokenSlot, search.AspectValue, fmt.Sprintf("t%d", n))})
	}
	if w.r.IntN(2) == 0 {
		list = append(list, search.Entry{Kind: search.Posting, Key: key(textSlot, search.AspectValue, w.letters())})
	}
	if w.r.IntN(3) > 0 {
		low, high := int64(w.r.IntN(1000)-500)*10_000_000, int64(math.MaxInt64)
		if w.r.IntN(10) > 0 {
			high = low + int64(w.r.IntN(3))*10_000_000
		}
		if w.r.IntN(10) == 0 {
			low = math.MinInt64
		}
		list = append(list, search.Entry{Kind: search.Column, Key: key(columnSlot, search.AspectValue), Low: low, High: high})
	}
	if w.r.IntN(3) == 0 {
		n := int64(math.Float64bits(float64(w.r.IntN(100)) / 7))
		list = append(list, search.Entry{Kind: search.Column, Key: key(unitsSlot, search.AspectValue, string(rune('a'+w.r.IntN(3)))), Low: n, High: n})
	}
	for range w.r.IntN(3) {
		target := key(refSlot, search.AspectValue, fmt.Sprint(w.r.IntN(60)), "Patient", "")
		list = append(list, search.Entry{Kind: search.Posting, Key: target},
			search.Entry{Kind: search.Forward, Key: key(refSlot, search.AspectForward), Target: search.ValueOf(target)})
	}
	return list
}

func (w *world) letters() string {
	b := make([]byte, 1+w.r.IntN(4))
	for i := range b {
		b[i] = "ab\x00\x01"[w.r.IntN(4)]
	}
	return string(b)
}

// step writes one random event.
func (w *world) step() {
	t := domain.ResourceType([]string{"Patient", "Observation"}[w.r.IntN(2)])
	ids := 60
	if t == "Observation" {
		ids = 40_000
	}
	id := domain.LogicalID(fmt.Sprint(w.r.IntN(ids)))
	name := string(t) + "/" + string(id)
	position := uint64(len(w.events))
	last, exists := w.current[name]
	e := event.Event{Kind: event.Written, Type: t, ID: id, Previous: event.NoPosition}
	if exists {
		e.Previous = last
	}
	switch n := w.r.IntN(40); {
	case !exists || n >= 5:
		e.DropsPrevious = exists && n == 39
		w.write(position, &e, &version{entries: w.entries(t)})
	case n == 0:
		e.Kind = event.Erased
		w.removeBack(position, last)
		delete(w.current, name)
	case n == 1:
		e.Kind = event.HistoryPurged
		w.removeBack(position, w.versions[last].previous)
		w.versions[last].previous = event.NoPosition
		// What the log says does not change.
	default:
		if w.versions[last].deletion {
			e.Kind = event.HistoryPurged
			w.removeBack(position, w.versions[last].previous)
			break
		}
		e.Kind = event.Deleted
		w.write(position, &e, &version{deletion: true})
	}
	w.events = append(w.events, e)
	w.apply(position)
}

func (w *world) write(position uint64, e *event.Event, v *version) {
	v.t, v.id, v.previous, v.ended = e.Type, e.ID, e.Previous, math.MaxUint64
	if e.Previous != event.NoPosition {
		before := w.versions[e.Previous]
		before.ended = position
		before.removed = before.removed || e.DropsPrevious
	}
	w.versions[position] = v
	w.current[string(e.Type)+"/"+string(e.ID)] = position
}

func (w *world) removeBack(by, position uint64) {
	for position != event.NoPosition {
		w.versions[position].removed = true
		position = w.events[position].Previous
	}
}

func (w *world) Identify(position uint64) (domain.ResourceType, domain.LogicalID, error) {
	return w.events[position].Type, w.events[position].ID, nil
}

// Resolve walks over all versions: slow and plain.
func (w *world) Resolve(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (uint64, bool, error) {
	position, exists := w.current[string(t)+"/"+string(id)]
	if !exists {
		return 0, false, nil
	}
	for position >= snapshot {
		if position = w.events[position].Previous; position == event.NoPosition {
			return 0, false, nil
		}
	}
	v := w.versions[position]
	return position, !v.deletion && !v.removed, nil
}

func (w *world) Load(position uint64, use func(fhirjson.Value) error) error {
	d, err := fhirjson.Parse([]byte(fmt.Sprintf(`{"position":"%d"}`, position)), fhirjson.Limits{})
	if err != nil {
		return err
	}
	return use(d.Root())
}

func (w *world) Extract(position uint64, v *search.Values) error {
	for _, e := range w.versions[position].entries {
		if e.Kind == search.Posting {
			v.AddPosting(e.Key)
		}
	}
	return nil
}

func (w *world) Before(instant int64) (uint64, error) {
	return uint64(min(max(instant, 0), int64(len(w.events)))), nil
}

// live says whether a version is current as of a snapshot.
func (w *world) live(position, snapshot uint64) bool {
	v := w.versions[position]
	return v != nil && position < snapshot && !v.deletion && !v.removed && v.ended >= snapshot
}

// holds evaluates an expression on one version, plainly.
func (w *world) holds(expr search.Expr, position, snapshot uint64) bool {
	v := w.versions[position]
	some := func(is func(e search.Entry) bool) bool { return slices.ContainsFunc(v.entries, is) }
	switch x := expr.(type) {
	case nil:
		return true
	case search.And:
		return !slices.ContainsFunc(x, func(part search.Expr) bool { return !w.holds(part, position, snapshot) })
	case search.Or:
		return slices.ContainsFunc(x, func(part search.Expr) bool { return w.holds(part, position, snapshot) })
	case search.Not:
		return !w.holds(x.Of, position, snapshot)
	case search.Match:
		return some(func(e search.Entry) bool {
			return e.Kind == search.Posting && fits(e.Key, x.Key, x.Whole) && (x.Keep == nil || x.Keep(search.ValueOf(e.Key)))
		})
	case search.Between:
		return some(func(e search.Entry) bool {
			if e.Kind != search.Column || !fits(e.Key, x.Key, x.Whole) {
				return false
			}
			test := x.Test
			if x.Select != nil {
				test = x.Select(search.ValueOf(e.Key))
			}
			return test != nil && test(e.Low, e.High)
		})
	case search.IDs:
		return slices.Contains(x, v.id)
	case search.Updated:
		return int64(position) >= x.From && int64(position) < x.Before
	case search.Checked:
		return w.holds(x.Of, position, snapshot) && position%3 == 0
	case search.Chained:
		return some(func(e search.Entry) bool {
			if e.Kind != search.Forward {
				return false
			}
			id, _, _ := search.CutComponent(e.Target)
			to, ok, _ := w.Resolve("Patient", domain.LogicalID(id), snapshot)
			return ok && w.holds(x.Targets[0].Where, to, snapshot)
		})
	case search.Referenced:
		for source, s := range w.versions {
			if s.t == x.Source.Type && w.live(source, snapshot) && w.refersTo(s, v.id) && w.holds(x.Source.Where, source, snapshot) {
				return v.t == "Patient"
			}
		}
		return false
	case search.Unreferenced:
		for source, s := range w.versions {
			if w.live(source, snapshot) && w.refersTo(s, v.id) {
				return v.t != "Patient"
			}
		}
		return true
	}
	panic(fmt.Sprintf("%T", expr))
}

func (w *world) refersTo(v *version, id domain.LogicalID) bool {
	return slices.ContainsFunc(v.entries, func(e search.Entry) bool {
		to, _, _ := search.CutComponent(e.Target)
		return e.Kind == search.Forward && string(to) == string(id)
	})
}

func fits(k, beginning []byte, whole bool) bool {
	if whole {
		return string(k) == string(beginning)
	}
	return len(k) >= len(beginning) && string(k[:len(beginning)]) == string(beginning)
}

// expr draws an expression.
func (w *world) expr(depth int) search.Expr {
	n := w.r.IntN(12)
	if depth == 0 {
		n = w.r.IntN(6)
	}
	switch n {
	case 0, 1:
		return search.Match{Key: key(tokenSlot, search.AspectValue, fmt.Sprintf("t%d", w.r.IntN(20))), Whole: true}
	case 2:
		k := search.AppendOpen(search.Key(textSlot, search.AspectValue), w.letters())
		m := search.Match{Key: k}
		if w.r.IntN(3) == 0 {
			m.Keep = func(value []byte) bool { return len(value)%2 == 0 }
		}
		return m
	case 3:
		at := int64(w.r.IntN(1000)-500) * 10_000_000
		b := search.Between{Key: key(columnSlot, search.AspectValue), Whole: true}
		if w.r.IntN(2) == 0 {
			b.Test = func(low, _ int64) bool { return low >= at }
		} else {
			b.Test = func(low, high int64) bool { return low <= at && at < high }
		}
		return b
	case 4:
		at := math.Float64bits(float64(w.r.IntN(100)) / 7)
		return search.Between{Key: key(unitsSlot, search.AspectValue), Select: func(value []byte) func(low, high int64) bool {
			if value[0] == 'b' {
				return nil
			}
			return func(low, _ int64) bool { return low > int64(at) }
		}}
	case 5:
		ids := search.IDs{}
		for range w.r.IntN(4) {
			ids = append(ids, domain.LogicalID(fmt.Sprint(w.r.IntN(60))))
		}
		return ids
	case 6:
		return search.Not{Of: w.expr(depth - 1)}
	case 7, 8:
		return search.And{w.expr(depth - 1), w.expr(depth - 1)}
	case 9:
		return search.Or{w.expr(depth - 1), w.expr(depth - 1)}
	case 10:
		from := int64(w.r.IntN(len(w.events)))
		return search.Updated{From: from, Before: from + int64(w.r.IntN(len(w.events)))}
	}
	return search.Checked{Of: w.expr(depth - 1), Accept: func(v fhirjson.Value) bool {
		var position uint64
		fmt.Sscan(v.Get("position").String(), &position)
		return position%3 == 0
	}}
}

// of narrows an expression to a type, as queries do where a slot is that of all
// types, like those of the model.
func of(t domain.ResourceType, where search.Expr) search.Expr {
	return search.And{search.Match{Key: key(search.SlotType, search.AspectValue, string(t)), Whole: true}, where}
}

// find evaluates a scope plainly.
func (w *world) find(t domain.ResourceType, where search.Expr, snapshot uint64) (positions []uint64) {
	for position := range uint64(len(w.events)) {
		if v := w.versions[position]; v != nil && (t == "" || v.t == t) && w.live(position, snapshot) && w.holds(where, position, snapshot) {
			positions = append(positions, position)
		}
	}
	return positions
}

// check compares one random search with the plain one: all pages, both ways, and
// the total.
func (w *world) check(snapshot uint64) {
	t := domain.ResourceType([]string{"Patient", "Observation"}[w.r.IntN(2)])
	var where search.Expr
	switch w.r.IntN(8) {
	case 0:
		where = search.Chained{Reference: search.Reference{Slot: refSlot}, Targets: []search.Scope{{Type: "Patient", Where: of("Patient", w.expr(1))}}}
	case 1:
		t, where = "Patient", search.Referenced{Reference: search.Reference{Slot: refSlot}, Source: search.Scope{Type: "Observation", Where: of("Observation", w.expr(1))}}
	default:
		where = w.expr(3)
	}
	where = of(t, where)
	want := w.find(t, where, snapshot)
	q := &search.Query{Scopes: []search.Scope{{Type: t, Where: where}}}
	count := max(1, len(want)/3)
	r := search.PageRequest{Query: q, Snapshot: snapshot, Count: count, Total: true}
	var got []uint64
	for {
		page, err := w.index.Search(context.Background(), w, r)
		if err != nil {
			w.t.Fatal(err)
		}
		if page.Total != len(want) {
			w.t.Fatalf("total %d, want %d, at snapshot %d of %d: %#v", page.Total, len(want), snapshot, len(w.events), where)
		}
		if page.HasPrevious != (len(got) > 0) || page.HasPrevious && page.Previous != want[max(0, len(got)-count)] {
			w.t.Fatalf("after %d of %d: previous page at %d, %v", len(got), len(want), page.Previous, page.HasPrevious)
		}
		got = append(got, page.Matches...)
		if !page.HasNext {
			break
		}
		r.Cursor, r.HasCursor = page.Next, true
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("got %d matches %v, want %d %v, at snapshot %d: %#v", len(got), got, len(want), want, snapshot, where)
	}
}

func TestModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, seed)
	defer func() { w.close() }()
	for range 3 {
		for range BlockSize - 2000 {
			w.step()
		}
		head := uint64(len(w.events))
		for range 12 {
			w.check(head)
			w.check(head - uint64(w.r.IntN(100)))
			w.check(uint64(w.r.IntN(int(head))))
		}
		w.restart()
		for range 8 {
			w.check(head)
			w.check(uint64(w.r.IntN(int(head))))
		}
	}
}
