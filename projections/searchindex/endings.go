package searchindex

import "encoding/binary"

// The endings that events of one block gave to versions of another, on disk:
//
//	n times: offset distance uvarint (from the one before), 2 × offset of the
//	event in its block + 1 if the version was removed, uvarint
//
// sorted by version, then event.

func appendEndings(dst []byte, endings []ending) []byte {
	previous := uint16(0)
	for _, e := range endings {
		low := lowOf(e.position)
		dst = binary.AppendUvarint(dst, uint64(low-previous))
		previous = low
		code := 2 * uint64(lowOf(e.by))
		if e.removed {
			code++
		}
		dst = binary.AppendUvarint(dst, code)
	}
	return dst
}

// readEndings calls visit for what appendEndings wrote.
func readEndings(b []byte, block, by uint32, visit func(e ending)) error {
	low := uint64(0)
	for len(b) > 0 {
		distance, n := binary.Uvarint(b)
		if n <= 0 {
			return errDamaged
		}
		code, m := binary.Uvarint(b[n:])
		if low += distance; m <= 0 || low >= BlockSize || code/2 >= BlockSize {
			return errDamaged
		}
		visit(ending{
			position: uint64(block)*BlockSize + low,
			by:       uint64(by)*BlockSize + code/2,
			removed:  code&1 != 0,
		})
		b = b[n+m:]
	}
	return nil
}
