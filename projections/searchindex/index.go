package searchindex

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"fhirlog/domain/event"
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// headsInMemory is how many full blocks may wait to be written before the
// applier waits too.
const headsInMemory = 2

// Index is the search index of one log: an applier that adds events, a writer
// that puts full blocks into the store, and views that read both.
type Index struct {
	store   *store.Store
	lookup  func(position uint64) (event.Event, error)
	cache   *postingCache
	columns *lru[columnID, *column]
	names   *lru[string, columnNames]
	sorted  *orderCache
	turns   *turns // of sorts

	// writing is held while a block goes from memory into the store, and while
	// late values are added to blocks, wherever these are. It is taken before mu.
	writing sync.Mutex

	mu      sync.RWMutex // guards the fields below and the content of the last head
	heads   []*head      // blocks in memory; all but the last are full
	dead    []*set       // by block: versions that have ended; nil: none
	removed []*set       // by block: versions that are not found as of any instant
	recent  recent       // which of them were removed lately
	failure error        // why full blocks are not written any more

	full    chan struct{} // a head is full, or was written; capacity 1
	written chan struct{}

	through uint64 // records applied; owned by the applier
}

// Open reads what is kept in memory and returns an Index that expects the event
// at position Through next. cursor is the value of keys.IndexCursor, saved that
// of keys.SavedCursor. lookup reads an event from the log.
func Open(s *store.Store, cursor, saved uint64, lookup func(position uint64) (event.Event, error)) (*Index, error) {
	if cursor%BlockSize != 0 {
		return nil, errDamaged
	}
	x := &Index{
		store: s, lookup: lookup, cache: newPostingCache(postingCacheBytes), sorted: newOrderCache(orderCachePositions), turns: newTurns(sortBytes),
		columns: newLRU[columnID, *column](columnsBytes), names: newLRU[string, columnNames](columnNamesBytes),
		heads: []*head{newHead(blockOf(cursor))}, through: cursor,
		full: make(chan struct{}, 1), written: make(chan struct{}, 1),
	}
	if err := x.readEndings(blockOf(cursor)); err != nil {
		return nil, err
	}
	if err := x.load(saved); err != nil {
		return nil, err
	}
	x.ForgetRemovals(x.through)
	return x, nil
}

// readEndings finds out which versions have ended by events before a block.
func (x *Index) readEndings(before uint32) error {
	return x.store.Scan(store.Range{Prefix: keys.AllEndings()}, func(key, value []byte) (bool, error) {
		block, by, ok := keys.ParseEndings(key)
		if !ok {
			return false, errDamaged
		}
		if by >= before {
			return true, nil // from before an unclean stop; comes again
		}
		return true, readEndings(value, block, by, func(e ending) { x.markLocked(e) })
	})
}

// Through returns how many records have been applied.
func (x *Index) Through() uint64 { return x.through }

// Apply adds the effect of the event at position; positions before Through are
// passed over. values are the index values of what the event wrote, nil if it
// wrote nothing.
func (x *Index) Apply(position uint64, e event.Event, values *search.Values) error {
	if position < x.through {
		return nil
	}
	ends, err := x.endings(position, e)
	if err != nil {
		return err
	}
	if err := x.makeRoom(position); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.heads[len(x.heads)-1]
	if values != nil {
		h.add(lowOf(position), values)
	}
	for i := range ends {
		h.ended = append(h.ended, ends[i].ending)
		if ends[i].removed && !has(x.removed, ends[i].position) { // by this event first
			x.recent.add(ends[i].removal(&e), e.IDErased)
		}
		x.markLocked(ends[i].ending)
	}
	x.through = position + 1
	return nil
}

// ended is a version that an event ends, or removes after another event had ended it.
type ended struct {
	ending
	before uint64 // position of that other event, or of the event itself
}

// removal is what is kept of an ending that removes.
func (e *ended) removal(by *event.Event) Removal {
	return Removal{
		Position: e.position, By: e.by, Ended: e.before, Type: by.Type, ID: by.ID,
		Last: by.Kind == event.Erased && e.position == by.Previous,
	}
}

// endings lists the versions that an event ends.
func (x *Index) endings(position uint64, e event.Event) ([]ended, error) {
	switch e.Kind {
	case event.Written, event.Deleted:
		if e.Previous == event.NoPosition {
			return nil, nil
		}
		return []ended{{ending{position: e.Previous, by: position, removed: e.DropsPrevious}, position}}, nil
	case event.HistoryPurged:
		current, err := x.lookup(e.Previous)
		if err != nil {
			return nil, err
		}
		return x.removedBack(position, e.Previous, current.Previous)
	case event.Erased:
		return x.removedBack(position, position, e.Previous)
	}
	return nil, nil
}

// removedBack lists a version, which an event before has ended, and all before it.
func (x *Index) removedBack(by, before, position uint64) (list []ended, err error) {
	for position != event.NoPosition {
		list = append(list, ended{ending{position: position, by: by, removed: true}, before})
		at, err := x.lookup(position)
		if err != nil {
			return nil, err
		}
		before, position = position, at.Previous
	}
	return list, nil
}

func (x *Index) markLocked(e ending) {
	mark(&x.dead, e.position)
	if e.removed {
		mark(&x.removed, e.position)
	}
}

func mark(sets *[]*set, position uint64) {
	block := int(blockOf(position))
	for len(*sets) <= block {
		*sets = append(*sets, nil)
	}
	if (*sets)[block] == nil {
		(*sets)[block] = new(set)
	}
	(*sets)[block].add(lowOf(position))
}

func has(sets []*set, position uint64) bool {
	block := int(blockOf(position))
	return block < len(sets) && sets[block] != nil && sets[block].has(lowOf(position))
}

// makeRoom begins a new head when position is beyond the current one, and waits
// while too many are full.
func (x *Index) makeRoom(position uint64) error {
	for {
		x.mu.Lock()
		if x.failure != nil {
			defer x.mu.Unlock()
			return x.failure
		}
		last := x.heads[len(x.heads)-1].block
		if last == blockOf(position) {
			x.mu.Unlock()
			return nil
		}
		if len(x.heads) <= headsInMemory {
			x.heads = append(x.heads, newHead(last+1))
			x.mu.Unlock()
			signal(x.full)
			continue
		}
		x.mu.Unlock()
		<-x.written
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Write puts full blocks into the store until ctx ends, and then those that are
// full by then. It must run while Apply is called, and returns the first failure.
func (x *Index) Write(ctx context.Context) error {
	for {
		stopping := ctx.Err() != nil
		for {
			h := x.oldestFull()
			if h == nil {
				break
			}
			if err := x.write(h); err != nil {
				err = fmt.Errorf("write the search index: %w", err)
				x.mu.Lock()
				x.failure = err
				x.mu.Unlock()
				signal(x.written)
				return err
			}
		}
		if stopping {
			return nil
		}
		select {
		case <-x.full:
		case <-ctx.Done():
		}
	}
}

func (x *Index) oldestFull() *head {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if len(x.heads) > 1 {
		return x.heads[0]
	}
	return nil
}

// writesAtOnce bounds the memory that a block takes while it is written.
const writesAtOnce = 8192

// write puts one full block into the store, its cursor last, and lets go of it.
func (x *Index) write(h *head) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	b := x.store.NewBatch()
	n := 0
	put := func(key, value []byte) error {
		b.Put(key, value)
		if n++; n%writesAtOnce == 0 {
			return b.Commit()
		}
		return nil
	}
	for _, e := range h.sorted() {
		if err := put(keys.Index(familyOf(e.kind), e.key, h.block), h.encode(e)); err != nil {
			return err
		}
	}
	ended := slices.Clone(h.ended)
	slices.SortFunc(ended, compareEndings)
	for start := 0; start < len(ended); {
		end := start + 1
		for end < len(ended) && blockOf(ended[end].position) == blockOf(ended[start].position) {
			end++
		}
		if err := put(keys.Endings(blockOf(ended[start].position), h.block), appendEndings(nil, ended[start:end])); err != nil {
			return err
		}
		start = end
	}
	for n := range h.saved {
		b.Delete(keys.SavedHead(h.block, n))
	}
	b.Put(keys.IndexCursor, binary.BigEndian.AppendUint64(nil, uint64(h.block+1)*BlockSize))
	if err := b.Commit(); err != nil {
		return err
	}
	x.mu.Lock()
	x.heads = slices.Clone(x.heads[1:])
	x.mu.Unlock()
	signal(x.written)
	return nil
}

func familyOf(kind search.EntryKind) keys.IndexFamily {
	switch kind {
	case search.Column:
		return keys.Columns
	case search.Forward:
		return keys.Forwards
	}
	return keys.Postings
}
