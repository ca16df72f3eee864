package fhirjson

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// fewMembers is the size up to which an object's member names are checked as
// they come: a bit set of name hashes says "new" for nearly all of them, and
// the few others are compared with each earlier name. Objects with more
// members are checked when they end, by sorting hashes; that cannot become
// quadratic.
const fewMembers = 32

// checkName refuses the name of member n, of length bytes as spelled, if it is
// too long or repeats another one of the object f.
func (p *parser) checkName(n *node, f *frame, length int) *SyntaxError {
	if length > greatestName {
		return p.longName(n)
	}
	var bit uint64
	if n.flags&nameEscaped == 0 {
		bit = nameBit(p.src, int(n.name)+1, length)
	} else {
		p.nameScratch = appendUnescaped(p.nameScratch[:0], spelledName(p.src, n))
		bit = nameBit(p.nameScratch, 0, len(p.nameScratch))
	}
	if f.names&bit == 0 {
		f.names |= bit
		return nil
	}
	if f.count > fewMembers {
		return nil
	}
	for i := f.node + 1; i != f.last; i = p.nodes[i].next {
		if sameName(p.src, &p.nodes[i], n) {
			return p.duplicate(n)
		}
	}
	return nil
}

// nameBit hashes the name of n bytes at src[i:] to one of 64 bits. Length and
// first eight bytes tell nearly all names of one object apart.
func nameBit(src []byte, i, n int) uint64 {
	var h uint64
	if len(src)-i >= 8 {
		h = binary.LittleEndian.Uint64(src[i:]) & (1<<(8*uint(n)) - 1)
	} else {
		for k := min(n, 8) - 1; k >= 0; k-- {
			h = h<<8 | uint64(src[i+k])
		}
	}
	return 1 << ((h + uint64(n)) * 0x9E3779B97F4A7C15 >> 58)
}

func sameName(src []byte, a, b *node) bool {
	if (a.flags|b.flags)&nameEscaped == 0 {
		return a.nameLen == b.nameLen && bytes.Equal(spelledName(src, a), spelledName(src, b))
	}
	return bytes.Equal(decodedName(src, a), decodedName(src, b))
}

// nameSeed makes name hashes unpredictable, so that nobody can send names that
// collide.
var nameSeed = maphash.MakeSeed()

// findDuplicate returns the first member of the object f that repeats the name
// of an earlier one, nil if there is none.
func (p *parser) findDuplicate(f *frame) *node {
	hashes := p.hashes[:0]
	for i := f.node + 1; i != 0; i = p.nodes[i].next {
		n := &p.nodes[i]
		name := spelledName(p.src, n)
		if n.flags&nameEscaped != 0 {
			p.nameScratch = appendUnescaped(p.nameScratch[:0], name)
			name = p.nameScratch
		}
		hashes = append(hashes, maphash.Bytes(nameSeed, name)&^0xFFFFFFFF|uint64(i))
	}
	slices.Sort(hashes)
	var first *node
	for k := 0; k < len(hashes); {
		end := k + 1
		for end < len(hashes) && hashes[end]>>32 == hashes[k]>>32 {
			end++
		}
		if twin := p.firstTwin(hashes[k:end]); twin != nil && (first == nil || twin.name < first.name) {
			first = twin
		}
		k = end
	}
	if cap(hashes) <= pooledNodes {
		p.hashes = hashes
	}
	return first
}

// firstTwin returns the first of the members with equal hashes that has the
// name of an earlier one. Several different names in one group are rare, so
// comparing each with each is cheap.
func (p *parser) firstTwin(group []uint64) *node {
	for k := 1; k < len(group); k++ {
		later := &p.nodes[uint32(group[k])]
		for _, earlier := range group[:k] {
			if sameName(p.src, &p.nodes[uint32(earlier)], later) {
				return later
			}
		}
	}
	return nil
}
