package fhirpath

import "fhirlog/domain"

// iif evaluates only the branch that it takes. Its arguments see the input, at
// most one item, as $this.
func iif(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		if len(in) > 1 {
			return nil, c.fault(n.At, domain.Invalid, "iif() is called on at most one item, and there are %d", len(in))
		}
		outer := r.scope
		r.scope.this = in
		criterion, err := args[0](r, r.take())
		if err != nil {
			return nil, err
		}
		branch := 2
		if len(criterion) > 0 {
			v, _ := criterion[0].System()
			b, ok := v.(Boolean)
			if !ok || len(criterion) > 1 {
				return nil, c.fault(n.At, domain.Invalid, "the criterion of iif() is to be a single Boolean")
			}
			if b {
				branch = 1
			}
		}
		r.give(criterion)
		if branch < len(args) {
			if dst, err = args[branch](r, dst); err != nil {
				return nil, err
			}
		}
		r.scope = outer
		r.give(in)
		return dst, c.step(r, n.At)
	}, nil
}
