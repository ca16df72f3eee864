package searchindex

import (
	"bytes"
	"slices"
	"sort"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
	"fhirlog/projections/keys"
)

// ranks are what matches are compared by, in the order of their positions.
type ranks []int64

// fewMatches is up to how many matches their values are read from the resources
// rather than from the postings of all resources.
const fewMatches = 256

// rank finds out what the matches are compared by under a sort key.
func (e *evaluation) rank(key search.SortKey, q *search.Query, matches result, positions []uint64) (ranks, error) {
	switch key.By {
	case search.SortLastUpdated:
		r := make(ranks, len(positions))
		for i, position := range positions {
			r[i] = int64(position)
		}
		return r, nil
	case search.SortID:
		return e.rankByID(positions)
	case search.SortType:
		return e.rankByPostings([]ranked{{slot: search.SlotType}}, key.Descending, matches, len(positions))
	}
	by := rankedBy(&key)
	if key.By == search.SortColumn {
		return e.rankByColumns(by, key.Descending, matches, len(positions))
	}
	if len(positions) <= fewMatches {
		return e.rankByResources(by, key.Descending, positions)
	}
	return e.rankByPostings(by, key.Descending, matches, len(positions))
}

// ranked is a parameter whose values matches are ranked by.
type ranked struct {
	slot search.Slot
	keep func(value []byte) bool // nil keeps all values
}

// rankedBy lists the parameters of a sort key, each once.
func rankedBy(key *search.SortKey) (list []ranked) {
	for i, slot := range key.Slots {
		if slot == 0 || slices.ContainsFunc(list, func(r ranked) bool { return r.slot == slot }) {
			continue
		}
		r := ranked{slot: slot}
		if i < len(key.Keep) {
			r.keep = key.Keep[i]
		}
		list = append(list, r)
	}
	return list
}

func (r *ranked) keeps(value []byte) bool { return r.keep == nil || r.keep(value) }

// newRanks are ranks of matches of which none has a value.
func newRanks(n int) ranks {
	r := make(ranks, n)
	for i := range r {
		r[i] = missing
	}
	return r
}

// take gives a match a value unless it has one that goes before.
func (r ranks) take(i int, value int64, descending bool) {
	value = max(value, missing+1)
	if r[i] == missing || descending && value > r[i] || !descending && value < r[i] {
		r[i] = value
	}
}

// rankByColumns takes the values of date, number and quantity parameters.
func (e *evaluation) rankByColumns(by []ranked, descending bool, matches result, n int) (ranks, error) {
	r := newRanks(n)
	for _, of := range by {
		columns, err := e.columnKeys(search.Key(of.slot, search.AspectValue))
		if err != nil {
			return nil, err
		}
		for _, key := range columns {
			first := 0
			for i := range matches {
				if err := e.ctx.Err(); err != nil {
					return nil, err
				}
				numbers := numbersOf(&matches[i], first)
				first += matches[i].size()
				err := e.column(key, matches[i].block, func(values *column) {
					for j, low := range values.lows {
						if at, ok := numbers(low); ok {
							value := values.low[j]
							if descending {
								value = values.high[j]
							}
							r.take(at, value, descending)
						}
					}
				})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return r, nil
}

// numbersOf gives the number of a match, counted from first, by its offset in
// the block.
func numbersOf(p *part, first int) func(low uint16) (int, bool) {
	if p.dense == nil {
		return func(low uint16) (int, bool) {
			at, found := slices.BinarySearch(p.lows, low)
			return first + at, found
		}
	}
	var before [words]int32
	sum := 0
	for i := range before {
		before[i] = int32(sum)
		sum += onesIn(p.dense[i])
	}
	return func(low uint16) (int, bool) {
		if !p.dense.has(low) {
			return 0, false
		}
		word := low >> 6
		return first + int(before[word]) + onesIn(p.dense[word]&(1<<(low&63)-1)), true
	}
}

// texts ranks matches by the byte order of values.
type texts struct {
	descending bool
	values     []string // distinct, in the order they were met
	numbers    map[string]int64
	of         []int64 // by match: index of its value, -1 for none
}

func newTexts(n int, descending bool) *texts {
	t := &texts{descending: descending, numbers: map[string]int64{}, of: make([]int64, n)}
	for i := range t.of {
		t.of[i] = -1
	}
	return t
}

func (t *texts) take(i int, value []byte) {
	if at := t.of[i]; at >= 0 {
		order := bytes.Compare(value, []byte(t.values[at]))
		if order == 0 || (order < 0) == t.descending {
			return
		}
	}
	number, known := t.numbers[string(value)]
	if !known {
		number = int64(len(t.values))
		t.values = append(t.values, string(value))
		t.numbers[t.values[number]] = number
	}
	t.of[i] = number
}

func (t *texts) ranks() ranks {
	order := make([]int, len(t.values))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return t.values[order[a]] < t.values[order[b]] })
	rankOf := make([]int64, len(order))
	for rank, i := range order {
		rankOf[i] = int64(rank)
	}
	r := newRanks(len(t.of))
	for i, number := range t.of {
		if number >= 0 {
			r[i] = rankOf[number]
		}
	}
	return r
}

// rankByPostings goes through all values of the parameters.
func (e *evaluation) rankByPostings(by []ranked, descending bool, matches result, n int) (ranks, error) {
	t := newTexts(n, descending)
	firsts := make(map[uint32]func(low uint16) (int, bool), len(matches))
	first := 0
	for i := range matches {
		firsts[matches[i].block] = numbersOf(&matches[i], first)
		first += matches[i].size()
	}
	take := func(block uint32, s *set, value []byte) {
		number := firsts[block]
		if number == nil {
			return
		}
		s.each(func(low uint16) bool {
			if i, ok := number(low); ok {
				t.take(i, value)
			}
			return true
		})
	}
	for _, of := range by {
		key := search.Key(of.slot, search.AspectValue)
		err := e.keysIn(keys.Postings, key, 0, func(indexKey []byte, block uint32, encoded []byte) error {
			if !of.keeps(valueOf(indexKey)) {
				return nil
			}
			var s set
			if err := addPosting(&s, encoded); err != nil {
				return err
			}
			take(block, &s, valueOf(indexKey))
			return e.ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		e.inHeads(key, false, func(h *head, at *entry) {
			if !of.keeps(valueOf([]byte(at.key))) {
				return
			}
			var s set
			for _, low := range e.visible(h.block, at.lows) {
				s.add(low)
			}
			take(h.block, &s, valueOf([]byte(at.key)))
		})
	}
	return t.ranks(), nil
}

// rankByResources reads the values from the resources.
func (e *evaluation) rankByResources(by []ranked, descending bool, positions []uint64) (ranks, error) {
	t := newTexts(len(positions), descending)
	var values search.Values
	for i, position := range positions {
		values.Reset()
		if err := e.source.Extract(position, &values); err != nil {
			return nil, err
		}
		values.Each(func(at search.Entry) {
			if at.Kind != search.Posting || search.AspectOf(at.Key) != search.AspectValue {
				return
			}
			slot := search.SlotOf(at.Key)
			if slices.ContainsFunc(by, func(r ranked) bool { return r.slot == slot && r.keeps(valueOf(at.Key)) }) {
				t.take(i, valueOf(at.Key))
			}
		})
	}
	return t.ranks(), nil
}

// rankByID sorts the ids: hardly one stands there twice.
func (e *evaluation) rankByID(positions []uint64) (ranks, error) {
	ids := make([]domain.LogicalID, len(positions))
	order := make([]int, len(positions))
	for i, position := range positions {
		if i%1024 == 0 && e.ctx.Err() != nil {
			return nil, e.ctx.Err()
		}
		var err error
		if _, ids[i], err = e.source.Identify(position); err != nil {
			return nil, err
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(string(ids[a]), string(ids[b])) })
	r := make(ranks, len(positions))
	for place, i := range order {
		r[i] = int64(place)
		if place > 0 && ids[i] == ids[order[place-1]] {
			r[i] = r[order[place-1]]
		}
	}
	return r, nil
}
