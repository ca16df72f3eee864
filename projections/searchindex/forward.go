package searchindex

import (
	"encoding/binary"
	"slices"
)

// forward is where the references of one parameter lead within a block, by
// ascending offset; an offset may have several.
//
// On disk:
//
//	n        uvarint
//	offsets  n uvarint distances, each from the one before
//	targets  uvarint count; each uvarint length, bytes; sorted
//	leads    n uvarints: index of the target
type forward struct {
	lows    []uint16
	targets [][]byte
	leads   []uint32
}

// appendForward appends references whose targets are named by text.
func appendForward(dst []byte, lows []uint16, leads []uint32, name func(lead uint32) string) []byte {
	distinct := slices.Clone(leads)
	slices.SortFunc(distinct, func(a, b uint32) int {
		switch x, y := name(a), name(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	distinct = slices.Compact(distinct)
	place := make(map[uint32]uint64, len(distinct))
	dst = binary.AppendUvarint(dst, uint64(len(lows)))
	dst = appendDistances(dst, lows)
	dst = binary.AppendUvarint(dst, uint64(len(distinct)))
	for i, lead := range distinct {
		place[lead] = uint64(i)
		target := name(lead)
		dst = binary.AppendUvarint(dst, uint64(len(target)))
		dst = append(dst, target...)
	}
	for _, lead := range leads {
		dst = binary.AppendUvarint(dst, place[lead])
	}
	return dst
}

// decodeForward reads what appendForward wrote. The targets share b.
func decodeForward(f *forward, b []byte) error {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return errDamaged
	}
	f.lows, f.leads, f.targets = slices.Grow(f.lows[:0], int(n))[:n], slices.Grow(f.leads[:0], int(n))[:n], f.targets[:0]
	b, ok := readDistances(f.lows, b[size:])
	if !ok {
		return errDamaged
	}
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)) {
		return errDamaged
	}
	b = b[size:]
	for range count {
		length, size := binary.Uvarint(b)
		if size <= 0 || length > uint64(len(b)-size) {
			return errDamaged
		}
		f.targets = append(f.targets, b[size:size+int(length)])
		b = b[size+int(length):]
	}
	for i := range f.leads {
		lead, size := binary.Uvarint(b)
		if size <= 0 || lead >= count {
			return errDamaged
		}
		f.leads[i], b = uint32(lead), b[size:]
	}
	if len(b) != 0 {
		return errDamaged
	}
	return nil
}
