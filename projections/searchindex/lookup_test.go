package searchindex

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// TestUnusedReferencesCostNothing: for a wildcard every resource is looked up
// under every reference parameter that there is. Those without any value must not
// fill the cache of postings; those with values answer from the store and from
// memory, as of the snapshot.
func TestUnusedReferencesCostNothing(t *testing.T) {
	const unused, used, young search.Slot = 101, 102, 103
	refer := func(slot search.Slot, id string) *search.Values {
		v := new(search.Values)
		v.AddPosting(key(slot, search.AspectValue, id, "Patient", ""))
		return v
	}
	l := newLateIndex(t)
	const end = BlockSize + 10
	for position := range uint64(end) {
		switch position {
		case 7:
			l.apply(position, refer(used, "a"))
		case BlockSize + 3:
			l.apply(position, refer(used, "a"), refer(young, "a"))
		default:
			l.apply(position, new(search.Values))
		}
	}
	l.stop()
	if l.index.view(context.Background(), end, 0).stored != 1 {
		t.Fatal("the first block is to be in the store, and the second one in memory")
	}
	for _, c := range []struct {
		slot     search.Slot
		snapshot uint64
		want     []uint64
	}{
		{unused, end, nil},
		{used, end, []uint64{7, BlockSize + 3}},
		{used, BlockSize + 3, []uint64{7}},
		{used, 7, nil},
		{young, end, []uint64{BlockSize + 3}},
		{young, BlockSize + 3, nil},
	} {
		lookup := l.index.Lookup(context.Background(), nil, c.snapshot, 0)
		kept := len(l.index.cache.byKey)
		for i := range 50 {
			id := "a"
			if i > 0 {
				id = fmt.Sprint("nobody", i)
			}
			got, err := lookup.Referrers("", search.Reference{Slot: c.slot}, "Patient", domain.LogicalID(id), 0)
			if err != nil || i == 0 && !slices.Equal(got, c.want) || i > 0 && len(got) > 0 {
				t.Errorf("slot %d at %d, %s: %v, %v; want %v", c.slot, c.snapshot, id, got, err, c.want)
			}
		}
		if more := len(l.index.cache.byKey) - kept; c.slot == unused && more > 0 {
			t.Errorf("%d keys of a parameter without values are kept in memory", more)
		}
	}
}
