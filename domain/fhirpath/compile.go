package fhirpath

import (
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

// compiler turns nodes into programs.
type compiler struct {
	text        string
	definitions *definitions.Definitions
	singleAs    bool
	defines     bool // the expression has a defineVariable()
}

// fault is an error at a node, of Compile or of the evaluation.
func (c *compiler) fault(at At, kind domain.Kind, format string, values ...any) *domain.Error {
	return fault(c.text, at.Offset(), kind, format, values...)
}

// compile makes the program of a node. A program spends one step each time it
// runs.
func (c *compiler) compile(n Node) (program, error) {
	switch n := n.(type) {
	case *Literal:
		return c.constant(n), nil
	case *Empty:
		return func(_ *run, dst Collection) (Collection, error) { return dst, nil }, nil
	case *Variable:
		return c.variable(n), nil
	case *Special:
		return special(n.Name), nil
	case *Member:
		return c.member(n)
	case *Call:
		return c.call(n)
	case *Typed:
		return c.typed(n)
	case *Indexer:
		return c.indexer(n)
	case *Unary:
		return c.unary(n)
	case *Binary:
		return c.binary(n)
	}
	panic("unknown node") // Node is a closed set
}

// input compiles what a step is taken from; without it that is $this.
func (c *compiler) input(of Node) (program, error) {
	if of == nil {
		return special("$this"), nil
	}
	return c.compile(of)
}

func (c *compiler) constant(n *Literal) program {
	item := NewItem(n.Value)
	return func(_ *run, dst Collection) (Collection, error) { return append(dst, item), nil }
}

func special(name string) program {
	switch name {
	case "$index":
		return func(r *run, dst Collection) (Collection, error) {
			if r.scope.index < 0 {
				return dst, nil
			}
			return append(dst, NewItem(Integer(r.scope.index))), nil
		}
	case "$total":
		return func(r *run, dst Collection) (Collection, error) { return append(dst, r.scope.total...), nil }
	}
	return func(r *run, dst Collection) (Collection, error) { return append(dst, r.scope.this...), nil }
}

// indexer is Of[Index]; beyond the end it is empty.
func (c *compiler) indexer(n *Indexer) (program, error) {
	of, err := c.compile(n.Of)
	if err != nil {
		return nil, err
	}
	index, err := c.compile(n.Index)
	if err != nil {
		return nil, err
	}
	return func(r *run, dst Collection) (Collection, error) {
		in, err := of(r, r.take())
		if err != nil {
			return nil, err
		}
		v, err := c.one(r, index, n.At, role{text: "the index"})
		if err != nil {
			return nil, err
		}
		if v != nil {
			i, ok := v.(Integer)
			if !ok {
				return nil, c.fault(n.At, domain.Invalid, "the index is to be an Integer, not a %s", v.SystemType())
			}
			if i >= 0 && int(i) < len(in) {
				dst = append(dst, in[i])
			}
		}
		r.give(in)
		return dst, nil
	}, nil
}

// role says in a message what a collection is there for. It is put together only
// when there is a message.
type role struct {
	text string // with %s for the name
	name string
}

// String returns the text with the name.
func (r role) String() string { return strings.Replace(r.text, "%s", r.name, 1) }

// one evaluates an operand that is a single System value; nil means that it is
// empty.
func (c *compiler) one(r *run, p program, at At, what role) (System, error) {
	in, err := p(r, r.take())
	if err != nil {
		return nil, err
	}
	v, err := c.single(in, at, what)
	r.give(in)
	r.charge(v)
	return v, err
}

// single returns the System value of a collection of at most one.
func (c *compiler) single(in Collection, at At, what role) (System, error) {
	switch len(in) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, c.fault(at, domain.Invalid, "%s is to be a single value, and there are %d", what, len(in))
	}
	v, ok := in[0].System()
	if !ok {
		if t := in[0].typ; in[0].place.Kind() == fhirjson.Object || t == nil {
			return nil, c.fault(at, domain.Invalid, "%s is to be a simple value, not a %s", what, in[0].Type().Name)
		}
	}
	return v, nil
}

// charge takes steps for values that cost more than others to work with. Whoever
// spends next looks whether there are any left.
func (r *run) charge(v System) {
	switch v := v.(type) {
	case String:
		r.steps -= len(v) / 64
	case *Quantity:
		r.steps -= 20
	}
}

// step spends one step.
func (c *compiler) step(r *run, at At) error { return c.spend(r, at, 1) }

// spend spends steps, and fails when there are none left.
func (c *compiler) spend(r *run, at At, steps int) error {
	if r.steps -= steps; r.steps < r.pause {
		return c.rest(r, at)
	}
	return nil
}

// rest is reached when there are no steps left, or it is time to ask whether to
// stop.
func (c *compiler) rest(r *run, at At) error {
	if r.steps < 0 {
		return c.fault(at, domain.TooCostly, "the evaluation took more than %d steps", r.limits.MaxSteps)
	}
	r.pause = max(0, r.steps-stepsBetween)
	return r.context.Stopped()
}

// fits checks that a collection has not become too large.
func (c *compiler) fits(r *run, at At, items Collection) error {
	if len(items) > r.limits.MaxItems {
		return c.fault(at, domain.TooCostly, "a collection has more than %d items", r.limits.MaxItems)
	}
	return nil
}
