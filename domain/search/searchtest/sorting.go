package searchtest

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"fhirlog/domain/search"
)

// sort puts matches, which stand in the order of positions, into the order that
// is asked for (search.SortBy): of several values the least counts ascending and
// the greatest descending; those without a value stand first ascending and last
// descending.
func (e *Evaluator) sort(keys []search.SortKey, matches []*Version) {
	places := make(map[*Version][]sortValue, len(matches))
	for _, v := range matches {
		for _, key := range keys {
			places[v] = append(places[v], e.sortValue(key, v))
		}
	}
	slices.SortStableFunc(matches, func(a, b *Version) int {
		for i, key := range keys {
			order := places[a][i].compare(places[b][i])
			if key.Descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}

// sortValue is what a version is placed by: nothing, a number, or texts one
// after the other.
type sortValue struct {
	known  bool
	number *big.Rat
	texts  []string
}

func (s sortValue) compare(other sortValue) int {
	switch {
	case s.known != other.known:
		if s.known {
			return 1
		}
		return -1
	case s.number != nil && other.number != nil:
		return s.number.Cmp(other.number)
	}
	return slices.Compare(s.texts, other.texts)
}

func (e *Evaluator) sortValue(key search.SortKey, v *Version) (best sortValue) {
	for _, value := range e.sortValues(key, v) {
		value.known = true
		if order := value.compare(best); !best.known || order < 0 != key.Descending && order != 0 {
			best = value
		}
	}
	return best
}

func (e *Evaluator) sortValues(key search.SortKey, v *Version) (all []sortValue) {
	switch key.By {
	case search.SortLastUpdated:
		return []sortValue{{number: new(big.Rat).SetUint64(v.Position)}}
	case search.SortID:
		return []sortValue{{texts: []string{string(v.ID)}}}
	case search.SortType:
		return []sortValue{{texts: []string{string(v.Type)}}}
	}
	of := e.Set.Find(v.Type, key.Code)
	if of == nil {
		return nil
	}
	for _, el := range e.elements(v, of) {
		all = append(all, e.sortValuesOf(of, key.Descending, el, v)...)
	}
	return all
}

// farAway stands for the open end of a period or range.
var farAway = new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(400), nil))

func (e *Evaluator) sortValuesOf(of *search.Parameter, descending bool, el element, v *Version) (all []sortValue) {
	end := func(low, high *big.Rat) []sortValue {
		n := low
		if descending {
			n = high
		}
		switch {
		case n == nil && descending:
			n = farAway
		case n == nil:
			n = new(big.Rat).Neg(farAway)
		}
		return []sortValue{{number: n}}
	}
	texts := func(parts ...string) { all = append(all, sortValue{texts: parts}) }
	switch of.Type {
	case search.Date:
		if period, ok := periodOf(el); ok {
			var low, high *big.Rat
			if !period.fromOpen {
				low = instantOf(period.from)
			}
			if !period.toOpen {
				high = instantOf(period.to)
			}
			return end(low, high)
		}
	case search.Number:
		if low, high, ok := numberOf(el); ok {
			return end(low, high)
		}
	case search.Quantity:
		if q, ok := quantityOf(el); ok {
			return end(q.low, q.high)
		}
	case search.String:
		for _, text := range stringsOf(el) {
			if plain := normalize(text); plain == text {
				texts(plain, "")
			} else if plain != "" {
				texts(plain, text)
			}
		}
	case search.Token:
		for _, t := range e.tokensOf(el, v) {
			if t.code != "" {
				texts(t.sortKey()...)
			}
		}
	case search.URI:
		url, version := el.text(), ""
		if el.name == "canonical" {
			url, _, _ = strings.Cut(url, "#")
			url, version, _ = strings.Cut(url, "|")
		}
		texts(url, version)
	case search.ReferTo:
		switch r := e.referenceOf(el); {
		case r.written != "":
			texts("\x02"+r.written, r.version, "")
		case r.isLocal():
			texts(r.id, r.typ, r.version)
		case r.url != "":
			texts("\x02"+r.url, r.version, "")
		}
	}
	return all
}

// sortKey orders tokens by code, then by whether their system is given, and by
// the system.
func (t token) sortKey() []string {
	code := t.code
	if caseMeansNothing(t.system) {
		code = strings.ToLower(code)
	}
	mark := "\x03"
	switch {
	case t.system == "":
		mark = "\x02"
	case t.implied:
		mark = "\x04"
	}
	return []string{code, mark + t.system}
}

// byPosition orders versions as the log does.
func byPosition(a, b *Version) int { return cmp.Compare(a.Position, b.Position) }
