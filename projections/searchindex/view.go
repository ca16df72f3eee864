package searchindex

import (
	"context"

	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// view is the index as of a snapshot, for one search. It belongs to one
// goroutine.
type view struct {
	x        *Index
	ctx      context.Context // of the search; a view lives no longer
	snapshot uint64          // positions below are seen
	horizon  uint64          // what events from here on have removed is seen still
	began    uint64          // records that were applied when the view was made
	blocks   uint32          // blocks that may hold something: 0 to blocks-1
	stored   uint32          // blocks that are read from the store: 0 to stored-1
	heads    []*head
	back     map[uint32][]ending // endings by events in memory that this view does not see
	live     map[uint32]*set     // computed live sets, for views of the past
	steps    []string            // what was done, for explanation
}

// view makes a view. A horizon of 0 means all that is applied by now; one below the
// snapshot would mean that the snapshot itself has removed nothing.
func (x *Index) view(ctx context.Context, snapshot, horizon uint64) *view {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if horizon == 0 {
		horizon = x.through
	}
	v := &view{x: x, ctx: ctx, snapshot: snapshot, horizon: max(horizon, snapshot), began: x.through, heads: x.heads, stored: x.heads[0].block}
	if snapshot > 0 {
		v.blocks = blockOf(snapshot-1) + 1
	}
	for i := len(v.heads) - 1; i >= 0; i-- {
		more := true
		v.heads[i].endingsDown(func(e ending) bool {
			if more = e.by >= snapshot; more {
				if v.back == nil {
					v.back = map[uint32][]ending{}
				}
				v.back[blockOf(e.position)] = append(v.back[blockOf(e.position)], e)
			}
			return more
		})
		if !more {
			break
		}
	}
	return v
}

// isPast says whether endings in the store are beyond the snapshot.
func (v *view) isPast() bool { return v.blocks <= v.stored && v.snapshot < uint64(v.stored)*BlockSize }

// liveIn computes which positions of a block are versions that are current as of
// the snapshot, as far as that depends on endings: what is no version at all is
// in it too.
func (v *view) liveIn(block uint32, live *set) error {
	if known := v.live[block]; known != nil {
		*live = *known
		return nil
	}
	dead, removed, stored, err := v.deadNow(block, live)
	if err != nil {
		return err
	}
	if dead == nil {
		v.cut(block, live)
		return nil
	}
	if stored || v.isPast() {
		if err := v.revive(block, dead); err != nil {
			return err
		}
	}
	dead.or(removed)
	for i := range live {
		live[i] = ^dead[i]
	}
	v.cut(block, live)
	if v.isPast() {
		if v.live == nil {
			v.live = map[uint32]*set{}
		}
		kept := *live
		v.live[block] = &kept
	}
	return nil
}

// allLive says that the whole block is seen, and that no version in it has ended.
func (v *view) allLive(block uint32) bool {
	if uint64(block+1)*BlockSize > v.snapshot {
		return false
	}
	v.x.mu.RLock()
	defer v.x.mu.RUnlock()
	return int(block) >= len(v.x.dead) || v.x.dead[block] == nil
}

// deadNow returns which versions of a block have ended as far as the blocks in
// memory tell, and which are removed; stored says that endings in the store
// were made since the view was. Where all endings are before the snapshot, it
// fills live and returns nil.
//
// What was removed beyond the horizon counts as removed still if the snapshot did
// not see it before either: another event had ended it by then.
func (v *view) deadNow(block uint32, live *set) (dead, removed *set, stored bool, err error) {
	x := v.x
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ended set
	if int(block) < len(x.dead) && x.dead[block] != nil {
		ended = *x.dead[block]
	}
	if x.through == v.began && len(v.back[block]) == 0 && !v.isPast() {
		for i := range live {
			live[i] = ^ended[i]
		}
		return nil, nil, false, nil
	}
	removed = new(set)
	if int(block) < len(x.removed) && x.removed[block] != nil {
		*removed = *x.removed[block]
	}
	err = x.recent.since(v.horizon, func(m *Removal) bool {
		if blockOf(m.Position) == block && m.Ended >= v.snapshot {
			removed.remove(lowOf(m.Position))
		}
		return true
	})
	if err != nil {
		return nil, nil, false, err
	}
	for _, e := range v.back[block] {
		ended.remove(lowOf(e.position))
	}
	// What ended since the view was made is undone under the lock that the sets
	// are read under: both are of one moment.
	last := v.heads[len(v.heads)-1]
	undo := func(h *head) {
		h.endingsDown(func(e ending) bool {
			if e.by >= v.began && blockOf(e.position) == block {
				ended.remove(lowOf(e.position))
			}
			return e.by >= v.began
		})
	}
	undo(last)
	for _, h := range x.heads {
		if h.block > last.block {
			undo(h)
		}
	}
	dead = new(set)
	*dead = ended
	return dead, removed, x.heads[0].block > last.block+1, nil
}

// revive takes the endings by events from the snapshot on out of a set.
func (v *view) revive(block uint32, dead *set) error {
	if dead.isEmpty() {
		return nil
	}
	first := blockOf(v.snapshot)
	r := store.Range{Prefix: keys.EndingsOf(block), Start: keys.Endings(block, first)}
	// A version may have ended before the snapshot and have been removed later.
	var before set
	err := v.x.store.Scan(r, func(key, value []byte) (bool, error) {
		_, by, ok := keys.ParseEndings(key)
		if !ok {
			return false, errDamaged
		}
		return true, readEndings(value, block, by, func(e ending) {
			if e.by >= v.snapshot {
				dead.remove(lowOf(e.position))
			} else {
				before.add(lowOf(e.position))
			}
		})
	})
	dead.or(&before)
	return err
}

// cut removes what the snapshot does not see.
func (v *view) cut(block uint32, s *set) {
	if start := uint64(block) * BlockSize; v.snapshot < start+BlockSize {
		s.cutAt(int(max(v.snapshot, start) - start))
	}
}

// keysIn calls visit for every key of a family that begins with key, or is key,
// and every block of the store that the view sees: by key, then block.
func (v *view) keysIn(f keys.IndexFamily, key []byte, from uint32, visit func(indexKey []byte, block uint32, value []byte) error) error {
	if v.stored == 0 {
		return nil
	}
	r := store.Range{Prefix: keys.IndexPrefix(f, key)}
	if from > 0 { // of a whole key
		r.Start = keys.Index(f, string(key), from)
	}
	seen := 0
	return v.x.store.Scan(r, func(storeKey, value []byte) (bool, error) {
		if seen++; seen%1024 == 0 && v.ctx.Err() != nil {
			return false, v.ctx.Err()
		}
		indexKey, block, ok := keys.ParseIndex(storeKey)
		if !ok {
			return false, errDamaged
		}
		if block >= v.stored || block >= v.blocks {
			return true, nil
		}
		return true, visit(indexKey, block, value)
	})
}

// inHeads calls visit for the entries in memory, under the lock.
func (v *view) inHeads(key []byte, whole bool, visit func(h *head, e *entry)) {
	v.x.mu.RLock()
	defer v.x.mu.RUnlock()
	for _, h := range v.heads {
		if h.block < v.blocks {
			h.matching(key, whole, func(e *entry) { visit(h, e) })
		}
	}
}

// valueOf is the value part of an index key.
func valueOf(indexKey []byte) []byte { return search.ValueOf(indexKey) }
