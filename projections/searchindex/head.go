package searchindex

import (
	"slices"
	"strings"

	"fhirlog/domain/search"
)

// head is a block in memory: the newest one, which grows, or one that is being
// written. Index.mu guards it as long as it grows.
type head struct {
	block  uint32
	byKey  map[string]*entry
	groups map[groupID][]*entry // for looking at all keys of a slot and aspect
	// Forward references name their targets by number.
	targets   []string
	targetIDs map[string]uint32

	ended []ending // versions that ended by an event in this block, in order
	saved uint32   // values that a clean stop saved of this block
}

// groupID is slot and aspect.
type groupID struct {
	slot   search.Slot
	aspect search.Aspect
}

// entry is what one key holds within a head.
type entry struct {
	key   string
	kind  search.EntryKind
	lows  []uint16 // ascending
	low   []int64  // of a column
	high  []int64
	leads []uint32 // of a forward: numbers of targets
}

// ending says that a version ended: it was superseded or deleted by the event
// at by, or removed, so that it is not found as of any instant any more.
type ending struct {
	position uint64
	by       uint64
	removed  bool
}

func newHead(block uint32) *head {
	return &head{
		block: block, byKey: map[string]*entry{}, groups: map[groupID][]*entry{},
		targetIDs: map[string]uint32{},
	}
}

// add adds the values of the version at an offset.
func (h *head) add(low uint16, values *search.Values) {
	values.Each(func(e search.Entry) {
		at := h.byKey[string(e.Key)]
		if at == nil {
			at = h.entry(string(e.Key), e.Kind)
		}
		switch e.Kind {
		case search.Posting:
			if n := len(at.lows); n > 0 && at.lows[n-1] == low {
				return
			}
			at.lows = append(at.lows, low)
		case search.Column:
			at.lows = append(at.lows, low)
			at.low, at.high = append(at.low, e.Low), append(at.high, e.High)
		case search.Forward:
			at.lows = append(at.lows, low)
			at.leads = append(at.leads, h.target(e.Target))
		}
	})
}

// entry makes the entry of a key that is not there yet.
func (h *head) entry(key string, kind search.EntryKind) *entry {
	e := &entry{key: key, kind: kind}
	h.byKey[key] = e
	id := groupID{search.SlotOf([]byte(key)), search.AspectOf([]byte(key))}
	h.groups[id] = append(h.groups[id], e)
	return e
}

func (h *head) target(name []byte) uint32 {
	number, known := h.targetIDs[string(name)]
	if !known {
		number = uint32(len(h.targets))
		text := string(name)
		h.targets = append(h.targets, text)
		h.targetIDs[text] = number
	}
	return number
}

// matching calls visit for the entries whose key begins with key, or is key.
func (h *head) matching(key []byte, whole bool, visit func(e *entry)) {
	if whole {
		if e := h.byKey[string(key)]; e != nil {
			visit(e)
		}
		return
	}
	beginning := string(key)
	for _, e := range h.groups[groupID{search.SlotOf(key), search.AspectOf(key)}] {
		if strings.HasPrefix(e.key, beginning) {
			visit(e)
		}
	}
}

// sorted lists all entries by key, for writing.
func (h *head) sorted() []*entry {
	all := make([]*entry, 0, len(h.byKey))
	for _, e := range h.byKey {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	return all
}

// encode writes an entry in the form that it has on disk. That depends on its
// values alone, not on the order in which they came.
func (h *head) encode(e *entry) []byte {
	e = h.arranged(e)
	switch e.kind {
	case search.Column:
		return appendColumn(nil, &column{lows: e.lows, low: e.low, high: e.high})
	case search.Forward:
		return appendForward(nil, e.lows, e.leads, func(lead uint32) string { return h.targets[lead] })
	}
	return appendPosting(nil, e.lows)
}

// decode fills an empty entry with what encode has made of one.
func (h *head) decode(e *entry, content []byte) error {
	switch e.kind {
	case search.Posting:
		var s set
		if err := addPosting(&s, content); err != nil {
			return err
		}
		s.each(func(low uint16) bool { e.lows = append(e.lows, low); return true })
	case search.Column:
		var c column
		if err := decodeColumn(&c, content); err != nil {
			return err
		}
		e.lows, e.low, e.high = c.lows, c.low, c.high
	case search.Forward:
		var f forward
		if err := decodeForward(&f, content); err != nil {
			return err
		}
		e.lows = f.lows
		for _, lead := range f.leads {
			e.leads = append(e.leads, h.target(f.targets[lead]))
		}
	default:
		return errDamaged
	}
	return nil
}

// endingsDown calls visit for the endings by events in this block, latest event
// first, until visit returns false.
func (h *head) endingsDown(visit func(e ending) bool) {
	for i := len(h.ended) - 1; i >= 0; i-- {
		if !visit(h.ended[i]) {
			return
		}
	}
}

// compareEndings orders endings by the version that ended.
func compareEndings(a, b ending) int {
	switch {
	case a.position != b.position:
		if a.position < b.position {
			return -1
		}
		return 1
	case a.by < b.by:
		return -1
	case a.by > b.by:
		return 1
	case a.removed != b.removed:
		if b.removed {
			return -1
		}
		return 1
	}
	return 0
}
