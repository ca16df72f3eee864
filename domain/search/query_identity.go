package search

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// identity digests what decides which resources match and in which order, also
// which slots that is about; page size, includes and the form of the answer are
// no part of it.
func (p *queryParser) identity() string {
	b := make([]byte, 0, 512)
	b = AppendComponent(b, string(p.ask.Compartment))
	b = AppendComponent(b, string(p.ask.CompartmentID))
	for _, base := range p.ask.Bases {
		b = AppendComponent(b, base)
	}
	b = append(b, 0)
	for _, t := range p.excluded {
		b = AppendComponent(b, string(t))
	}
	for i := range p.query.Scopes {
		scope := &p.query.Scopes[i]
		b = append(AppendComponent(b, string(scope.Type)), 0)
		walk(scope.Where, func(part Expr) { b = appendKeyOf(b, part) })
	}
	now := false
	for _, i := range p.criteria {
		if !p.dropped[i] {
			pair := p.ask.Pairs[i]
			b = AppendComponent(AppendComponent(b, pair.Name), pair.Value)
		}
	}
	for i := range p.query.Parsed {
		now = now || slices.ContainsFunc(p.query.Parsed[i].Criteria, dependsOnNow)
	}
	if now {
		b = binary.BigEndian.AppendUint64(b, uint64(p.now()))
	}
	for _, key := range p.query.Sort {
		b = append(AppendComponent(b, key.Code), byte(key.By))
		if key.Descending {
			b = append(b, '-')
		}
		for _, slot := range key.Slots {
			b = binary.BigEndian.AppendUint32(b, uint32(slot))
		}
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// appendKeyOf appends what the criteria as written do not tell: the slots.
func appendKeyOf(b []byte, e Expr) []byte {
	switch e := e.(type) {
	case Match:
		return append(AppendComponent(b, e.Key), 'm')
	case Between:
		return append(AppendComponent(b, e.Key), 'b')
	case Chained:
		return append(binary.BigEndian.AppendUint32(b, uint32(e.Reference.Slot)), 'c')
	case Referenced:
		return append(binary.BigEndian.AppendUint32(b, uint32(e.Reference.Slot)), 'r')
	}
	return b
}

// dependsOnNow tells whether a criterion measures from the instant of the search.
func dependsOnNow(c Criterion) bool {
	if slices.ContainsFunc(c.Operands, func(o Operand) bool {
		return o.Prefix == Approximate || slices.ContainsFunc(o.Components, func(o Operand) bool { return o.Prefix == Approximate })
	}) {
		return true
	}
	for _, scope := range c.Chain {
		if slices.ContainsFunc(scope.Criteria, dependsOnNow) {
			return true
		}
	}
	return c.Source != nil && slices.ContainsFunc(c.Source.Criteria, dependsOnNow) || c.Filter.dependsOnNow()
}

func (f *Filter) dependsOnNow() bool {
	if f == nil {
		return false
	}
	return f.Test != nil && dependsOnNow(*f.Test) || slices.ContainsFunc(f.Of, func(part Filter) bool { return part.dependsOnNow() })
}
