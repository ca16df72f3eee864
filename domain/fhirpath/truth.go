package fhirpath

import (
	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// truth is a value of three-valued logic.
type truth uint8

const (
	unknown truth = iota // the empty collection
	no
	yes
)

// The items of booleans, made once.
var (
	trueItem  = Item{system: Boolean(true)}
	falseItem = Item{system: Boolean(false)}
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// append appends the boolean, nothing for unknown.
func (t truth) append(dst Collection) Collection {
	switch t {
	case yes:
		return append(dst, trueItem)
	case no:
		return append(dst, falseItem)
	}
	return dst
}

func appendBoolean(dst Collection, b bool) Collection { return truthOf(b).append(dst) }

// truth evaluates a collection as a boolean: a single item that is none is true
// (https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections).
func (c *compiler) truth(in Collection, at At, what role) (truth, error) {
	switch len(in) {
	case 0:
		return unknown, nil
	case 1:
	default:
		return unknown, c.fault(at, domain.Invalid, "%s is to be a single Boolean, and there are %d items", what, len(in))
	}
	v, ok := in[0].System()
	if b, isBoolean := v.(Boolean); isBoolean {
		return truthOf(bool(b)), nil
	}
	if t := in[0].typ; !ok && t != nil && t.Format == definitions.Boolean {
		return unknown, nil // a boolean that has only extensions
	}
	return yes, nil
}

// truthOf evaluates a program as a boolean.
func (c *compiler) truthOf(r *run, p program, at At, what role) (truth, error) {
	in, err := p(r, r.take())
	if err != nil {
		return unknown, err
	}
	t, err := c.truth(in, at, what)
	r.give(in)
	return t, err
}
