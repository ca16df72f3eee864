package search

import (
	"encoding/binary"
)

// Values are the index values of one version of a resource in one flat piece of
// memory. The zero Values are empty. They belong to one goroutine while they are
// filled, and are safe for concurrent reading afterwards.
//
//	kind 1 byte   posting, column or forward
//	key           uvarint length, bytes
//	column:       low and high, 8 bytes each
//	forward:      target: uvarint length, bytes
type Values struct{ encoded []byte }

// EntryKind says of what form an index entry is.
type EntryKind byte

// The kinds of entries.
const (
	Posting EntryKind = 1 // the key holds for the version
	Column  EntryKind = 2 // the version has the value from Low to High under the key
	Forward EntryKind = 3 // the version refers to Target under the key
)

// Entry is one index value. Its slices are shared with the Values.
type Entry struct {
	Kind      EntryKind
	Key       []byte
	Low, High int64
	Target    []byte // the value part of the reference's posting key
}

// AddPosting adds a posting.
func (v *Values) AddPosting(key []byte) { v.begin(Posting, key) }

// AddColumn adds a value of a column.
func (v *Values) AddColumn(key []byte, low, high int64) {
	v.begin(Column, key)
	v.encoded = binary.BigEndian.AppendUint64(v.encoded, uint64(low))
	v.encoded = binary.BigEndian.AppendUint64(v.encoded, uint64(high))
}

// AddForward adds a reference.
func (v *Values) AddForward(key, target []byte) {
	v.begin(Forward, key)
	v.encoded = binary.AppendUvarint(v.encoded, uint64(len(target)))
	v.encoded = append(v.encoded, target...)
}

func (v *Values) begin(kind EntryKind, key []byte) {
	v.encoded = append(v.encoded, byte(kind))
	v.encoded = binary.AppendUvarint(v.encoded, uint64(len(key)))
	v.encoded = append(v.encoded, key...)
}

// Reset empties the Values and keeps their memory.
func (v *Values) Reset() { v.encoded = v.encoded[:0] }

// Bytes returns the size of the Values in memory.
func (v *Values) Bytes() int { return len(v.encoded) }

// Each calls visit for every entry in the order they were added.
func (v *Values) Each(visit func(e Entry)) {
	for b := v.encoded; len(b) > 0; {
		e := Entry{Kind: EntryKind(b[0])}
		e.Key, b = cutBytes(b[1:])
		switch e.Kind {
		case Column:
			e.Low, e.High = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
			b = b[16:]
		case Forward:
			e.Target, b = cutBytes(b)
		}
		visit(e)
	}
}

func cutBytes(b []byte) (piece, rest []byte) {
	n, size := binary.Uvarint(b)
	b = b[size:]
	return b[:n:n], b[n:]
}
