package fhirpath

// and, or, xor and implies are the operators of three-valued logic
// (https://hl7.org/fhirpath/N1/#boolean-logic).
func and(a, b truth) truth {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return unknown
}

func or(a, b truth) truth { return not(and(not(a), not(b))) }

func xor(a, b truth) truth {
	if a == unknown || b == unknown {
		return unknown
	}
	return truthOf(a != b)
}

func implies(a, b truth) truth { return or(not(a), b) }

func not(a truth) truth {
	switch a {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// logic compiles and, or, xor and implies. The right side is not evaluated if
// the left one decides.
func (c *compiler) logic(n *Binary, left, right program) program {
	operate := map[string]func(a, b truth) truth{"and": and, "or": or, "xor": xor, "implies": implies}[n.Op]
	leftSide, rightSide := role{"the left side of '%s'", n.Op}, role{"the right side of '%s'", n.Op}
	return func(r *run, dst Collection) (Collection, error) {
		if err := c.step(r, n.At); err != nil {
			return nil, err
		}
		a, err := c.truthOf(r, left, n.At, leftSide)
		if err != nil {
			return nil, err
		}
		if result := operate(a, no); a != unknown && result == operate(a, yes) && result == operate(a, unknown) {
			return result.append(dst), nil
		}
		b, err := c.truthOf(r, right, n.At, rightSide)
		if err != nil {
			return nil, err
		}
		return operate(a, b).append(dst), nil
	}
}
