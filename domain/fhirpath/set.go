package fhirpath

import (
	"hash/maphash"

	"github.com/cockroachdb/apd/v3"

	"fhirlog/domain/fhirjson"
)

// set collects items that are not equal to each other. Small sets compare with
// every member; large ones compare only within the same hash.
type set struct {
	run     *run
	members Collection
	byHash  map[uint64][]int32
	// without are the members that have no hash, since values of different
	// digits and units may be equal.
	without []int32
}

// smallSet is the size up to which comparing costs less than hashing.
const smallSet = 16

// has tells whether an equal item is in the set.
func (s *set) has(it *Item) bool {
	if s.byHash == nil {
		for i := range s.members {
			if s.run.equal(&s.members[i], it) == yes {
				return true
			}
		}
		return false
	}
	hash, ok := s.run.hash(it)
	if !ok {
		for i := range s.members {
			if s.run.steps < 0 || s.run.equal(&s.members[i], it) == yes {
				return true
			}
		}
		return false
	}
	return s.among(s.byHash[hash], it) || s.among(s.without, it)
}

func (s *set) among(candidates []int32, it *Item) bool {
	for _, i := range candidates {
		if s.run.steps < 0 || s.run.equal(&s.members[i], it) == yes {
			return true
		}
	}
	return false
}

// add adds an item unless an equal one is there, and tells whether it did.
func (s *set) add(it Item) bool {
	if s.has(&it) {
		return false
	}
	s.members = append(s.members, it)
	switch {
	case s.byHash != nil:
		s.index(len(s.members) - 1)
	case len(s.members) > smallSet:
		s.byHash = map[uint64][]int32{}
		for i := range s.members {
			s.index(i)
		}
	}
	return true
}

// addAll adds each item of a collection.
func (s *set) addAll(items Collection) {
	for _, it := range items {
		s.add(it)
	}
}

func (s *set) index(i int) {
	hash, ok := s.run.hash(&s.members[i])
	if !ok {
		s.without = append(s.without, int32(i))
		return
	}
	s.byHash[hash] = append(s.byHash[hash], int32(i))
}

var seed = maphash.MakeSeed()

// hash is equal for equal items; not ok for quantities, which are equal in too
// many forms.
func (r *run) hash(it *Item) (_ uint64, ok bool) {
	v, ok := it.System()
	if !ok {
		return r.hashTree(it.Place()), true
	}
	r.charge(v)
	switch v := v.(type) {
	case *Quantity:
		return 0, false
	case *Temporal:
		if v.zoned && v.zone != 0 {
			v = v.inUTC(v.zone)
		}
		return maphash.Comparable(seed, [8]int{int(v.precision), v.parts[0], v.parts[1], v.parts[2], v.parts[3], v.parts[4], v.parts[5], v.nanos}), true
	case Decimal:
		var reduced apd.Decimal
		reduced.Reduce(v.Decimal)
		return maphash.String(seed, reduced.Text('f')), true
	}
	return maphash.String(seed, v.String()), true
}

// hashTree hashes names and strings of JSON, and the count of what else there
// is: numbers may be equal in several spellings.
func (r *run) hashTree(v fhirjson.Value) uint64 {
	r.steps--
	switch v.Kind() {
	case fhirjson.String:
		r.steps -= (v.End() - v.Start()) / 256
		return maphash.Bytes(seed, v.Text())
	case fhirjson.Object:
		sum := uint64(1)
		for m := v.First(); m.Exists(); m = m.Next() {
			sum += (maphash.Bytes(seed, m.Name()) ^ r.hashTree(m)) * 0x9E3779B97F4A7C15
		}
		return sum
	case fhirjson.Array:
		sum := uint64(2)
		for e := v.First(); e.Exists(); e = e.Next() {
			sum = sum*31 + r.hashTree(e)
		}
		return sum
	}
	return uint64(v.Kind())
}
