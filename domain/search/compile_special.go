package search

import (
	"fhirlog/domain"
)

// special compiles the criteria that have no parameter.
func (c *compiler) special(cr *Criterion) Expr {
	var found Expr
	switch cr.Code {
	case "_content":
		found = c.words(cr, SlotContent)
	case "_text":
		found = c.words(cr, SlotText)
	default:
		found = c.identity(cr)
	}
	if cr.Modifier == Negated || cr.Compare == CompareNotEqual && cr.Code == "_id" {
		return Not{found}
	}
	return found
}

func (c *compiler) identity(cr *Criterion) Expr {
	if cr.Modifier == Missing || cr.Compare == ComparePresent { // every resource has what is asked about
		if (cr.Operands[0].Text == "true") == (cr.Modifier == Missing) {
			return Or{}
		}
		return And{}
	}
	if cr.Code == "_id" {
		return idsOf(cr.Operands)
	}
	var any Or
	for i, operand := range cr.Operands {
		c.lookups++
		switch cr.Code {
		case "_lastUpdated":
			any = append(any, updatedExpr(operand, c.now))
		case "_type":
			any = append(any, typeMatch(domain.ResourceType(operand.Text)))
		case "_list":
			any = append(any, Listed{List: domain.LogicalID(operand.Text), Bases: c.bases})
		case "_not-referenced":
			any = append(any, c.unreferenced(cr.References[i]))
		}
	}
	return flat(any)
}

// idsOf takes what can be an id, each once.
func idsOf(operands []Operand) IDs {
	ids := IDs{}
	seen := map[domain.LogicalID]bool{}
	for _, operand := range operands {
		id, err := domain.ParseLogicalID(operand.Text)
		if err == nil && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// unreferenced compiles one value of _not-referenced; no references at all
// means those of every type.
func (c *compiler) unreferenced(references []*Parameter) Expr {
	c.walks = true
	if references == nil {
		any := Unreferenced{Bases: c.bases}
		for _, of := range c.parser.byURL() {
			any.Canonicals = append(any.Canonicals, c.reference(of))
		}
		return any
	}
	if len(references) == 0 {
		return And{} // a type that refers to nothing
	}
	var through Unreferenced
	for _, of := range references {
		through.References = append(through.References, c.reference(of))
	}
	return through
}

// filter compiles a _filter.
func (c *compiler) filter(f *Filter, t domain.ResourceType) Expr {
	switch f.Op {
	case FilterTest:
		return c.criterion(f.Test, t)
	case FilterNot:
		return Not{c.filter(&f.Of[0], t)}
	case FilterOr:
		any := make(Or, len(f.Of))
		for i := range f.Of {
			any[i] = c.filter(&f.Of[i], t)
		}
		return any
	}
	all := make(And, len(f.Of))
	for i := range f.Of {
		all[i] = c.filter(&f.Of[i], t)
	}
	return all
}

// compare compiles a test of a _filter.
func (c *compiler) compare(cr *Criterion) Expr {
	of, operand := cr.Parameter, cr.Operands[0]
	c.lookups++
	switch of.Type {
	case String:
		return c.stringCompares(of, cr.Compare, operand.Text)
	case Token:
		return c.tokenCompares(cr, operand)
	case URI:
		return c.uriCompares(cr.Compare, of, operand)
	case ReferTo:
		if cr.Compare == CompareNotEqual {
			return onlyNarrow(of, noneOf(c.referencePatterns(of, "", operand))).match(of.Slot, AspectValue)
		}
	}
	return c.value(cr, operand)
}

// onlyNarrow keeps the references that are those of a parameter, where it shares
// the slot with a wider one.
func onlyNarrow(of *Parameter, p pattern) pattern {
	keep := p.keep
	if of.Narrow != "" {
		p.keep = func(value []byte) bool { return targetOf(value) == string(of.Narrow) && keep(value) }
	}
	return p
}

func (c *compiler) tokenCompares(cr *Criterion, operand Operand) Expr {
	of := cr.Parameter
	switch cr.Compare {
	case CompareEqual:
		return c.value(cr, operand)
	case CompareNotEqual:
		return noneOf(tokenPatterns(operand.Parts)).match(of.Slot, AspectValue)
	}
	test, folded := textTest(cr.Compare, []byte(operand.Text)), textTest(cr.Compare, []byte(lower(operand.Text)))
	return pattern{keep: func(value []byte) bool {
		if ofInsensitiveSystem(value) { // its codes are kept in lower case
			return folded(component(value, 0))
		}
		return test(component(value, 0))
	}}.match(of.Slot, AspectValue)
}

func (c *compiler) uriCompares(compare Comparison, of *Parameter, operand Operand) Expr {
	switch compare {
	case CompareEqual:
		return c.counted(uriPatterns(operand.Parts), of)
	case CompareNotEqual:
		return noneOf(append(uriPatterns(operand.Parts), partPatterns(operand.Parts)...)).match(of.Slot, AspectValue)
	}
	test := textTest(compare, []byte(operand.Text))
	short := uriText(func(uri []byte) bool { return !isDigest(uri) && test(uri) })
	return Or{short.match(of.Slot, AspectValue), c.longURI(of, test)}
}
