package searchindex

import (
	"encoding/binary"
	"math"
	"slices"
)

// column is the values of one key within a block, by ascending offset; an
// offset may have several. Open ends are MinInt64 and MaxInt64.
//
// On disk:
//
//	n          uvarint
//	offsets    n uvarint distances, each from the one before
//	low        numbers: min 8 bytes, unit uvarint, width 1 byte, n × width bytes
//	span       numbers, of high - low
//	open low   uvarint count, indexes as uvarint distances
//	open high  the same
//
// where a number is min + unit × the little-endian bytes. A value with an open
// end has both ends at the other one, or at 0 if both are open.
type column struct {
	lows      []uint16
	low, high []int64
}

func (c *column) add(offset uint16, low, high int64) {
	c.lows = append(c.lows, offset)
	c.low = append(c.low, low)
	c.high = append(c.high, high)
}

func appendColumn(dst []byte, c *column) []byte {
	n := len(c.lows)
	dst = binary.AppendUvarint(dst, uint64(n))
	dst = appendDistances(dst, c.lows)
	var openLow, openHigh []int
	low, span := make([]int64, n), make([]int64, n)
	for i := range n {
		l, h := c.low[i], c.high[i]
		isOpenLow, isOpenHigh := l == math.MinInt64, h == math.MaxInt64
		switch {
		case isOpenLow && isOpenHigh:
			l, h = 0, 0
		case isOpenLow:
			l = h
		case isOpenHigh:
			h = l
		}
		if isOpenLow {
			openLow = append(openLow, i)
		}
		if isOpenHigh {
			openHigh = append(openHigh, i)
		}
		low[i], span[i] = l, h-l // may wrap around; so does the sum when read
	}
	dst = appendNumbers(dst, low)
	dst = appendNumbers(dst, span)
	dst = appendIndexes(dst, openLow)
	return appendIndexes(dst, openHigh)
}

func appendDistances(dst []byte, lows []uint16) []byte {
	previous := uint16(0)
	for _, low := range lows {
		dst = binary.AppendUvarint(dst, uint64(low-previous))
		previous = low
	}
	return dst
}

func appendIndexes(dst []byte, indexes []int) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(indexes)))
	previous := 0
	for _, i := range indexes {
		dst = binary.AppendUvarint(dst, uint64(i-previous))
		previous = i
	}
	return dst
}

func appendNumbers(dst []byte, numbers []int64) []byte {
	least := slices.Min(numbers)
	unit, most := uint64(0), uint64(0)
	for _, x := range numbers {
		distance := uint64(x) - uint64(least)
		unit, most = gcd(unit, distance), max(most, distance)
	}
	unit = max(unit, 1)
	width := 0
	for most /= unit; most>>(8*width) != 0 && width < 8; {
		width++
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(least))
	dst = binary.AppendUvarint(dst, unit)
	dst = append(dst, byte(width))
	for _, x := range numbers {
		distance := (uint64(x) - uint64(least)) / unit
		for range width {
			dst = append(dst, byte(distance))
			distance >>= 8
		}
	}
	return dst
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// decodeColumn reads what appendColumn wrote into c, whose memory is reused.
func decodeColumn(c *column, b []byte) error {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return errDamaged
	}
	b = b[size:]
	c.lows, c.low, c.high = slices.Grow(c.lows[:0], int(n))[:n], slices.Grow(c.low[:0], int(n))[:n], slices.Grow(c.high[:0], int(n))[:n]
	var ok bool
	if b, ok = readDistances(c.lows, b); !ok {
		return errDamaged
	}
	if b, ok = readNumbers(c.low, b); !ok {
		return errDamaged
	}
	if b, ok = readNumbers(c.high, b); !ok {
		return errDamaged
	}
	for i := range c.high {
		c.high[i] += c.low[i]
	}
	if b, ok = readIndexes(b, func(i int) { c.low[i] = math.MinInt64 }, int(n)); !ok {
		return errDamaged
	}
	if b, ok = readIndexes(b, func(i int) { c.high[i] = math.MaxInt64 }, int(n)); !ok || len(b) != 0 {
		return errDamaged
	}
	return nil
}

func readDistances(lows []uint16, b []byte) ([]byte, bool) {
	at := uint64(0)
	for i := range lows {
		if len(b) == 0 {
			return nil, false
		}
		distance, n := uint64(b[0]), 1
		if distance >= 0x80 {
			if distance, n = binary.Uvarint(b); n <= 0 {
				return nil, false
			}
		}
		if at += distance; at >= BlockSize {
			return nil, false
		}
		lows[i], b = uint16(at), b[n:]
	}
	return b, true
}

func readNumbers(numbers []int64, b []byte) ([]byte, bool) {
	if len(b) < 8 {
		return nil, false
	}
	least := binary.LittleEndian.Uint64(b)
	unit, size := binary.Uvarint(b[8:])
	if size <= 0 || len(b) < 9+size {
		return nil, false
	}
	width := int(b[8+size])
	b = b[9+size:]
	if width > 8 || len(b) < width*len(numbers) {
		return nil, false
	}
	return b[width*len(numbers):], scaled(numbers, b, width, least, unit)
}

// scaled fills numbers from the bytes of each, eight at once where they are there.
func scaled(numbers []int64, b []byte, width int, least, unit uint64) bool {
	if width == 0 {
		for i := range numbers {
			numbers[i] = int64(least)
		}
		return true
	}
	mask := ^uint64(0) >> (64 - 8*width)
	i := 0
	for ; len(b) >= 8 && i < len(numbers); i++ {
		numbers[i] = int64(least + unit*(binary.LittleEndian.Uint64(b)&mask))
		b = b[width:]
	}
	for ; i < len(numbers); i++ {
		x := uint64(0)
		for j, piece := range b[:width] {
			x |= uint64(piece) << (8 * j)
		}
		numbers[i], b = int64(least+unit*x), b[width:]
	}
	return true
}

func readIndexes(b []byte, use func(i int), n int) ([]byte, bool) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(n) {
		return nil, false
	}
	b = b[size:]
	at := uint64(0)
	for range count {
		distance, size := binary.Uvarint(b)
		if at += distance; size <= 0 || at >= uint64(n) {
			return nil, false
		}
		use(int(at))
		b = b[size:]
	}
	return b, true
}
