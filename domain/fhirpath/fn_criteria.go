package fhirpath

// The functions of this file evaluate an argument for each item of their input,
// which is $this then.

// criteria evaluates an argument for each item as a boolean and hands it to
// visit, until that returns false.
func (c *compiler) criteria(r *run, n *Call, in Collection, criterion program, visit func(it *Item, t truth) bool) error {
	outer := r.scope
	for i := range in {
		if err := c.step(r, n.At); err != nil {
			return err
		}
		r.scope.this, r.scope.index, r.scope.variables = in[i:i+1:i+1], i, outer.variables
		t, err := c.truthOf(r, criterion, n.At, role{"the criterion of %s()", n.Name})
		if err != nil {
			return err
		}
		if !visit(&in[i], t) {
			break
		}
	}
	r.scope = outer
	return nil
}

func where(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		err = c.criteria(r, n, in, args[0], func(it *Item, t truth) bool {
			if t == yes {
				dst = append(dst, *it)
			}
			return true
		})
		r.give(in)
		return dst, err
	}, nil
}

// exists is exists() and exists(criteria).
func exists(c *compiler, n *Call, of program, args []program) (program, error) {
	if len(args) == 0 {
		return plain(func(k *call, dst Collection) (Collection, error) {
			return appendBoolean(dst, len(k.in) > 0), nil
		})(c, n, of, args)
	}
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		found := false
		err = c.criteria(r, n, in, args[0], func(_ *Item, t truth) bool {
			found = t == yes
			return !found
		})
		r.give(in)
		return appendBoolean(dst, found), err
	}, nil
}

func all(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		every := true
		err = c.criteria(r, n, in, args[0], func(_ *Item, t truth) bool {
			every = t == yes
			return every
		})
		r.give(in)
		return appendBoolean(dst, every), err
	}, nil
}

// selecting is select().
func selecting(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		dst, err = c.project(r, n, in, args[0], dst)
		if err != nil {
			return nil, err
		}
		r.give(in)
		return dst, nil
	}, nil
}

// project appends what a projection gives for each item.
func (c *compiler) project(r *run, n *Call, in Collection, projection program, dst Collection) (Collection, error) {
	outer := r.scope
	for i := range in {
		if err := c.step(r, n.At); err != nil {
			return nil, err
		}
		r.scope.this, r.scope.index, r.scope.variables = in[i:i+1:i+1], i, outer.variables
		var err error
		if dst, err = projection(r, dst); err != nil {
			return nil, err
		}
		if err := c.fits(r, n.At, dst); err != nil {
			return nil, err
		}
	}
	r.scope = outer
	return dst, nil
}

// repeat projects again what the projection gave, until nothing new comes.
func repeat(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		found := &set{run: r}
		for len(in) > 0 {
			next, err := c.project(r, n, in, args[0], r.take())
			if err != nil {
				return nil, err
			}
			before := len(found.members)
			found.addAll(next)
			r.give(next)
			if err := c.fits(r, n.At, found.members); err != nil {
				return nil, err
			}
			clear(in)
			in = append(in[:0], found.members[before:]...)
		}
		r.give(in)
		return append(dst, found.members...), nil
	}, nil
}

// aggregate carries $total from item to item.
func aggregate(c *compiler, n *Call, of program, args []program) (program, error) {
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		total := r.take()
		if len(args) > 1 {
			if total, err = args[1](r, total); err != nil {
				return nil, err
			}
		}
		outer := r.scope
		for i := range in {
			if err := c.step(r, n.At); err != nil {
				return nil, err
			}
			r.scope = scope{this: in[i : i+1 : i+1], index: i, total: total, variables: outer.variables}
			next, err := args[0](r, r.take())
			if err != nil {
				return nil, err
			}
			r.give(total)
			total = next
		}
		r.scope = outer
		dst = append(dst, total...)
		r.give(total)
		r.give(in)
		return dst, c.fits(r, n.At, dst)
	}, nil
}
