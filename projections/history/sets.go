package history

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"fhirlog/domain"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// BlockSize is the number of positions in a block.
const BlockSize = 1 << 16

// System is the type under which the positions of all types are kept.
const System domain.ResourceType = ""

// Sets answers which positions wrote versions of a type.
type Sets struct {
	store *store.Store

	mu    sync.RWMutex                    // guards the fields below
	open  map[setID]*roaring.Bitmap       // the head, and what the running batch has changed
	sizes map[domain.ResourceType][]sized // sets on disk by ascending block, also those open
}

// setID names the set of one type within one block.
type setID struct {
	resourceType domain.ResourceType
	block        uint32
}

type sized struct {
	block uint32
	size  uint32
}

func blockOf(position uint64) uint32 { return uint32(position / BlockSize) }
func lowOf(position uint64) uint32   { return uint32(position % BlockSize) }

// openSets reads the sizes of all sets.
func openSets(s *store.Store) (*Sets, error) {
	sets := &Sets{store: s, open: map[setID]*roaring.Bitmap{}, sizes: map[domain.ResourceType][]sized{}}
	err := s.Scan(store.Range{Prefix: keys.Sizes()}, func(key, value []byte) (bool, error) {
		t, block, ok := keys.ParseSize(key)
		n, length := binary.Uvarint(value)
		if !ok || length != len(value) || length <= 0 || n > BlockSize {
			return false, fmt.Errorf("the size of a history set is damaged; remove the projections folder to rebuild it")
		}
		sets.sizes[t] = append(sets.sizes[t], sized{block, uint32(n)})
		return true, nil
	})
	return sets, err
}

// load returns a copy of a set; nil if there is none.
func (s *Sets) load(id setID) (*roaring.Bitmap, error) {
	s.mu.RLock()
	if set, isOpen := s.open[id]; isOpen {
		set = set.Clone()
		s.mu.RUnlock()
		return set, nil
	}
	s.mu.RUnlock()
	return s.stored(id)
}

func (s *Sets) stored(id setID) (*roaring.Bitmap, error) {
	var set *roaring.Bitmap
	_, err := s.store.Get(keys.Set(id.resourceType, id.block), func(value []byte) error {
		set = roaring.New()
		if err := set.UnmarshalBinary(value); err != nil {
			return fmt.Errorf("a history set is damaged; remove the projections folder to rebuild it: %w", err)
		}
		return nil
	})
	return set, err
}

// blocks lists the blocks of a type within [from, before) with their sizes.
func (s *Sets) blocks(t domain.ResourceType, from, before uint64) []sized {
	if from >= before {
		return nil
	}
	first, last := blockOf(from), blockOf(before-1)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []sized
	for _, b := range s.sizes[t] {
		if _, isOpen := s.open[setID{t, b.block}]; !isOpen && b.block >= first && b.block <= last {
			list = append(list, b)
		}
	}
	for id, set := range s.open {
		if id.resourceType == t && id.block >= first && id.block <= last {
			list = append(list, sized{id.block, uint32(set.GetCardinality())})
		}
	}
	slices.SortFunc(list, func(a, b sized) int { return int(a.block) - int(b.block) })
	return list
}

// Removed tells which positions were taken out of the set of a type lately, and are
// to be seen still; nil stands for none. It is asked after a set was read, and must
// know of all that is missing there by then.
type Removed func() (positions []uint64, err error)

// within are the positions in [from, before).
func (r Removed) within(from, before uint64) (positions []uint64, err error) {
	if r == nil {
		return nil, nil
	}
	positions, err = r()
	return slices.DeleteFunc(positions, func(p uint64) bool { return p < from || p >= before }), err
}

// whole returns the set of a block with what was removed; nil if there is nothing.
func (s *Sets) whole(id setID, removed Removed) (*roaring.Bitmap, error) {
	set, err := s.load(id)
	if err != nil {
		return nil, err
	}
	start := uint64(id.block) * BlockSize
	positions, err := removed.within(start, start+BlockSize)
	if len(positions) > 0 && set == nil {
		set = roaring.New()
	}
	for _, position := range positions {
		set.Add(lowOf(position))
	}
	return set, err
}

// some is a block that holds something, with the size of its set; unsure, where that
// is not the number of positions to be seen.
type some struct {
	sized
	unsure bool
}

// allBlocks lists the blocks within [from, before), also those with removed positions
// alone.
func (s *Sets) allBlocks(t domain.ResourceType, from, before uint64, removed Removed) ([]some, error) {
	var list []some
	for _, b := range s.blocks(t, from, before) {
		list = append(list, some{sized: b})
	}
	positions, err := removed.within(from, before)
	for _, position := range positions {
		block := blockOf(position)
		i, found := slices.BinarySearchFunc(list, block, func(b some, block uint32) int { return cmp.Compare(b.block, block) })
		if !found {
			list = slices.Insert(list, i, some{sized: sized{block: block}})
		}
		list[i].unsure = true
	}
	return list, err
}

// Count returns how many positions of type t lie in [from, before).
func (s *Sets) Count(t domain.ResourceType, from, before uint64, removed Removed) (int, error) {
	blocks, err := s.allBlocks(t, from, before, removed)
	total := 0
	for _, b := range blocks {
		start := uint64(b.block) * BlockSize
		if !b.unsure && from <= start && start+BlockSize <= before {
			total += int(b.size)
			continue
		}
		set, err := s.whole(setID{t, b.block}, removed)
		if err != nil {
			return 0, err
		}
		total += countWithin(set, start, from, before)
	}
	return total, err
}

func countWithin(set *roaring.Bitmap, start, from, before uint64) int {
	if set == nil {
		return 0
	}
	low, high := uint64(0), uint64(BlockSize)
	if from > start {
		low = from - start
	}
	if before < start+BlockSize {
		high = before - start
	}
	n := set.Rank(uint32(high - 1))
	if low > 0 {
		n -= set.Rank(uint32(low - 1))
	}
	return int(n)
}

// Walk calls fn for the positions of type t in [from, before), upwards or
// downwards, until fn returns false.
func (s *Sets) Walk(t domain.ResourceType, from, before uint64, down bool, removed Removed, fn func(position uint64) (bool, error)) error {
	blocks, err := s.allBlocks(t, from, before, removed)
	if err != nil {
		return err
	}
	if down {
		slices.Reverse(blocks)
	}
	for _, b := range blocks {
		set, err := s.whole(setID{t, b.block}, removed)
		if err != nil {
			return err
		}
		if set == nil {
			continue
		}
		more, err := walkSet(set, uint64(b.block)*BlockSize, from, before, down, fn)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func walkSet(set *roaring.Bitmap, start, from, before uint64, down bool, fn func(uint64) (bool, error)) (bool, error) {
	low, high := max(from, start), min(before, start+BlockSize)
	next := upwards(set, uint32(low-start))
	if down {
		next = downwards(set, uint32(high-1-start))
	}
	for {
		offset, ok := next()
		position := start + uint64(offset)
		if !ok || position < low || position >= high {
			return true, nil
		}
		if more, err := fn(position); err != nil || !more {
			return false, err
		}
	}
}

func upwards(set *roaring.Bitmap, from uint32) func() (uint32, bool) {
	it := set.Iterator()
	it.AdvanceIfNeeded(from)
	return func() (uint32, bool) {
		if !it.HasNext() {
			return 0, false
		}
		return it.Next(), true
	}
}

// downwards finds its start by rank, then takes batches: a reverse iterator of
// roaring cannot be positioned.
func downwards(set *roaring.Bitmap, from uint32) func() (uint32, bool) {
	rank := set.Rank(from)
	return func() (uint32, bool) {
		if rank == 0 {
			return 0, false
		}
		rank--
		offset, err := set.Select(uint32(rank))
		return offset, err == nil
	}
}
