package searchindex

import (
	"encoding/binary"
	"errors"
)

// The forms of a set of offsets on disk. Which one is taken depends on the
// members alone, so that the same set always has the same bytes.
//
//	1  list   uvarint distances: of the first from 0, of each from the one before
//	2  dense  256 words, little-endian
const (
	listForm  = 1
	denseForm = 2
)

var errDamaged = errors.New("the search index is damaged; remove the projections folder to rebuild it")

// appendPosting appends the form of a set given by its ascending offsets.
func appendPosting(dst []byte, lows []uint16) []byte {
	start := len(dst)
	dst = append(dst, listForm)
	previous := uint16(0)
	for _, low := range lows {
		dst = binary.AppendUvarint(dst, uint64(low-previous))
		previous = low
	}
	if len(dst)-start <= 1+words*8 {
		return dst
	}
	var s set
	for _, low := range lows {
		s.add(low)
	}
	dst = append(dst[:start], denseForm)
	for _, w := range s {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// addPosting adds what appendPosting wrote to a set.
func addPosting(s *set, encoded []byte) error {
	if len(encoded) == 0 {
		return errDamaged
	}
	form, b := encoded[0], encoded[1:]
	switch form {
	case denseForm:
		if len(b) != words*8 {
			return errDamaged
		}
		for i := range s {
			s[i] |= binary.LittleEndian.Uint64(b[i*8:])
		}
		return nil
	case listForm:
		at := uint64(0)
		for len(b) > 0 {
			distance, n := uint64(b[0]), 1
			if distance >= 0x80 {
				if distance, n = binary.Uvarint(b); n <= 0 {
					return errDamaged
				}
			}
			if at += distance; at >= BlockSize {
				return errDamaged
			}
			s.add(uint16(at))
			b = b[n:]
		}
		return nil
	}
	return errDamaged
}
