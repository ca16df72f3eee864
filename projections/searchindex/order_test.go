package searchindex

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/search"
)

// sortValue is what a version is sorted by: plainly, from its entries.
func (w *world) sortValue(position uint64, key search.SortKey) (number int64, text string, has bool) {
	v := w.versions[position]
	switch key.By {
	case search.SortLastUpdated:
		return int64(position), "", true
	case search.SortID:
		return 0, string(v.id), true
	case search.SortType:
		return 0, string(v.t), true
	}
	for _, e := range v.entries {
		if search.SlotOf(e.Key) != key.Slots[0] || search.AspectOf(e.Key) != search.AspectValue {
			continue
		}
		n, s := e.Low, string(search.ValueOf(e.Key))
		if key.Descending {
			n = e.High
		}
		if key.By == search.SortPostings {
			n = 0
		} else {
			s = ""
		}
		c := cmp.Or(cmp.Compare(n, number), strings.Compare(s, text))
		if !has || c < 0 && !key.Descending || c > 0 && key.Descending {
			number, text, has = n, s, true
		}
	}
	return number, text, has
}

func (w *world) sorted(positions []uint64, keys []search.SortKey) []uint64 {
	list := slices.Clone(positions)
	slices.SortFunc(list, func(a, b uint64) int {
		for _, key := range keys {
			an, at, aHas := w.sortValue(a, key)
			bn, bt, bHas := w.sortValue(b, key)
			c := 0
			switch {
			case aHas && bHas:
				c = cmp.Or(cmp.Compare(an, bn), strings.Compare(at, bt))
			case aHas:
				c = 1
			case bHas:
				c = -1
			}
			if key.Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	})
	return list
}

func (w *world) sortKeys() (list []search.SortKey) {
	for range 1 + w.r.IntN(3) {
		key := search.SortKey{Descending: w.r.IntN(2) == 0}
		switch w.r.IntN(6) {
		case 0:
			key.By = search.SortLastUpdated
		case 1:
			key.By = search.SortID
		case 2:
			key.By, key.Slots = search.SortColumn, []search.Slot{columnSlot}
		case 3:
			key.By, key.Slots = search.SortPostings, []search.Slot{tokenSlot}
		case 4:
			key.By, key.Slots = search.SortPostings, []search.Slot{textSlot}
		case 5:
			key.By = search.SortType
		}
		list = append(list, key)
	}
	return list
}

// TestOrder: pages of sorted results, against a plain sort.
func TestOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, seed)
	defer func() { w.close() }()
	for range 2 {
		for range BlockSize - 1000 {
			w.step()
		}
		for i := range 25 {
			snapshot := uint64(w.r.IntN(len(w.events)))
			where := of("Observation", w.expr(2))
			q := &search.Query{Identity: fmt.Sprint(len(w.events), i), Scopes: []search.Scope{{Type: "Observation", Where: where}}, Sort: w.sortKeys()}
			want := w.sorted(w.find("Observation", where, snapshot), q.Sort)
			r := search.PageRequest{Query: q, Snapshot: snapshot, Count: []int{1 + len(want)/4, 1 + len(want)/40}[i%2], Total: true}
			var got []uint64
			for pages := 0; pages < 6; pages++ {
				page, err := w.index.Search(context.Background(), w, r)
				if err != nil {
					t.Fatal(err)
				}
				if page.Total != len(want) {
					t.Fatalf("total %d, want %d", page.Total, len(want))
				}
				got = append(got, page.Matches...)
				if !page.HasNext {
					break
				}
				r.Cursor, r.HasCursor = page.Next, true
			}
			if !slices.Equal(got, want[:len(got)]) {
				t.Fatalf("sorted by %+v: got %v, want %v", q.Sort, got, want[:len(got)])
			}
		}
	}
}
