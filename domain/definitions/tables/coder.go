package tables

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errTruncated = errors.New("the section ends too early")

// coder reads or writes the fields of one section, so that one description of
// a structure serves both directions. After an error all calls do nothing.
type coder struct {
	writing bool
	err     error

	in       []byte        // reading: what is left
	texts    room[string]  // reading: for lists of strings, which are short and many
	elements room[Element] // reading: for the lists of elements

	out     []byte         // writing: the items
	index   map[string]int // writing: string to its place in strings
	strings []string

	types    interned[[]TypeRef]
	bindings interned[*Binding]
}

// interned is the values of a kind that repeats often. The first occurrence of
// each stands where it is used, under the next number; later ones are that
// number alone, and share the value when read.
type interned[T any] struct {
	known []T
	index map[string]int // writing: the coded form to its number
}

func (n *interned[T]) code(c *coder, v *T, plain func(*coder, *T)) {
	if c.writing {
		start := len(c.out)
		plain(c, v)
		coded := string(c.out[start:])
		c.out = c.out[:start]
		number, known := n.index[coded]
		if !known {
			number = len(n.index)
			if n.index == nil {
				n.index = map[string]int{}
			}
			n.index[coded] = number
		}
		c.number(&number)
		if !known {
			c.out = append(c.out, coded...)
		}
		return
	}
	var number int
	switch c.number(&number); {
	case c.err != nil:
	case number < len(n.known):
		*v = n.known[number]
	case number == len(n.known):
		plain(c, v)
		n.known = append(n.known, *v)
	default:
		c.err = fmt.Errorf("value %d of %d", number, len(n.known))
	}
}

// number codes a non-negative whole number.
func (c *coder) number(n *int) {
	switch {
	case c.err != nil:
	case c.writing:
		if *n < 0 {
			c.err = fmt.Errorf("a negative number, %d", *n)
			return
		}
		c.out = binary.AppendUvarint(c.out, uint64(*n))
	default:
		u, size := binary.Uvarint(c.in)
		if size <= 0 || u > 1<<31 {
			c.err = errTruncated
			return
		}
		c.in, *n = c.in[size:], int(u)
	}
}

// bound codes a number that may be Unbounded.
func (c *coder) bound(n *int) {
	up := *n + 1
	c.number(&up)
	*n = up - 1
}

// text codes a string as a place in the section's strings.
func (c *coder) text(s *string) {
	if c.err != nil {
		return
	}
	var place int
	if c.writing {
		var known bool
		if place, known = c.index[*s]; !known {
			place = len(c.strings)
			c.index[*s] = place
			c.strings = append(c.strings, *s)
		}
	}
	c.number(&place)
	if c.writing || c.err != nil {
		return
	}
	if place >= len(c.strings) {
		c.err = fmt.Errorf("string %d of %d", place, len(c.strings))
		return
	}
	*s = c.strings[place]
}

// flags codes up to eight booleans in one byte.
func (c *coder) flags(flags ...*bool) {
	switch {
	case c.err != nil:
	case c.writing:
		var b byte
		for i, flag := range flags {
			if *flag {
				b |= 1 << i
			}
		}
		c.out = append(c.out, b)
	case len(c.in) == 0:
		c.err = errTruncated
	default:
		b := c.in[0]
		c.in = c.in[1:]
		for i, flag := range flags {
			*flag = b&(1<<i) != 0
		}
	}
}

// enum codes a value of a small enumeration with the greatest value last.
func enum[T ~uint8](c *coder, v *T, last T) {
	n := int(*v)
	c.number(&n)
	if n > int(last) && c.err == nil {
		c.err = fmt.Errorf("value %d of an enumeration that ends at %d", n, last)
		return
	}
	*v = T(n)
}

// list codes a slice. Each item takes a byte or more, which bounds the memory
// that a wrong length can ask for.
func list[T any](c *coder, items *[]T, item func(*coder, *T)) {
	listIn(c, items, nil, item)
}

// listIn is list with the items in room that many lists share.
func listIn[T any](c *coder, items *[]T, shared *room[T], item func(*coder, *T)) {
	n := len(*items)
	c.number(&n)
	if c.err != nil {
		return
	}
	if !c.writing {
		if n > len(c.in) {
			c.err = errTruncated
			return
		}
		*items = shared.take(n)
	}
	for i := range *items {
		item(c, &(*items)[i])
	}
}

func texts(c *coder, items *[]string) { listIn(c, items, &c.texts, (*coder).text) }

// room hands out parts of larger slices: thousands of small allocations would
// take most of the time of reading.
type room[T any] []T

// take returns a zeroed slice of n, nil for none. A nil room allocates.
func (r *room[T]) take(n int) []T {
	const chunk = 512
	switch {
	case n == 0:
		return nil
	case r == nil:
		return make([]T, n)
	case n > len(*r):
		*r = make([]T, max(n, chunk))
	}
	part := (*r)[:n:n]
	*r = (*r)[n:]
	return part
}

// encodeSection gives the decompressed form of a section.
func encodeSection[T any](items []T, item func(*coder, *T)) ([]byte, error) {
	c := &coder{writing: true, index: map[string]int{}}
	list(c, &items, item)
	if c.err != nil {
		return nil, c.err
	}
	head := binary.AppendUvarint(nil, uint64(len(c.strings)))
	for _, s := range c.strings {
		head = binary.AppendUvarint(head, uint64(len(s)))
	}
	for _, s := range c.strings {
		head = append(head, s...)
	}
	return append(head, c.out...), nil
}

// decodeSection is the inverse of encodeSection.
func decodeSection[T any](raw []byte, item func(*coder, *T)) ([]T, error) {
	c := &coder{in: raw}
	c.readStrings()
	var items []T
	list(c, &items, item)
	if c.err == nil && len(c.in) > 0 {
		c.err = fmt.Errorf("%d bytes too many", len(c.in))
	}
	return items, c.err
}

// readStrings reads the strings of a section as parts of a single string.
func (c *coder) readStrings() {
	var count, total int
	c.number(&count)
	if c.err == nil && count > len(c.in) {
		c.err = errTruncated
	}
	if c.err != nil {
		return
	}
	lengths := make([]int, count)
	for i := range lengths {
		c.number(&lengths[i])
		total += lengths[i]
	}
	if c.err == nil && total > len(c.in) {
		c.err = errTruncated
	}
	if c.err != nil {
		return
	}
	all := string(c.in[:total])
	c.in = c.in[total:]
	c.strings = make([]string, count)
	for i, n := range lengths {
		c.strings[i], all = all[:n], all[n:]
	}
}
