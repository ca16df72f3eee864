package search

import (
	"strings"

	"fhirlog/domain"
)

// compiler puts criteria in terms of the index.
type compiler struct {
	parser  *queryParser
	bases   []string
	now     Ticks
	lookups int  // keys and columns so far
	walks   bool // values have to be looked at one by one
}

// compile makes the scopes of the query.
func (p *queryParser) compile(parsed []ScopeCriteria) error {
	c := &compiler{parser: p, bases: p.ask.Bases, now: p.now()}
	p.query.Parsed = parsed
	for _, scope := range parsed {
		var extra And
		for _, t := range p.excluded {
			if p.anyType {
				extra = append(extra, Not{typeMatch(t)})
			}
		}
		if p.ask.Compartment != "" {
			membership, err := c.membership(scope.Type)
			if err != nil {
				return err
			}
			extra = append(extra, membership)
		}
		p.query.Scopes = append(p.query.Scopes, c.scope(scope, extra))
	}
	p.query.Walks = c.walks
	if c.lookups > maxLookups {
		return tooMuch("the criteria come to more than %d values to look up; fewer alternatives, or a type with each reference, help", maxLookups)
	}
	return nil
}

// scope compiles the criteria of one type.
func (c *compiler) scope(scope ScopeCriteria, extra And) Scope {
	var all And
	if scope.Type != "" && usesShared(scope.Criteria) {
		all = append(all, typeMatch(scope.Type))
	}
	all = append(all, extra...)
	for i := range scope.Criteria {
		all = append(all, c.criterion(&scope.Criteria[i], scope.Type))
	}
	switch len(all) {
	case 0:
		return Scope{Type: scope.Type}
	case 1:
		return Scope{Type: scope.Type, Where: all[0]}
	}
	return Scope{Type: scope.Type, Where: all}
}

// usesShared tells whether a slot of all types is used, whose values must be
// narrowed to those of the scope's type.
func usesShared(criteria []Criterion) bool {
	for i := range criteria {
		if of := criteria[i].Parameter; of != nil && of.Shared || criteria[i].Filter.usesShared() {
			return true
		}
	}
	return false
}

func (f *Filter) usesShared() bool {
	if f == nil {
		return false
	}
	if f.Test != nil && f.Test.Parameter != nil && f.Test.Parameter.Shared {
		return true
	}
	for i := range f.Of {
		if f.Of[i].usesShared() {
			return true
		}
	}
	return false
}

func typeMatch(t domain.ResourceType) Match {
	return Match{Key: AppendComponent(Key(SlotType, AspectValue), string(t)), Whole: true}
}

// criterion compiles one criterion.
func (c *compiler) criterion(cr *Criterion, t domain.ResourceType) Expr {
	switch {
	case cr.Source != nil:
		return Referenced{Source: c.scope(*cr.Source, nil), Reference: c.reference(cr.Reference)}
	case cr.Filter != nil:
		return c.filter(cr.Filter, t)
	case cr.Chain != nil:
		chained := Chained{Reference: c.reference(cr.Parameter)}
		for _, target := range cr.Chain {
			chained.Targets = append(chained.Targets, c.scope(target, nil))
		}
		return chained
	case cr.Parameter == nil:
		return c.special(cr)
	case cr.Modifier == Missing || cr.Compare == ComparePresent:
		present := presentPattern(cr.Parameter).match(cr.Parameter.Slot, AspectPresent)
		c.lookups++
		if (cr.Operands[0].Text == "true") == (cr.Modifier == Missing) {
			return Not{present}
		}
		return present
	case cr.Compare != "":
		return c.compare(cr)
	case cr.Modifier == Negated:
		return Not{c.alternatives(cr)}
	}
	return c.alternatives(cr)
}

// alternatives compiles the values of a parameter.
func (c *compiler) alternatives(cr *Criterion) Expr {
	switch cr.Modifier {
	case InText:
		c.lookups += len(cr.Operands)
		return narrowed(cr.Parameter, c.texts(cr.Parameter, cr.Operands))
	case Contains:
		c.lookups += len(cr.Operands)
		texts := make([]string, len(cr.Operands))
		for i, operand := range cr.Operands {
			texts[i] = operand.Text
		}
		return c.stringContains(cr.Parameter, texts...)
	}
	var any Or
	for _, operand := range cr.Operands {
		if c.lookups++; c.lookups > maxLookups {
			break // compile refuses it
		}
		switch expr := c.value(cr, operand).(type) {
		case Or:
			any = append(any, expr...)
		default:
			any = append(any, expr)
		}
	}
	return flat(any)
}

// value compiles one alternative.
func (c *compiler) value(cr *Criterion, operand Operand) Expr {
	of := cr.Parameter
	switch cr.Modifier {
	case OfType:
		return ofTypePattern(operand.Parts).match(of.Slot, AspectOfType)
	case ByIdentity:
		return narrowed(of, anyMatch(tokenPatterns(operand.Parts), of.Slot, AspectIdentifier))
	}
	switch of.Type {
	case String:
		return c.stringValue(cr.Modifier, of, operand.Text)
	case Token:
		if len(operand.Parts) == 2 && operand.Parts[1] == "" {
			return anyMatch(systemPatterns(operand.Parts[0]), of.Slot, AspectSystem)
		}
		return anyMatch(tokenPatterns(operand.Parts), of.Slot, AspectValue)
	case ReferTo:
		return c.counted(c.referencePatterns(of, cr.Target, operand), of)
	case URI:
		return c.uriValue(cr.Modifier, of, operand)
	case Composite:
		return c.composite(of, operand)
	case Number, Date, Quantity:
		return c.column(of, operand)
	}
	return c.near(of, operand)
}

// narrowed adds that there is a reference to the only type that the parameter
// leads to, where the aspect itself holds others as well.
func narrowed(of *Parameter, found Expr) Expr {
	if of.Narrow == "" {
		return found
	}
	return And{presentPattern(of).match(of.Slot, AspectPresent), found}
}

// counted makes the condition of several patterns, and counts them.
func (c *compiler) counted(patterns []pattern, of *Parameter) Expr {
	c.lookups += len(patterns)
	return anyMatch(patterns, of.Slot, AspectValue)
}

func (c *compiler) stringValue(m Modifier, of *Parameter, text string) Expr {
	if m == Exact {
		return stringIs(of, text)
	}
	return c.stringBegins(of, text)
}

func (c *compiler) uriValue(m Modifier, of *Parameter, operand Operand) Expr {
	if m != NoModifier && strings.HasPrefix(operand.Text, urn) {
		return Or{} // URNs have no hierarchy: none is above or below another
	}
	switch m {
	case Above:
		return c.counted(abovePatterns(operand.Text), of)
	case Below:
		below := []byte(operand.Text)
		short := belowPattern(operand.Text).match(of.Slot, AspectValue)
		return Or{short, c.longURI(of, textTest(CompareBegins, below))}
	}
	return c.counted(uriPatterns(operand.Parts), of)
}

// longURI finds the uris that are too long for a key and pass a test.
func (c *compiler) longURI(of *Parameter, test func(uri []byte) bool) Expr {
	digests := pattern{value: []byte{digestMark}}
	return c.longText(of, digests, func(text string) bool { return test([]byte(text)) })
}

// column compiles an ordered value.
func (c *compiler) column(of *Parameter, operand Operand) Expr {
	c.walks = true
	key := Key(of.Slot, AspectValue)
	switch of.Type {
	case Number:
		return Between{Key: key, Whole: true, Test: numberTest(operand.Prefix, operand.number, nil)}
	case Date:
		return Between{Key: key, Whole: true, Test: dateTest(operand, c.now)}
	}
	beginning, choose, test := quantityColumns(operand)
	return Between{Key: append(key, beginning...), Select: choose, Test: test}
}

func (c *compiler) near(of *Parameter, operand Operand) Expr {
	c.walks = true
	return Between{Key: Key(of.Slot, AspectValue), Whole: true, Test: func(latitude, longitude int64) bool {
		return operand.place.within(KeyNumber(latitude), KeyNumber(longitude))
	}}
}
