package definitions

import (
	"encoding/binary"
	"math/bits"
)

// memberTable finds members by JSON name: open addressing over a hash of the
// first bytes of the name, which is several times faster than a map of strings
// and half its size.
type memberTable struct {
	slots   []uint16 // index+1 into members; a power of two, at most half full
	shift   uint8    // from a hash to a slot
	members []namedMember
}

type namedMember struct {
	start uint64 // startOf the name
	name  string
	Member
}

func newMemberTable(members []namedMember) memberTable {
	size := 4
	for size < 2*len(members) {
		size *= 2
	}
	t := memberTable{slots: make([]uint16, size), shift: uint8(64 - bits.TrailingZeros(uint(size))), members: members}
	for i := range members {
		m := &members[i]
		m.start = startOf([]byte(m.name))
		at := t.first(m.start, len(m.name))
		for t.slots[at] != 0 {
			at = (at + 1) & uint(size-1)
		}
		t.slots[at] = uint16(i + 1)
	}
	return t
}

func (t *memberTable) find(name []byte) (Member, bool) {
	if len(t.slots) == 0 || len(name) == 0 {
		return Member{}, false
	}
	start := startOf(name)
	mask := uint(len(t.slots) - 1)
	for at := t.first(start, len(name)) & mask; t.slots[at] != 0; at = (at + 1) & mask {
		m := &t.members[t.slots[at]-1]
		if m.start == start && len(m.name) == len(name) && (len(name) <= 8 || m.name[8:] == string(name[8:])) {
			return m.Member, true
		}
	}
	return Member{}, false
}

// first is the slot at which a name is looked for first.
func (t *memberTable) first(start uint64, length int) uint {
	return uint((start + uint64(length)<<56) * 0x9E3779B97F4A7C15 >> (t.shift & 63))
}

// startOf is the first eight bytes of a name that is not empty, or all if there
// are fewer: by few loads, some of which overlap.
func startOf(name []byte) uint64 {
	n := len(name)
	if n >= 8 {
		return binary.LittleEndian.Uint64(name)
	}
	return shortStart(name, n)
}

func shortStart(name []byte, n int) uint64 {
	if n >= 4 {
		return uint64(binary.LittleEndian.Uint32(name[n-4:]))<<(8*(n-4)&63) | uint64(binary.LittleEndian.Uint32(name))
	}
	return uint64(name[0]) | uint64(name[n/2])<<(8*(n/2)&63) | uint64(name[n-1])<<(8*(n-1)&63)
}
