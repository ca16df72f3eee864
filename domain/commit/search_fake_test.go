package commit

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// parameters are those of the specification.
var parameters = sync.OnceValue(func() *search.Set {
	set, err := search.NewSet(r4(), nil)
	if err != nil {
		panic(err)
	}
	return set
})

var r4 = sync.OnceValue(func() *definitions.Definitions {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		panic(err)
	}
	return d
})

// query parses criteria given as names and values in turn.
func query(t testing.TB, resourceType domain.ResourceType, pairs ...string) *search.Query {
	t.Helper()
	ask := search.Ask{Types: []domain.ResourceType{resourceType}, Conditional: true, Now: time.Now()}
	for i := 0; i < len(pairs); i += 2 {
		ask.Pairs = append(ask.Pairs, search.Pair{Name: pairs[i], Value: pairs[i+1]})
	}
	q, err := search.Parse(r4(), parameters(), ask)
	if err != nil {
		t.Fatalf("Parse(%s?%q): %v", resourceType, pairs, err)
	}
	return q
}

// The memory answers searches by looking at every resource.

func (m *memory) Parameters() *search.Set {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.set != nil {
		return m.set
	}
	return parameters()
}

// entry is a live resource with its index values.
type entry struct {
	search.Found
	values *search.Values
}

// live returns what is current at a snapshot, in the order of positions.
func (m *memory) live(snapshot uint64) []entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if snapshot > m.applied {
		panic("a snapshot beyond what is applied")
	}
	var list []entry
	for at := range m.chains {
		chain := m.visibleLocked(at)
		last, _ := slices.BinarySearch(chain, snapshot)
		for ; last > 0; last-- {
			position := chain[last-1]
			e, err := event.Decode(m.records[position].Metadata)
			if err != nil {
				panic(err)
			}
			if e.Kind == event.Written {
				list = append(list, entry{search.Found{Type: at.t, ID: at.id, Position: position, Version: e.Version}, m.valuesLocked(position)})
			}
			if e.Kind != event.HistoryPurged {
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return int(a.Position) - int(b.Position) })
	return list
}

func (m *memory) valuesLocked(position uint64) *search.Values {
	if v, known := m.values[position]; known {
		return v
	}
	d, err := fhirjson.Parse(m.records[position].Body, fhirjson.Limits{})
	if err != nil {
		panic(err)
	}
	v := new(search.Values)
	parameters().Extract(v, d.Root())
	m.values[position] = v
	return v
}

func (m *memory) Find(ctx context.Context, q *search.Query, snapshot uint64, limit int) ([]search.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.finds++
	onFind := m.onFind
	m.mu.Unlock()
	if onFind != nil {
		defer onFind()
	}
	all := m.live(snapshot)
	var found []search.Found
	for _, e := range all {
		if len(found) < limit && slices.ContainsFunc(q.Scopes, func(s search.Scope) bool { return inScope(e, s, all) }) {
			found = append(found, e.Found)
		}
	}
	return found, nil
}

func inScope(e entry, s search.Scope, all []entry) bool {
	return (s.Type == "" || s.Type == e.Type) && (s.Where == nil || meets(e, s.Where, all))
}

func meets(e entry, x search.Expr, all []entry) bool {
	switch x := x.(type) {
	case search.And:
		return !slices.ContainsFunc(x, func(x search.Expr) bool { return !meets(e, x, all) })
	case search.Or:
		return slices.ContainsFunc(x, func(x search.Expr) bool { return meets(e, x, all) })
	case search.Not:
		return !meets(e, x.Of, all)
	case search.IDs:
		return slices.Contains(x, e.ID)
	case search.Match:
		return has(e.values, func(v search.Entry) bool {
			if v.Kind != search.Posting || x.Whole {
				return v.Kind == search.Posting && bytes.Equal(v.Key, x.Key)
			}
			return bytes.HasPrefix(v.Key, x.Key) && (x.Keep == nil || x.Keep(search.ValueOf(v.Key)))
		})
	case search.Chained:
		return slices.ContainsFunc(all, func(to entry) bool {
			return refers(e, to, x.Reference) && slices.ContainsFunc(x.Targets, func(s search.Scope) bool { return inScope(to, s, all) })
		})
	}
	panic(fmt.Sprintf("the fake cannot evaluate %T", x))
}

func refers(from, to entry, r search.Reference) bool {
	target := search.AppendComponent(search.AppendComponent(search.AppendComponent(nil, string(to.ID)), string(to.Type)), "")
	return has(from.values, func(v search.Entry) bool {
		return v.Kind == search.Forward && search.SlotOf(v.Key) == r.Slot && bytes.Equal(v.Target, target)
	})
}

func has(v *search.Values, is func(search.Entry) bool) (found bool) {
	v.Each(func(e search.Entry) { found = found || is(e) })
	return found
}

func (m *memory) Include(ctx context.Context, r search.IncludeRequest) (search.Included, error) {
	var included search.Included
	all := m.live(r.Snapshot)
	isMatch := func(e entry) bool { return slices.Contains(r.Matches, e.Position) }
	for _, e := range all {
		wanted := slices.ContainsFunc(all, func(match entry) bool {
			return isMatch(match) && (followed(match, e, r.Query.Include) || followed(e, match, r.Query.RevInclude))
		})
		if wanted && !isMatch(e) {
			included.More = len(included.Positions) == r.Limit
			if included.More {
				break
			}
			included.Positions = append(included.Positions, e.Position)
		}
	}
	return included, nil
}

func followed(from, to entry, list []search.Include) bool {
	return slices.ContainsFunc(list, func(i search.Include) bool {
		return slices.ContainsFunc(i.References, func(r search.IncludeReference) bool {
			return r.Source == from.Type && refers(from, to, r.Reference)
		})
	})
}
