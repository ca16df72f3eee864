package fhirpath

import (
	"strings"

	"fhirlog/domain"
)

// operation returns what calculates an operator on two values; a nil result is
// the empty collection (https://hl7.org/fhirpath/N1/#math).
func (c *compiler) operation(n *Binary) func(r *run, a, b System) (System, error) {
	switch n.Op {
	case "<", ">", "<=", ">=":
		return func(_ *run, a, b System) (System, error) {
			order, known, same := compareSystem(a, b)
			if _, isBoolean := a.(Boolean); !same || isBoolean {
				return nil, c.mismatch(n, a, b)
			}
			if !known {
				return nil, nil
			}
			return Boolean(order < 0 && n.Op[0] == '<' || order > 0 && n.Op[0] == '>' || order == 0 && len(n.Op) == 2), nil
		}
	case "&":
		return func(r *run, a, b System) (System, error) {
			sa, okA := text(a)
			sb, okB := text(b)
			if !okA || !okB {
				return nil, c.mismatch(n, a, b)
			}
			return c.made(r, n.At, sa, sb)
		}
	}
	return func(r *run, a, b System) (System, error) {
		if sa, ok := a.(String); ok && n.Op == "+" {
			if sb, ok := b.(String); ok {
				return c.made(r, n.At, string(sa), string(sb))
			}
		}
		v, ok := calculate(n.Op, a, b)
		if !ok {
			return nil, c.mismatch(n, a, b)
		}
		return v, nil
	}
}

func (c *compiler) mismatch(n *Binary, a, b System) error {
	name := func(v System) string {
		if v == nil {
			return "nothing"
		}
		return v.SystemType()
	}
	hint := ""
	if _, isTemporal := a.(*Temporal); isTemporal && (n.Op == "+" || n.Op == "-") {
		hint = "; what is added to a date or time is a quantity in a calendar unit, such as 3 days"
	}
	return c.fault(n.At, domain.Invalid, "'%s' does not work with %s and %s%s", n.Op, name(a), name(b), hint)
}

// text returns a string, and "" for nothing.
func text(v System) (string, bool) {
	if v == nil {
		return "", true
	}
	s, ok := v.(String)
	return string(s), ok
}

// made joins strings that an expression makes, within the limit.
func (c *compiler) made(r *run, at At, parts ...string) (System, error) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	if size > r.limits.MaxText {
		return nil, c.tooLong(r, at)
	}
	if err := c.spend(r, at, size/64); err != nil {
		return nil, err
	}
	return String(strings.Join(parts, "")), nil
}

func (c *compiler) tooLong(r *run, at At) error {
	return c.fault(at, domain.TooCostly, "a string has more than %d bytes", r.limits.MaxText)
}
