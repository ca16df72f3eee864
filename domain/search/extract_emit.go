package search

import (
	"encoding/binary"
	"hash/maphash"

	"fhirlog/domain/fhirjson"
)

// start begins the key of a value. It answers false where only the value itself
// counts, as for the components of composites.
func (x *extractor) start(a *action, aspect Aspect) bool {
	if a.part >= 0 {
		x.key = x.key[:0]
		return aspect == AspectValue
	}
	x.key = AppendKey(x.key[:0], a.slot, aspect)
	return true
}

// posting ends what start began.
func (x *extractor) posting(a *action) {
	if a.part < 0 {
		x.addPosting()
		return
	}
	x.collectKey(collectedValue{part: a.part})
}

// column ends what start began with a value from low to high.
func (x *extractor) column(a *action, low, high int64) {
	if a.part < 0 {
		x.addColumn(low, high)
		return
	}
	x.collectKey(collectedValue{part: a.part, column: true, point: a.typ == Number && low == high, low: low, high: high})
}

func (x *extractor) collectKey(c collectedValue) {
	c.start = len(x.collectedBytes)
	x.collectedBytes = append(x.collectedBytes, x.key...)
	c.end = len(x.collectedBytes)
	x.collected = append(x.collected, c)
}

// present says that there is a value.
func (x *extractor) present(a *action) {
	if x.start(a, AspectPresent) {
		x.addPosting()
	}
}

func (x *extractor) addPosting() {
	from := len(x.values.encoded)
	x.values.AddPosting(x.key)
	x.keepNew(from)
}

func (x *extractor) addColumn(low, high int64) {
	from := len(x.values.encoded)
	x.values.AddColumn(x.key, low, high)
	x.keepNew(from)
}

// forward adds a reference to the target whose value part the key ends with.
func (x *extractor) forward(a *action) {
	if a.part >= 0 {
		return
	}
	var key [prefixSize]byte
	binary.BigEndian.PutUint32(key[:], uint32(a.slot))
	key[4] = byte(AspectForward)
	from := len(x.values.encoded)
	x.values.AddForward(key[:], x.key[prefixSize:])
	x.keepNew(from)
}

// keepNew takes the entry that begins at from back if it was there already.
func (x *extractor) keepNew(from int) {
	if !x.seen.add(x.values.encoded, from) {
		x.values.encoded = x.values.encoded[:from]
	}
}

// entrySet knows the entries of one resource by hash and place.
type entrySet struct {
	entries []entryPlace
	slots   []uint32 // index+1 into entries; a power of two, at most half full
}

type entryPlace struct {
	hash     uint64
	from, to int
}

var entrySeed = maphash.MakeSeed()

const leastSlots = 256

func (s *entrySet) begin() {
	s.entries = s.entries[:0]
	if len(s.slots) > 8*leastSlots || len(s.slots) == 0 {
		s.slots = make([]uint32, leastSlots)
		return
	}
	clear(s.slots)
}

// add takes the entry that begins at from, the last one. It answers false if
// there is an equal one.
func (s *entrySet) add(encoded []byte, from int) bool {
	entry := encoded[from:]
	hash := maphash.Bytes(entrySeed, entry)
	mask := uint64(len(s.slots) - 1)
	at := hash & mask
	for ; s.slots[at] != 0; at = (at + 1) & mask {
		there := &s.entries[s.slots[at]-1]
		if there.hash == hash && string(encoded[there.from:there.to]) == string(entry) {
			return false
		}
	}
	s.entries = append(s.entries, entryPlace{hash, from, len(encoded)})
	s.slots[at] = uint32(len(s.entries))
	if 2*len(s.entries) > len(s.slots) {
		s.grow()
	}
	return true
}

func (s *entrySet) grow() {
	s.slots = make([]uint32, 4*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for i := range s.entries {
		at := s.entries[i].hash & mask
		for s.slots[at] != 0 {
			at = (at + 1) & mask
		}
		s.slots[at] = uint32(i + 1)
	}
}

// textBytes is the content of a string that is not empty.
func textBytes(v fhirjson.Value) ([]byte, bool) {
	text := v.Text()
	return text, len(text) > 0
}
