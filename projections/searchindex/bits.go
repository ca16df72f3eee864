package searchindex

import "math/bits"

// BlockSize is the number of positions in a block.
const BlockSize = 1 << 14

const words = BlockSize / 64

// set is a set of positions within one block, by their offset.
type set [words]uint64

func blockOf(position uint64) uint32 { return uint32(position / BlockSize) }
func lowOf(position uint64) uint16   { return uint16(position % BlockSize) }

func (s *set) add(low uint16)      { s[low>>6] |= 1 << (low & 63) }
func (s *set) remove(low uint16)   { s[low>>6] &^= 1 << (low & 63) }
func (s *set) has(low uint16) bool { return s[low>>6]>>(low&63)&1 != 0 }

func (s *set) and(other *set) {
	for i := range s {
		s[i] &= other[i]
	}
}

func (s *set) or(other *set) {
	for i := range s {
		s[i] |= other[i]
	}
}

func (s *set) andNot(other *set) {
	for i := range s {
		s[i] &^= other[i]
	}
}

func (s *set) isEmpty() bool {
	var any uint64
	for _, w := range s {
		any |= w
	}
	return any == 0
}

func (s *set) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// fillRange adds the offsets from low to before high.
func (s *set) fillRange(low, high int) {
	for i := low; i < high; {
		if i&63 == 0 && high-i >= 64 {
			s[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		s.add(uint16(i))
		i++
	}
}

// cutAt removes the offsets from n on.
func (s *set) cutAt(n int) {
	if n >= BlockSize {
		return
	}
	word := n >> 6
	s[word] &= 1<<(n&63) - 1
	clear(s[word+1:])
}

// each calls visit for the offsets in order until it returns false.
func (s *set) each(visit func(low uint16) bool) bool {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !visit(uint16(i<<6 + bits.TrailingZeros64(w))) {
				return false
			}
		}
	}
	return true
}

// eachDown is each in the opposite order.
func (s *set) eachDown(visit func(low uint16) bool) bool {
	for i := words - 1; i >= 0; i-- {
		for w := s[i]; w != 0; {
			top := 63 - bits.LeadingZeros64(w)
			w &^= 1 << top
			if !visit(uint16(i<<6 + top)) {
				return false
			}
		}
	}
	return true
}

func onesIn(word uint64) int { return bits.OnesCount64(word) }
