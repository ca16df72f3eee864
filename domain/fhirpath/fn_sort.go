package fhirpath

import "slices"

// sorting is sort(): by the items themselves, or by keys, each of them
// descending if a minus stands before it. Empty keys count as the greatest
// (https://build.fhir.org/ig/HL7/FHIRPath/#sort).
func sorting(c *compiler, n *Call, of program, args []program) (program, error) {
	if len(args) == 0 {
		args = []program{special("$this")}
	}
	descending := make([]bool, len(args))
	for i, arg := range n.Args {
		sign, ok := arg.(*Unary)
		descending[i] = ok && sign.Op == "-"
	}
	type row struct {
		item Item
		keys []System
	}
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		rows := make([]row, len(in))
		outer := r.scope
		for i := range in {
			r.scope.this, r.scope.index = in[i:i+1:i+1], i
			rows[i] = row{in[i], make([]System, len(args))}
			for j, key := range args {
				if rows[i].keys[j], err = c.one(r, key, n.At, role{text: "a key of sort()"}); err != nil {
					return nil, err
				}
			}
		}
		r.scope = outer
		if err := c.spend(r, n.At, 1+8*len(in)); err != nil {
			return nil, err
		}
		slices.SortStableFunc(rows, func(a, b row) int {
			for j := range args {
				order := compareKeys(a.keys[j], b.keys[j])
				if descending[j] {
					order = -order
				}
				if order != 0 {
					return order
				}
			}
			return 0
		})
		for i := range rows {
			dst = append(dst, rows[i].item)
		}
		r.give(in)
		return dst, nil
	}, nil
}

// compareKeys orders keys of sort(); those that do not compare are taken as
// equal.
func compareKeys(a, b System) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	order, _, _ := compareSystem(a, b)
	return order
}
