package searchindex

import (
	"math"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// Source is what the evaluation needs to know of the log and of the current
// state. Its methods are called concurrently.
type Source interface {
	// Identify tells of what resource the version at a position is.
	Identify(position uint64) (domain.ResourceType, domain.LogicalID, error)
	// Resolve returns the position of the version of a resource that is current as
	// of a snapshot; ok is false where there is none or it is a deletion.
	Resolve(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (position uint64, ok bool, err error)
	// Load parses the stored body of the version at a position and hands it over;
	// it is valid during the call.
	Load(position uint64, use func(resource fhirjson.Value) error) error
	// Extract adds the index values of the version at a position to v.
	Extract(position uint64, v *search.Values) error
	// Before turns a time, in milliseconds since 1970, into the number of records
	// that are older.
	Before(instant int64) (uint64, error)
}

// operator is a condition at work. It gives the positions that hold block by
// block; versions that have ended may be among them.
type operator interface {
	// size is about how many positions hold, at most MaxInt.
	size() int
	// blocks lists the blocks that may hold something, ascending; all says that any
	// block may.
	blocks() (list []uint32, all bool)
	// fill adds to dst the positions of a block that hold. Those outside of mask are
	// not asked for, and may be left out.
	fill(block uint32, mask, dst *set) error
}

// evaluation is one search at work, with all its inner searches.
type evaluation struct {
	*view
	source     Source
	explaining bool
	name       named                // that was read last
	used       map[search.Slot]bool // whether a parameter has any value, as far as that was asked
}

// known is a result that is there.
type known struct{ result }

func (k known) blocks() ([]uint32, bool) {
	list := make([]uint32, len(k.result))
	for i := range k.result {
		list[i] = k.result[i].block
	}
	return list, false
}

func (k known) fill(block uint32, _, dst *set) error {
	if p := k.find(block); p != nil {
		p.into(dst)
	}
	return nil
}

// narrow takes out of s what does not hold.
func (k known) narrow(block uint32, s *set) {
	p := k.find(block)
	switch {
	case p == nil:
		*s = set{}
	case p.dense != nil:
		s.and(p.dense)
	default:
		var left set
		for _, low := range p.lows {
			if s.has(low) {
				left.add(low)
			}
		}
		*s = left
	}
}

// span is the positions from one to before another.
type span struct{ from, before uint64 }

func (s span) size() int { return int(min(s.before-s.from, math.MaxInt)) }

func (s span) blocks() (list []uint32, all bool) {
	if s.from >= s.before {
		return nil, false
	}
	for b := blockOf(s.from); b <= blockOf(s.before-1); b++ {
		list = append(list, b)
	}
	return list, false
}

func (s span) fill(block uint32, _, dst *set) error {
	start := uint64(block) * BlockSize
	from, before := max(s.from, start), min(s.before, start+BlockSize)
	if from < before {
		dst.fillRange(int(from-start), int(before-start))
	}
	return nil
}

// both holds where all parts hold; the cheapest decides first.
type both struct {
	parts []operator
	// What is left of a block, and what one part holds: memory for fill.
	left, holds set
}

func (o *both) size() int {
	least := math.MaxInt
	for _, part := range o.parts {
		least = min(least, part.size())
	}
	return least
}

func (o *both) blocks() (list []uint32, all bool) {
	all = true
	for _, part := range o.parts {
		more, any := part.blocks()
		switch {
		case any:
		case all:
			list, all = more, false
		default:
			list = intersect(list, more)
		}
	}
	return list, all
}

func intersect(a, b []uint32) []uint32 {
	var both []uint32
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			both = append(both, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return both
}

func (o *both) fill(block uint32, mask, dst *set) error {
	o.left = *mask
	for _, part := range o.parts {
		if k, ok := part.(known); ok {
			k.narrow(block, &o.left)
		} else {
			o.holds = set{}
			if err := part.fill(block, &o.left, &o.holds); err != nil {
				return err
			}
			o.left.and(&o.holds)
		}
		if o.left.isEmpty() {
			return nil
		}
	}
	dst.or(&o.left)
	return nil
}

// either holds where one part holds.
type either []operator

func (o either) size() int {
	sum := 0
	for _, part := range o {
		if n := part.size(); n < math.MaxInt-sum {
			sum += n
		} else {
			return math.MaxInt
		}
	}
	return sum
}

func (o either) blocks() (list []uint32, all bool) {
	for _, part := range o {
		more, any := part.blocks()
		if any {
			return nil, true
		}
		list = append(list, more...)
	}
	slices.Sort(list)
	return slices.Compact(list), false
}

func (o either) fill(block uint32, mask, dst *set) error {
	for _, part := range o {
		if err := part.fill(block, mask, dst); err != nil {
			return err
		}
	}
	return nil
}

// neither holds where its part does not.
type neither struct{ operator }

func (o neither) size() int                { return math.MaxInt }
func (o neither) blocks() ([]uint32, bool) { return nil, true }

func (o neither) fill(block uint32, mask, dst *set) error {
	var holds set
	if err := o.operator.fill(block, mask, &holds); err != nil {
		return err
	}
	left := *mask
	left.andNot(&holds)
	dst.or(&left)
	return nil
}

// checked holds where its part holds and the resource itself is accepted.
type checked struct {
	operator
	e      *evaluation
	accept func(resource fhirjson.Value) bool
	holds  *set // memory for fill
}

func (o checked) fill(block uint32, mask, dst *set) error {
	holds := o.holds
	*holds = set{}
	if err := o.operator.fill(block, mask, holds); err != nil {
		return err
	}
	holds.and(mask)
	start := uint64(block) * BlockSize
	var failed error
	holds.each(func(low uint16) bool {
		failed = o.e.source.Load(start+uint64(low), func(resource fhirjson.Value) error {
			if o.accept(resource) {
				dst.add(low)
			}
			return nil
		})
		return failed == nil
	})
	return failed
}
