package definitions

// memberTable finds members by JSON name: open addressing over a hash of a few
// bytes of the name, which is several times faster than a map of strings and
// a third of its size.
type memberTable struct {
	slots   []uint16 // index+1 into members; a power of two, at most half full
	members []namedMember
}

type namedMember struct {
	name string
	Member
}

func newMemberTable(members []namedMember) memberTable {
	size := 4
	for size < 2*len(members) {
		size *= 2
	}
	t := memberTable{slots: make([]uint16, size), members: members}
	for i, m := range members {
		at := hashName(m.name) & uint32(size-1)
		for t.slots[at] != 0 {
			at = (at + 1) & uint32(size-1)
		}
		t.slots[at] = uint16(i + 1)
	}
	return t
}

func (t *memberTable) find(name []byte) (Member, bool) {
	if len(t.slots) == 0 || len(name) == 0 {
		return Member{}, false
	}
	mask := uint32(len(t.slots) - 1)
	for at := hashName(name) & mask; t.slots[at] != 0; at = (at + 1) & mask {
		if m := &t.members[t.slots[at]-1]; m.name == string(name) {
			return m.Member, true
		}
	}
	return Member{}, false
}

// hashName mixes the length with the first, a middle and the last two bytes:
// the names of one type differ there, also the many that begin with "value".
func hashName[S string | []byte](name S) uint32 {
	n := len(name)
	h := uint32(n)*0x9E3779B1 + uint32(name[0])*0x85EBCA6B
	h ^= uint32(name[n/2])*0xC2B2AE35 + uint32(name[n-1])*0x27D4EB2F
	h += uint32(name[n*3/4]) * 0x165667B1
	return h ^ h>>15
}
