package search

// Keys gives whole posting keys, of AspectValue, such that every resource that
// begins to match the query by being written has at least one of them. whole is
// false where there is no such set: then any write to the types searched may
// bring a match. See Joins for queries whose matches depend on more than that.
func (q *Query) Keys() (keys [][]byte, whole bool) {
	for _, scope := range q.Scopes {
		found, ok := keysOf(scope.Where)
		if !ok {
			return nil, false
		}
		keys = append(keys, found...)
	}
	return keys, len(q.Scopes) > 0
}

// mostKeys bounds how many keys are worth watching; with more of them, the
// whole type is.
const mostKeys = 64

func keysOf(e Expr) (keys [][]byte, ok bool) {
	switch e := e.(type) {
	case Match:
		if !e.Whole || AspectOf(e.Key) != AspectValue {
			return nil, false
		}
		return [][]byte{e.Key}, true
	case Checked:
		return keysOf(e.Of)
	case Or:
		for _, part := range e {
			found, ok := keysOf(part)
			if !ok || len(keys)+len(found) > mostKeys {
				return nil, false
			}
			keys = append(keys, found...)
		}
		return keys, true
	case And:
		return leastKeys(e)
	}
	return nil, false
}

// leastKeys chooses the condition with the fewest keys, all of which must hold
// anyway. That of the type is the last choice, as every resource has it.
func leastKeys(all And) (keys [][]byte, ok bool) {
	typed := true
	for _, part := range all {
		found, has := keysOf(part)
		if !has {
			continue
		}
		isType := len(found) > 0 && SlotOf(found[0]) == SlotType
		if !ok || typed && !isType || typed == isType && len(found) < len(keys) {
			keys, ok, typed = found, true, isType
		}
	}
	return keys, ok
}

// Joins tells whether the matches depend on other resources as well, through a
// chain, _has, _list or _not-referenced: a write to another type may make a
// resource match, or no longer match, that is not written itself.
func (q *Query) Joins() bool {
	for _, scope := range q.Scopes {
		if joins(scope.Where) {
			return true
		}
	}
	return false
}

func joins(e Expr) bool {
	found := false
	walk(e, func(part Expr) {
		switch part.(type) {
		case Chained, Referenced, Listed, Unreferenced:
			found = true
		}
	})
	return found
}

// walk visits an expression and all parts of it, those of the scopes of chains
// included.
func walk(e Expr, visit func(part Expr)) {
	if e == nil {
		return
	}
	visit(e)
	switch e := e.(type) {
	case And:
		for _, part := range e {
			walk(part, visit)
		}
	case Or:
		for _, part := range e {
			walk(part, visit)
		}
	case Not:
		walk(e.Of, visit)
	case Checked:
		walk(e.Of, visit)
	case Chained:
		for _, target := range e.Targets {
			walk(target.Where, visit)
		}
	case Referenced:
		walk(e.Source.Where, visit)
	}
}
