package searchindex

import (
	"cmp"
	"context"
	"slices"

	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// Late values are those of parameters that were defined after the version was
// written. They are added block by block, to blocks in the store as well as to
// those in memory. Adding them again changes nothing. The caller sees to it that
// no search relies on such a parameter before all its values are there.

// Late is the late values of the version at a position.
type Late struct {
	Position uint64
	Values   *search.Values
}

// BlocksBefore returns how many blocks hold the positions below one.
func BlocksBefore(position uint64) uint32 { return uint32((position + BlockSize - 1) / BlockSize) }

// Stored returns how many blocks are in the store: the first ones.
func (x *Index) Stored() uint32 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.heads[0].block
}

// Positions appends the positions below before, within a block, that have a
// posting under one of the keys.
func (x *Index) Positions(dst []uint64, postings [][]byte, block uint32, before uint64) ([]uint64, error) {
	found, err := x.postingsIn(postings, block)
	if err != nil {
		return dst, err
	}
	start := uint64(block) * BlockSize
	if before < start+BlockSize {
		found.cutAt(int(max(before, start) - start))
	}
	found.each(func(low uint16) bool {
		dst = append(dst, start+uint64(low))
		return true
	})
	return dst, nil
}

func (x *Index) postingsIn(postings [][]byte, block uint32) (*set, error) {
	found := new(set)
	if x.inMemory(block, func(h *head) {
		for _, key := range postings {
			if e := h.byKey[string(key)]; e != nil {
				for _, low := range e.lows {
					found.add(low)
				}
			}
		}
	}) {
		return found, nil
	}
	for _, key := range postings {
		_, err := x.store.Get(keys.Index(keys.Postings, string(key), block), func(value []byte) error { return addPosting(found, value) })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// inMemory calls use under the lock if the block is in memory.
func (x *Index) inMemory(block uint32, use func(h *head)) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, h := range x.heads {
		if h.block == block {
			use(h)
			return true
		}
	}
	return false
}

// AddLate adds values to a block, in ascending order of positions that have all
// been applied. If the block is in the store, so are the values when AddLate
// returns without an error, and after them, in the order of writes, what progress
// puts into the batch; else the values are in memory, with the block, and
// progress is not called.
func (x *Index) AddLate(block uint32, list []Late, progress func(b *store.Batch)) error {
	late := newHead(block)
	for _, l := range list {
		late.add(lowOf(l.Position), l.Values)
	}
	x.writing.Lock() // no block goes from memory into the store meanwhile
	defer x.writing.Unlock()
	defer x.forgetSlots(late)
	x.mu.Lock()
	for _, h := range x.heads {
		if h.block == block {
			for _, e := range late.byKey {
				h.merge(h.entryOf(e.key, e.kind), late, e)
			}
			x.mu.Unlock()
			return nil
		}
	}
	x.mu.Unlock()
	return x.addToStore(late, progress)
}

// addToStore merges values into a block of the store.
func (x *Index) addToStore(late *head, progress func(b *store.Batch)) error {
	b := x.store.NewBatch()
	for i, e := range late.sorted() {
		merged, err := x.mergeStored(late, e)
		if err != nil {
			return err
		}
		b.Put(keys.Index(familyOf(e.kind), e.key, late.block), merged)
		if (i+1)%writesAtOnce == 0 {
			if err := b.Commit(); err != nil {
				return err
			}
		}
	}
	progress(b)
	return b.Commit()
}

// mergeStored is what an entry is in the store together with late values.
func (x *Index) mergeStored(late *head, e *entry) (merged []byte, err error) {
	all := newHead(late.block)
	at := all.entry(e.key, e.kind)
	_, err = x.store.Get(keys.Index(familyOf(e.kind), e.key, late.block), func(value []byte) error { return all.decode(at, value) })
	if err != nil {
		return nil, err
	}
	all.merge(at, late, e)
	return all.encode(at), nil
}

// entryOf returns the entry of a key, making it if it is not there.
func (h *head) entryOf(key string, kind search.EntryKind) *entry {
	if at := h.byKey[key]; at != nil {
		return at
	}
	return h.entry(key, kind)
}

// merge adds what an entry of another head holds to an entry, each value once,
// and keeps the offsets ascending.
func (h *head) merge(at *entry, other *head, e *entry) {
	at.lows = append(slices.Clip(at.lows), e.lows...)
	switch at.kind {
	case search.Column:
		at.low = append(slices.Clip(at.low), e.low...)
		at.high = append(slices.Clip(at.high), e.high...)
	case search.Forward:
		at.leads = slices.Clip(at.leads)
		for _, lead := range e.leads {
			at.leads = append(at.leads, h.target([]byte(other.targets[lead])))
		}
	}
	*at = *h.arranged(at)
}

// arranged returns an entry in the one order that its values have: by offset,
// then by value, each once. It is the entry itself if that has it already.
func (h *head) arranged(at *entry) *entry {
	compare := func(a, b int) int {
		if order := cmp.Compare(at.lows[a], at.lows[b]); order != 0 {
			return order
		}
		switch at.kind {
		case search.Column:
			return cmp.Or(cmp.Compare(at.low[a], at.low[b]), cmp.Compare(at.high[a], at.high[b]))
		case search.Forward:
			return cmp.Compare(h.targets[at.leads[a]], h.targets[at.leads[b]])
		}
		return 0
	}
	arranged := true
	for i := 1; i < len(at.lows) && arranged; i++ {
		arranged = compare(i-1, i) < 0
	}
	if arranged {
		return at
	}
	order := make([]int, len(at.lows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	order = slices.CompactFunc(order, func(a, b int) bool { return compare(a, b) == 0 })
	made := &entry{key: at.key, kind: at.kind, lows: chosenOf(at.lows, order)}
	switch at.kind {
	case search.Column:
		made.low, made.high = chosenOf(at.low, order), chosenOf(at.high, order)
	case search.Forward:
		made.leads = chosenOf(at.leads, order)
	}
	return made
}

func chosenOf[T any](all []T, order []int) []T {
	list := make([]T, len(order))
	for i, at := range order {
		list[i] = all[at]
	}
	return list
}

// RemoveSlots removes all entries of slots that no version is added to any more,
// in steps, and then writes what progress puts into the batch.
func (x *Index) RemoveSlots(ctx context.Context, slots []search.Slot, progress func(b *store.Batch)) error {
	x.removeFromHeads(slots)
	for _, slot := range slots {
		x.forget(slot)
	}
	b := x.store.NewBatch()
	for _, slot := range slots {
		for _, family := range []keys.IndexFamily{keys.Postings, keys.Columns, keys.Forwards} {
			prefix := keys.IndexPrefix(family, search.Key(slot, 0)[:4])
			for _, prefix := range [][]byte{prefix, store.ChunksOf(prefix)} {
				if err := x.removeFromStore(ctx, b, prefix); err != nil {
					return err
				}
			}
		}
	}
	progress(b)
	return b.Commit()
}

func (x *Index) removeFromHeads(slots []search.Slot) {
	x.RemoveFromMemory(func(slot search.Slot) bool { return slices.Contains(slots, slot) })
}

// RemoveFromMemory removes all entries of slots from the blocks in memory.
func (x *Index) RemoveFromMemory(gone func(slot search.Slot) bool) {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, h := range x.heads {
		for id, entries := range h.groups {
			if gone(id.slot) {
				for _, e := range entries {
					delete(h.byKey, e.key)
				}
				delete(h.groups, id)
			}
		}
	}
}

// removeFromStore removes all keys with a prefix, as many at once as a batch may
// hold.
func (x *Index) removeFromStore(ctx context.Context, b *store.Batch, prefix []byte) error {
	for {
		n := 0
		err := x.store.Scan(store.Range{Prefix: prefix, KeysOnly: true}, func(key, _ []byte) (bool, error) {
			b.Delete(slices.Clone(key))
			n++
			return n < writesAtOnce, nil
		})
		if err != nil {
			return err
		}
		if err := b.Commit(); err != nil || n < writesAtOnce {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Forget drops what is remembered of sorted results and of the postings of
// slots: a search means something else from now on.
func (x *Index) Forget(slots []search.Slot) {
	for _, slot := range slots {
		x.forget(slot)
	}
	x.sorted.clear()
}

func (x *Index) forgetSlots(late *head) {
	seen := map[search.Slot]bool{}
	for id := range late.groups {
		if !seen[id.slot] {
			seen[id.slot] = true
			x.forget(id.slot)
		}
	}
}

// forget drops the postings of a slot, those included that are being gathered.
func (c *postingCache) forget(slot search.Slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	for key, at := range c.byKey {
		if search.SlotOf([]byte(key)) == slot {
			c.bytes -= at.Value.(*cached).bytes
			delete(c.byKey, key)
			c.order.Remove(at)
		}
	}
}

// clear drops all orders, those included that are being made.
func (c *orderCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	clear(c.byID)
	c.order.Init()
	c.positions = 0
}
