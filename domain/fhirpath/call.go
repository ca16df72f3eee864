package fhirpath

import (
	"slices"

	"fhirlog/domain"
)

// function is an entry of the table of functions: how many arguments it takes,
// and what makes its program.
type function struct {
	least, most int
	build       builder
}

// builder makes the program of a call from those of its input and arguments.
type builder func(c *compiler, n *Call, of program, args []program) (program, error)

// call compiles the call of a function.
func (c *compiler) call(n *Call) (program, error) {
	f, ok := functions[n.Name]
	if !ok {
		return nil, c.fault(n.At, domain.Invalid, "there is no function '%s'", n.Name)
	}
	if len(n.Args) < f.least || len(n.Args) > f.most {
		return nil, c.fault(n.At, domain.Invalid, "%s() takes %s", n.Name, arity(f))
	}
	of, err := c.input(n.Of)
	if err != nil {
		return nil, err
	}
	args := make([]program, len(n.Args))
	for i, arg := range n.Args {
		if sign, ok := arg.(*Unary); ok && n.Name == "sort" {
			arg = sign.Of // there the sign is the direction
		}
		if args[i], err = c.operand(arg); err != nil {
			return nil, err
		}
	}
	return f.build(c, n, of, args)
}

func arity(f function) string {
	names := [...]string{"no arguments", "one argument", "two arguments", "three arguments"}
	if f.least == f.most {
		return names[f.least]
	}
	if f.most >= len(names) {
		return "at least " + names[f.least]
	}
	if f.most == f.least+1 {
		return names[f.least] + " or " + names[f.most]
	}
	return names[f.least] + " to " + names[f.most]
}

// call is a function at work on its input.
type call struct {
	c    *compiler
	r    *run
	n    *Call
	in   Collection
	args []Collection
}

// plain builds functions whose arguments are evaluated once, where the call
// stands, before the function works on its input as a whole.
func plain(work func(k *call, dst Collection) (Collection, error)) builder {
	return func(c *compiler, n *Call, of program, args []program) (program, error) {
		return func(r *run, dst Collection) (Collection, error) {
			in, err := of(r, r.take())
			if err != nil {
				return nil, err
			}
			if err := c.spend(r, n.At, 1+len(in)); err != nil {
				return nil, err
			}
			k := r.takeCall()
			k.c, k.r, k.n, k.in = c, r, n, in
			for _, arg := range args {
				a, err := arg(r, r.take())
				if err != nil {
					return nil, err
				}
				k.args = append(k.args, a)
			}
			if dst, err = work(k, dst); err != nil {
				return nil, err
			}
			for _, a := range k.args {
				r.give(a)
			}
			r.give(in)
			r.giveCall(k)
			if err := c.step(r, n.At); err != nil {
				return nil, err
			}
			return dst, c.fits(r, n.At, dst)
		}, nil
	}
}

func (r *run) takeCall() *call {
	if n := len(r.calls); n > 0 {
		k := r.calls[n-1]
		r.calls = r.calls[:n-1]
		return k
	}
	return new(call)
}

func (r *run) giveCall(k *call) {
	clear(k.args)
	*k = call{args: k.args[:0]}
	r.calls = append(r.calls, k)
}

// scalar builds functions of a single value to a single value. Empty input
// gives empty output, and so does a nil result.
func scalar(work func(k *call, v System) (System, error)) builder {
	return plain(func(k *call, dst Collection) (Collection, error) {
		v, err := k.c.single(k.in, k.n.At, role{"what %s() is called on", k.n.Name})
		if v == nil || err != nil {
			return dst, err
		}
		if k.r.charge(v); k.r.steps < 0 {
			return dst, nil // plain answers for it
		}
		result, err := work(k, v)
		return appendSystem(dst, result), err
	})
}

// appendSystem appends a value unless it is nil.
func appendSystem(dst Collection, v System) Collection {
	switch v := v.(type) {
	case nil:
		return dst
	case Boolean:
		return appendBoolean(dst, bool(v))
	}
	return append(dst, NewItem(v))
}

// onText builds functions of a single string.
func onText(work func(k *call, s string) (System, error)) builder {
	return scalar(func(k *call, v System) (System, error) {
		s, ok := v.(String)
		if !ok {
			return nil, k.fault("is called on a String, not a %s", v.SystemType())
		}
		return work(k, string(s))
	})
}

// withText builds functions of a single string whose first argument is one too;
// if it is empty, so is the result.
func withText(work func(k *call, s, arg string) (System, error)) builder {
	return onText(func(k *call, s string) (System, error) {
		arg, ok, err := k.text(0)
		if !ok || err != nil {
			return nil, err
		}
		return work(k, s, arg)
	})
}

// fault is an error of the call.
func (k *call) fault(format string, values ...any) error {
	return k.c.fault(k.n.At, domain.Invalid, k.n.Name+"() "+format, values...)
}

// value returns an argument that is a single value, nil if it is empty or
// missing.
func (k *call) value(i int) (System, error) {
	if i >= len(k.args) {
		return nil, nil
	}
	return k.c.single(k.args[i], k.n.At, role{"an argument of %s()", k.n.Name})
}

// text returns an argument that is a string.
func (k *call) text(i int) (s string, ok bool, err error) {
	v, err := k.value(i)
	if v == nil || err != nil {
		return "", false, err
	}
	text, ok := v.(String)
	if !ok {
		return "", false, k.fault("takes a String as argument %d, not a %s", i+1, v.SystemType())
	}
	return string(text), true, nil
}

// integer returns an argument that is a whole number.
func (k *call) integer(i int) (n int, ok bool, err error) {
	v, err := k.value(i)
	if v == nil || err != nil {
		return 0, false, err
	}
	number, ok := v.(Integer)
	if !ok {
		return 0, false, k.fault("takes an Integer as argument %d, not a %s", i+1, v.SystemType())
	}
	return int(number), true, nil
}

// set makes a set of the run.
func (k *call) set(items Collection) *set {
	s := &set{run: k.r}
	s.addAll(items)
	return s
}

// functionNames lists the functions, sorted, for messages and tests.
func functionNames() []string {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
