package search

import "bytes"

// pattern is a set of value parts of posting keys: all that begin with value,
// or are equal to it, and pass keep.
type pattern struct {
	value []byte
	whole bool
	keep  func(value []byte) bool // asked of whole value parts; nil keeps all
}

// match gives the condition that a version has a posting of the pattern.
func (p pattern) match(s Slot, a Aspect) Match {
	return Match{Key: append(Key(s, a), p.value...), Whole: p.whole, Keep: p.keep}
}

// holds tells whether a whole value part belongs to the pattern.
func (p pattern) holds(value []byte) bool {
	if p.whole && len(value) != len(p.value) || !bytes.HasPrefix(value, p.value) {
		return false
	}
	return p.keep == nil || p.keep(value)
}

// noneOf is the pattern of all values that no other pattern has.
func noneOf(patterns []pattern) pattern {
	return pattern{keep: func(value []byte) bool {
		for _, p := range patterns {
			if p.holds(value) {
				return false
			}
		}
		return true
	}}
}

// anyMatch gives the condition that one of the patterns holds.
func anyMatch(patterns []pattern, s Slot, a Aspect) Expr {
	matches := make(Or, len(patterns))
	for i, p := range patterns {
		matches[i] = p.match(s, a)
	}
	return flat(matches)
}

// flat takes an Or of one apart.
func flat(or Or) Expr {
	if len(or) == 1 {
		return or[0]
	}
	return or
}

// component returns one of the components of a value part, decoded.
func component(value []byte, index int) []byte {
	for {
		first, rest, ok := CutComponent(value)
		if !ok || index == 0 {
			return first
		}
		value, index = rest, index-1
	}
}

// cutComponents splits the first components off a value part.
func cutComponents(value []byte, count int) (head, rest []byte, ok bool) {
	rest = value
	for range count {
		if _, rest, ok = CutComponent(rest); !ok {
			return nil, nil, false
		}
	}
	return value[:len(value)-len(rest)], rest, true
}
