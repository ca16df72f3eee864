package fhirpath

import (
	"fhirlog/domain"
)

// binary compiles an operator with two operands.
func (c *compiler) binary(n *Binary) (program, error) {
	left, err := c.operand(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.operand(n.Right)
	if err != nil {
		return nil, err
	}
	switch n.Op {
	case "and", "or", "xor", "implies":
		return c.logic(n, left, right), nil
	case "=", "!=", "~", "!~":
		return c.collections(n, left, right, equality(n.Op)), nil
	case "|":
		return c.collections(n, left, right, func(r *run, dst, a, b Collection) Collection {
			s := set{run: r, members: r.take()}
			s.addAll(a)
			s.addAll(b)
			dst = append(dst, s.members...)
			r.give(s.members)
			return dst
		}), nil
	case "in", "contains":
		return c.membership(n, left, right), nil
	}
	return c.values(n, left, right), nil
}

// operand compiles a part whose variables of defineVariable() end with it.
func (c *compiler) operand(n Node) (program, error) {
	p, err := c.compile(n)
	if err != nil || !c.defines {
		return p, err
	}
	return func(r *run, dst Collection) (Collection, error) {
		before := r.scope.variables
		dst, err := p(r, dst)
		r.scope.variables = before
		return dst, err
	}, nil
}

// collections makes the program of an operator on whole collections.
func (c *compiler) collections(n *Binary, left, right program, operate func(r *run, dst, a, b Collection) Collection) program {
	return func(r *run, dst Collection) (Collection, error) {
		a, err := left(r, r.take())
		if err != nil {
			return nil, err
		}
		b, err := right(r, r.take())
		if err != nil {
			return nil, err
		}
		dst = operate(r, dst, a, b)
		r.give(b)
		r.give(a)
		if err := c.step(r, n.At); err != nil {
			return nil, err
		}
		return dst, c.fits(r, n.At, dst)
	}
}

func equality(op string) func(r *run, dst, a, b Collection) Collection {
	switch op {
	case "=":
		return func(r *run, dst, a, b Collection) Collection { return r.equalCollections(a, b).append(dst) }
	case "!=":
		return func(r *run, dst, a, b Collection) Collection { return not(r.equalCollections(a, b)).append(dst) }
	case "~":
		return func(r *run, dst, a, b Collection) Collection {
			return appendBoolean(dst, r.equivalentCollections(a, b))
		}
	}
	return func(r *run, dst, a, b Collection) Collection {
		return appendBoolean(dst, !r.equivalentCollections(a, b))
	}
}

// membership compiles in and contains.
func (c *compiler) membership(n *Binary, left, right program) program {
	if n.Op == "contains" {
		left, right = right, left
	}
	return func(r *run, dst Collection) (Collection, error) {
		a, err := left(r, r.take())
		if err != nil {
			return nil, err
		}
		b, err := right(r, r.take())
		if err != nil {
			return nil, err
		}
		if len(a) > 1 {
			return nil, c.fault(n.At, domain.Invalid, "'%s' looks for a single item, and there are %d", n.Op, len(a))
		}
		if len(a) == 1 {
			found := false
			for i := 0; i < len(b) && !found; i++ {
				found = r.equal(&b[i], &a[0]) == yes
			}
			dst = appendBoolean(dst, found)
		}
		r.give(b)
		r.give(a)
		return dst, c.step(r, n.At)
	}
}

// values makes the program of an operator on two single values. With an empty
// operand the result is empty, except for &.
func (c *compiler) values(n *Binary, left, right program) program {
	operate := c.operation(n)
	leftSide, rightSide := role{"the left side of '%s'", n.Op}, role{"the right side of '%s'", n.Op}
	return func(r *run, dst Collection) (Collection, error) {
		if err := c.step(r, n.At); err != nil {
			return nil, err
		}
		a, err := c.one(r, left, n.At, leftSide)
		if err != nil {
			return nil, err
		}
		b, err := c.one(r, right, n.At, rightSide)
		if err != nil {
			return nil, err
		}
		if n.Op != "&" && (a == nil || b == nil) {
			return dst, nil
		}
		result, err := operate(r, a, b)
		if err != nil || result == nil {
			return dst, err
		}
		if b, ok := result.(Boolean); ok {
			return appendBoolean(dst, bool(b)), nil
		}
		return append(dst, NewItem(result)), nil
	}
}

// unary compiles a sign.
func (c *compiler) unary(n *Unary) (program, error) {
	of, err := c.compile(n.Of)
	if err != nil {
		return nil, err
	}
	return func(r *run, dst Collection) (Collection, error) {
		if err := c.step(r, n.At); err != nil {
			return nil, err
		}
		v, err := c.one(r, of, n.At, role{"what '%s' stands before", n.Op})
		if v == nil || err != nil {
			return dst, err
		}
		switch v.(type) {
		case Integer, Decimal, *Quantity:
		default:
			return nil, c.fault(n.At, domain.Invalid, "'%s' stands before a number or quantity, not a %s", n.Op, v.SystemType())
		}
		if n.Op == "-" {
			v = negated(v)
		}
		return append(dst, NewItem(v)), nil
	}, nil
}
