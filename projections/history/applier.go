package history

import (
	"encoding/binary"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// FlushEvery is how many positions may pass before the head is written: the
// most that a start has to apply again, besides what Badger lost.
const FlushEvery = 8192

// Applier adds events to the sets. Its methods belong to one goroutine.
type Applier struct {
	*Sets
	lookup  func(position uint64) (event.Event, error)
	through uint64 // records applied
	flushed uint64 // records whose positions are in the written sets
	pending []setID
}

// Open reads what is needed of the sets and returns an Applier that expects the
// event at position cursor next, which is the value of keys.HistoryCursor. lookup
// reads an event from the log.
func Open(s *store.Store, cursor uint64, lookup func(position uint64) (event.Event, error)) (*Applier, error) {
	sets, err := openSets(s)
	if err != nil {
		return nil, err
	}
	a := &Applier{Sets: sets, lookup: lookup, through: cursor, flushed: cursor}
	return a, a.openHead()
}

// openHead brings the written part of the newest block into memory.
func (a *Applier) openHead() error {
	head := blockOf(a.through)
	for t, list := range a.sizes {
		if len(list) == 0 || list[len(list)-1].block != head {
			continue
		}
		set, err := a.stored(setID{t, head})
		if err != nil {
			return err
		}
		if set != nil {
			a.open[setID{t, head}] = set
		}
	}
	return nil
}

// Through returns how many records have been applied.
func (a *Applier) Through() uint64 { return a.through }

// Apply adds the effect of the event at position; positions before Through are
// passed over.
func (a *Applier) Apply(position uint64, e event.Event) error {
	if position < a.through {
		return nil
	}
	a.through = position + 1
	switch e.Kind { // administrative events are in no history
	case event.Written, event.Deleted:
		if e.IDErased {
			return nil // it was erased since, and nothing answers with it
		}
		if err := a.add(e.Type, position); err != nil {
			return err
		}
		if e.DropsPrevious && e.Previous != event.NoPosition {
			return a.remove(e.Type, e.Previous)
		}
		return nil
	case event.HistoryPurged:
		current, err := a.lookup(e.Previous)
		if err != nil {
			return err
		}
		return a.removeBack(e.Type, current.Previous)
	case event.Erased:
		return a.removeBack(e.Type, e.Previous)
	}
	return nil
}

func (a *Applier) removeBack(t domain.ResourceType, position uint64) error {
	for position != event.NoPosition {
		if err := a.remove(t, position); err != nil {
			return err
		}
		at, err := a.lookup(position)
		if err != nil {
			return err
		}
		position = at.Previous
	}
	return nil
}

func (a *Applier) add(t domain.ResourceType, position uint64) error {
	return a.change(t, position, func(set *roaring.Bitmap, low uint32) { set.Add(low) })
}

func (a *Applier) remove(t domain.ResourceType, position uint64) error {
	return a.change(t, position, func(set *roaring.Bitmap, low uint32) { set.Remove(low) })
}

func (a *Applier) change(t domain.ResourceType, position uint64, do func(set *roaring.Bitmap, low uint32)) error {
	for _, resourceType := range [...]domain.ResourceType{t, System} {
		set, err := a.forChange(setID{resourceType, blockOf(position)})
		if err != nil {
			return err
		}
		a.mu.Lock()
		do(set, lowOf(position))
		a.mu.Unlock()
	}
	return nil
}

// forChange returns an open set. Only this goroutine opens sets, so looking
// without the lock is safe here.
func (a *Applier) forChange(id setID) (*roaring.Bitmap, error) {
	if set, isOpen := a.open[id]; isOpen {
		return set, nil
	}
	set, err := a.stored(id)
	if err != nil {
		return nil, err
	}
	if set == nil {
		set = roaring.New()
	}
	a.mu.Lock()
	a.open[id] = set
	a.mu.Unlock()
	return set, nil
}

// Finish writes what must be on disk with this batch: changed sets of older
// blocks, and everything when the head is due. It is followed by the commit of
// the batch and then by Committed.
func (a *Applier) Finish(b *store.Batch, flush bool) {
	head := blockOf(a.through)
	due := flush || a.through-a.flushed >= FlushEvery || head != blockOf(a.flushed)
	a.pending = a.pending[:0]
	for id := range a.open {
		if due || id.block != head {
			a.pending = append(a.pending, id)
		}
	}
	slices.SortFunc(a.pending, compareSets)
	for _, id := range a.pending {
		a.write(b, id)
	}
	if due {
		b.Put(keys.HistoryCursor, binary.BigEndian.AppendUint64(nil, a.through))
		a.flushed = a.through
	}
}

func compareSets(x, y setID) int {
	if x.block != y.block {
		return int(x.block) - int(y.block)
	}
	if x.resourceType < y.resourceType {
		return -1
	}
	return 1
}

// write puts one set and its size into the batch. The form of a set depends
// only on its members, so that a rebuild gives the same bytes.
func (a *Applier) write(b *store.Batch, id setID) {
	set := a.open[id].Clone()
	if set.IsEmpty() {
		b.Delete(keys.Set(id.resourceType, id.block))
		b.Delete(keys.Size(id.resourceType, id.block))
		return
	}
	canonical := roaring.New()
	canonical.AddMany(set.ToArray())
	canonical.RunOptimize()
	bytes, err := canonical.MarshalBinary()
	if err != nil {
		panic("history: a bitmap in memory cannot be written: " + err.Error())
	}
	b.Put(keys.Set(id.resourceType, id.block), bytes)
	b.Put(keys.Size(id.resourceType, id.block), binary.AppendUvarint(nil, set.GetCardinality()))
}

// Committed is called when the batch is in the store: what was written is read
// from there from now on, but for the head.
func (a *Applier) Committed() {
	head := blockOf(a.through)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range a.pending {
		a.resizeLocked(id, uint32(a.open[id].GetCardinality()))
		if id.block != head {
			delete(a.open, id)
		}
	}
	a.pending = a.pending[:0]
}

func (a *Applier) resizeLocked(id setID, size uint32) {
	list := a.sizes[id.resourceType]
	i, found := slices.BinarySearchFunc(list, id.block, func(s sized, block uint32) int { return int(s.block) - int(block) })
	switch {
	case found && size == 0:
		list = slices.Delete(list, i, i+1)
	case found:
		list[i].size = size
	case size > 0:
		list = slices.Insert(list, i, sized{id.block, size})
	}
	a.sizes[id.resourceType] = list
}
