package searchindex

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// evaluation prepares a search as of a snapshot, without what events before a horizon
// have removed.
func (x *Index) evaluation(ctx context.Context, source Source, snapshot, horizon uint64) *evaluation {
	return &evaluation{view: x.view(ctx, snapshot, horizon), source: source, used: map[search.Slot]bool{}}
}

// operator prepares an expression within a scope of type t.
func (e *evaluation) operator(t domain.ResourceType, expr search.Expr) (operator, error) {
	switch x := expr.(type) {
	case nil:
		return e.allOf(t)
	case search.And:
		return e.and(t, x)
	case search.Or:
		parts := make(either, 0, len(x))
		for _, part := range x {
			o, err := e.operator(t, part)
			if err != nil {
				return nil, err
			}
			if k, ok := o.(known); !ok || len(k.result) > 0 {
				parts = append(parts, o)
			}
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		return parts, nil
	case search.Not:
		o, err := e.operator(t, x.Of)
		return neither{o}, err
	case search.Match:
		r, err := e.match(x)
		return known{r}, err
	case search.Between:
		return e.between(x)
	case search.IDs:
		r, err := e.byID(t, x)
		return known{r}, err
	case search.Updated:
		return e.updated(x)
	case search.Chained:
		r, err := e.chained(x)
		return known{r}, err
	case search.Referenced:
		r, err := e.referenced(t, x)
		return known{r}, err
	case search.Listed:
		r, err := e.listed(t, x)
		return known{r}, err
	case search.Unreferenced:
		return e.unreferenced(t, x)
	case search.Checked:
		o, err := e.operator(t, x.Of)
		if k, ok := o.(known); ok && len(k.result) == 0 {
			return o, err
		}
		return checked{o, e, x.Accept, new(set)}, err
	}
	return nil, fmt.Errorf("searchindex: no operator for %T", expr)
}

func (e *evaluation) and(t domain.ResourceType, parts search.And) (operator, error) {
	all := make([]operator, 0, len(parts))
	for _, part := range parts {
		o, err := e.operator(t, part)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return e.allOf(t)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	sizes := make([]sizedOperator, len(all))
	for i, o := range all {
		sizes[i] = sizedOperator{o, o.size()}
	}
	slices.SortStableFunc(sizes, func(a, b sizedOperator) int { return cmp.Compare(a.size, b.size) })
	// What is there already meets at once; the others look at what is left.
	all = all[:0]
	meeting := -1
	var met []string
	for _, o := range sizes {
		k, is := o.operator.(known)
		switch {
		case !is:
			all = append(all, o.operator)
			continue
		case meeting < 0:
			meeting = len(all)
			all = append(all, k)
		default:
			all[meeting] = known{meet(all[meeting].(known).result, k.result)}
		}
		if e.explaining {
			met = append(met, strconv.Itoa(o.size))
		}
	}
	if len(met) > 1 {
		e.steps = append(e.steps, fmt.Sprintf("postings of %s versions have %d in common, ended ones included",
			strings.Join(met, " and "), all[meeting].size()))
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &both{parts: all}, nil
}

type sizedOperator struct {
	operator
	size int
}

// allOf is all versions of a type, or of all types.
func (e *evaluation) allOf(t domain.ResourceType) (operator, error) {
	key := search.Key(search.SlotType, search.AspectValue)
	if t == "" {
		r, err := e.match(search.Match{Key: key})
		return known{r}, err
	}
	r, err := e.matchKey(search.AppendComponent(key, t))
	return known{r}, err
}

// typed adds the condition that versions are of a type, unless the expression
// holds for no others.
func (e *evaluation) typed(t domain.ResourceType, expr search.Expr) (operator, error) {
	if expr == nil {
		return e.allOf(t)
	}
	if impliesType(expr) {
		return e.operator(t, expr)
	}
	if t == "" { // deletions are no versions of any type
		return e.and(t, search.And{search.Match{Key: search.Key(search.SlotType, search.AspectValue)}, expr})
	}
	return e.and(t, search.And{search.Match{Key: search.AppendComponent(search.Key(search.SlotType, search.AspectValue), t), Whole: true}, expr})
}

// impliesType says whether an expression can hold for versions of its scope's
// type only. Where a parameter has one slot for all types, the query names the
// type itself.
func impliesType(expr search.Expr) bool {
	switch x := expr.(type) {
	case search.And:
		return slices.ContainsFunc(x, impliesType)
	case search.Or:
		return len(x) > 0 && !slices.ContainsFunc(x, func(part search.Expr) bool { return !impliesType(part) })
	case search.Match:
		slot := search.SlotOf(x.Key)
		return slot == search.SlotType && x.Whole || slot != search.SlotType && slot != search.SlotContent && slot != search.SlotText
	case search.Between, search.Chained:
		return true
	case search.Checked:
		return impliesType(x.Of)
	case search.IDs, search.Listed, search.Referenced:
		return true
	}
	return false
}

func (e *evaluation) updated(u search.Updated) (operator, error) {
	s := span{0, e.snapshot}
	var err error
	if u.From != math.MinInt64 {
		if s.from, err = e.source.Before(u.From); err != nil {
			return nil, err
		}
	}
	if u.Before != math.MaxInt64 {
		if s.before, err = e.source.Before(u.Before); err != nil {
			return nil, err
		}
	}
	s.before = min(s.before, e.snapshot)
	s.from = min(s.from, s.before)
	return s, nil
}

// byID finds the current versions of resources. Without a type every type is
// looked at.
func (e *evaluation) byID(t domain.ResourceType, ids []domain.LogicalID) (result, error) {
	types := []domain.ResourceType{t}
	if t == "" {
		var err error
		if types, err = e.types(); err != nil {
			return nil, err
		}
	}
	g := newGatherer()
	for _, t := range types {
		for _, id := range ids {
			position, ok, err := e.source.Resolve(t, id, e.snapshot)
			if err != nil {
				return nil, err
			}
			if ok {
				g.addPosition(position)
			}
		}
	}
	return g.result(), nil
}

// types lists the types that have any version.
func (e *evaluation) types() (list []domain.ResourceType, err error) {
	seen := map[domain.ResourceType]bool{}
	_, err = e.match(search.Match{
		Key: search.Key(search.SlotType, search.AspectValue),
		Keep: func(value []byte) bool {
			if name, _, ok := search.CutComponent(value); ok {
				seen[domain.ResourceType(name)] = true
			}
			return false
		},
	})
	for t := range seen {
		list = append(list, t)
	}
	slices.Sort(list)
	return list, err
}

// scope finds all current matches of a scope.
func (e *evaluation) scope(s search.Scope) (result, error) {
	o, err := e.typed(s.Type, s.Where)
	if err != nil {
		return nil, err
	}
	var all result
	err = e.walk(o, 0, false, func(block uint32, holds *set) (bool, error) {
		all = append(all, partOf(block, holds))
		return true, nil
	})
	return all, err
}

func partOf(block uint32, s *set) part {
	n := s.count()
	if n > sparseMost {
		kept := *s
		return part{block: block, n: int32(n), dense: &kept}
	}
	lows := make([]uint16, 0, n)
	s.each(func(low uint16) bool { lows = append(lows, low); return true })
	return sparsePart(block, lows)
}

// walk calls visit for each block that holds current matches, upwards from a
// block on or downwards from it, until visit returns false.
func (e *evaluation) walk(o operator, from uint32, down bool, visit func(block uint32, holds *set) (bool, error)) error {
	list, all := o.blocks()
	if all {
		list = make([]uint32, e.blocks)
		for i := range list {
			list[i] = uint32(i)
		}
	}
	at, found := slices.BinarySearch(list, from)
	if down {
		if !found {
			at--
		}
		list = list[:at+1]
		list = slices.Clone(list)
		slices.Reverse(list)
	} else {
		list = list[at:]
	}
	live, holds := new(set), new(set)
	for _, block := range list {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		if block >= e.blocks {
			continue
		}
		if err := e.liveIn(block, live); err != nil {
			return err
		}
		if k, ok := o.(known); ok {
			*holds = *live
			k.narrow(block, holds)
		} else {
			*holds = set{}
			if err := o.fill(block, live, holds); err != nil {
				return err
			}
			holds.and(live)
		}
		if holds.isEmpty() {
			continue
		}
		if more, err := visit(block, holds); err != nil || !more {
			return err
		}
	}
	return nil
}
