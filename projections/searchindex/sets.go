package searchindex

import (
	"slices"

	"fhirlog/domain/search"
	"fhirlog/projections/keys"
)

// sparseMost is up to how many offsets a part of a result is kept as a list.
const sparseMost = 512

// part is the positions of a result within one block.
type part struct {
	block uint32
	n     int32    // how many
	lows  []uint16 // ascending and unique; unless dense is set
	dense *set
}

func sparsePart(block uint32, lows []uint16) part {
	return part{block: block, n: int32(len(lows)), lows: lows}
}

func densePart(block uint32, s *set) part { return part{block: block, n: int32(s.count()), dense: s} }

func (p *part) size() int { return int(p.n) }

// into adds the part to a set.
func (p *part) into(s *set) {
	if p.dense != nil {
		s.or(p.dense)
		return
	}
	for _, low := range p.lows {
		s.add(low)
	}
}

// result is a set of positions in all blocks, by block. It is immutable.
type result []part

func (r result) size() (n int) {
	for i := range r {
		n += r[i].size()
	}
	return n
}

// find returns the part of a block, or nil.
func (r result) find(block uint32) *part {
	i, found := slices.BinarySearchFunc(r, block, func(p part, b uint32) int { return int(p.block) - int(b) })
	if !found {
		return nil
	}
	return &r[i]
}

// has says whether a position is in the result.
func (r result) has(position uint64) bool {
	p := r.find(blockOf(position))
	if p == nil {
		return false
	}
	if p.dense != nil {
		return p.dense.has(lowOf(position))
	}
	_, found := slices.BinarySearch(p.lows, lowOf(position))
	return found
}

// each calls visit for the positions in order until it returns false.
func (r result) each(visit func(position uint64) bool) bool {
	for i := range r {
		start := uint64(r[i].block) * BlockSize
		if r[i].dense != nil {
			if !r[i].dense.each(func(low uint16) bool { return visit(start + uint64(low)) }) {
				return false
			}
			continue
		}
		for _, low := range r[i].lows {
			if !visit(start + uint64(low)) {
				return false
			}
		}
	}
	return true
}

// meet is what two results have in common.
func meet(a, b result) result {
	both := make(result, 0, min(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].block < b[0].block:
			a = a[1:]
		case a[0].block > b[0].block:
			b = b[1:]
		default:
			if p := meetParts(&a[0], &b[0]); p.n > 0 {
				both = append(both, p)
			}
			a, b = a[1:], b[1:]
		}
	}
	return both
}

func meetParts(a, b *part) part {
	if a.dense != nil {
		a, b = b, a // a list first, if there is one
	}
	if a.dense != nil {
		left := *a.dense
		left.and(b.dense)
		return partOf(a.block, &left)
	}
	lows := make([]uint16, 0, len(a.lows))
	if b.dense != nil {
		for _, low := range a.lows {
			if b.dense.has(low) {
				lows = append(lows, low)
			}
		}
		return sparsePart(a.block, lows)
	}
	other := b.lows
	for _, low := range a.lows {
		for len(other) > 0 && other[0] < low {
			other = other[1:]
		}
		if len(other) > 0 && other[0] == low {
			lows = append(lows, low)
		}
	}
	return sparsePart(a.block, lows)
}

// gatherer unites postings.
type gatherer struct {
	parts map[uint32]*gathered
}

type gathered struct {
	lows  []uint16
	dense *set
}

func newGatherer() *gatherer { return &gatherer{parts: map[uint32]*gathered{}} }

func (g *gatherer) at(block uint32) *gathered {
	p := g.parts[block]
	if p == nil {
		p = &gathered{}
		g.parts[block] = p
	}
	return p
}

// addLows adds offsets.
func (g *gatherer) addLows(block uint32, lows []uint16) {
	if len(lows) == 0 {
		return
	}
	p := g.at(block)
	if p.dense == nil && len(p.lows)+len(lows) > sparseMost {
		p.makeDense()
	}
	if p.dense == nil {
		p.lows = append(p.lows, lows...)
		return
	}
	for _, low := range lows {
		p.dense.add(low)
	}
}

func (p *gathered) makeDense() {
	p.dense = new(set)
	for _, low := range p.lows {
		p.dense.add(low)
	}
	p.lows = nil
}

// addEncoded adds a posting as it is on disk.
func (g *gatherer) addEncoded(block uint32, encoded []byte) error {
	p := g.at(block)
	if p.dense == nil && len(encoded) <= sparseMost && len(p.lows)+len(encoded) <= sparseMost && len(encoded) > 0 && encoded[0] == listForm {
		var s set
		if err := addPosting(&s, encoded); err != nil {
			return err
		}
		s.each(func(low uint16) bool { p.lows = append(p.lows, low); return true })
		return nil
	}
	if p.dense == nil {
		p.makeDense()
	}
	return addPosting(p.dense, encoded)
}

func (g *gatherer) addPart(p *part) {
	if p.dense == nil {
		g.addLows(p.block, p.lows)
		return
	}
	at := g.at(p.block)
	if at.dense == nil {
		at.makeDense()
	}
	at.dense.or(p.dense)
}

func (g *gatherer) addPosition(position uint64) {
	g.addLows(blockOf(position), []uint16{lowOf(position)})
}

// result returns what was gathered; the gatherer must not be used any more.
func (g *gatherer) result() result {
	r := make(result, 0, len(g.parts))
	for block, p := range g.parts {
		if p.dense != nil {
			r = append(r, densePart(block, p.dense))
			continue
		}
		slices.Sort(p.lows)
		if p.lows = slices.Compact(p.lows); len(p.lows) > 0 {
			r = append(r, sparsePart(block, p.lows))
		}
	}
	slices.SortFunc(r, func(a, b part) int { return int(a.block) - int(b.block) })
	return r
}

// match finds the positions with a posting, ended versions included.
func (v *view) match(m search.Match) (result, error) {
	if m.Whole && m.Keep == nil {
		return v.matchKey(m.Key)
	}
	g := newGatherer()
	if m.Keep == nil {
		stored, err := v.x.cache.get(v, m.Key, false)
		if err != nil {
			return nil, err
		}
		stored = v.seen(stored)
		if !v.headsMatch(m.Key) {
			return stored, nil
		}
		for i := range stored {
			g.addPart(&stored[i])
		}
	} else if err := v.gather(g, m, 0); err != nil {
		return nil, err
	}
	v.inHeads(m.Key, m.Whole, func(h *head, e *entry) {
		if m.Keep == nil || m.Keep(valueOf([]byte(e.key))) {
			g.addLows(h.block, v.visible(h.block, e.lows))
		}
	})
	return g.result(), nil
}

// matchKey is match for one whole key.
func (v *view) matchKey(key []byte) (result, error) {
	stored, err := v.x.cache.get(v, key, true)
	if err != nil {
		return nil, err
	}
	r := v.seen(stored)
	v.inHeads(key, true, func(h *head, e *entry) {
		lows := v.visible(h.block, e.lows)
		switch {
		case len(lows) == 0:
		case len(lows) > sparseMost:
			p := gathered{lows: lows}
			p.makeDense()
			r = append(r, densePart(h.block, p.dense))
		default:
			r = append(r, sparsePart(h.block, slices.Clone(lows)))
		}
	})
	return r, nil
}

// seen cuts what the cache gave to the blocks that the view reads from the store.
func (v *view) seen(stored result) result {
	end, _ := slices.BinarySearchFunc(stored, min(v.blocks, v.stored), func(p part, b uint32) int { return int(p.block) - int(b) })
	return stored[:end:end]
}

// headsMatch says whether a block in memory has a key that begins so.
func (v *view) headsMatch(key []byte) (any bool) {
	v.inHeads(key, false, func(*head, *entry) { any = true })
	return any
}

// visible cuts ascending offsets where the snapshot ends.
func (v *view) visible(block uint32, lows []uint16) []uint16 {
	start := uint64(block) * BlockSize
	if v.snapshot >= start+BlockSize {
		return lows
	}
	end, _ := slices.BinarySearch(lows, uint16(max(v.snapshot, start)-start))
	return lows[:end]
}

// gather unites the postings of the store from a block on.
func (v *view) gather(g *gatherer, m search.Match, from uint32) error {
	var current []byte
	keep := true
	return v.keysIn(keys.Postings, m.Key, from, func(indexKey []byte, block uint32, value []byte) error {
		if m.Keep != nil && (current == nil || string(current) != string(indexKey)) {
			current = append(current[:0], indexKey...)
			keep = m.Keep(valueOf(indexKey))
		}
		if !keep {
			return nil
		}
		return g.addEncoded(block, value)
	})
}
