package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
)

// criterion parses one parameter for the resources of a type. The error is an
// unusable where the type does not have the parameter.
func (p *queryParser) criterion(t domain.ResourceType, name, value string, depth int) (Criterion, error) {
	if depth > maxChain {
		return Criterion{}, tooMuch("a chain has more than %d steps", maxChain)
	}
	if strings.HasPrefix(name, "_has:") {
		return p.has(t, name, value, depth)
	}
	n, err := cutName(name)
	if err != nil {
		return Criterion{}, err
	}
	if parse := specialCriteria[n.code]; parse != nil {
		if n.chained {
			return Criterion{}, fault("the parameter %s is no reference and cannot begin a chain", n.code)
		}
		return parse(p, t, Criterion{Name: name, Code: n.code}, n.modifier, value)
	}
	found := p.find(t, n.code)
	if found == nil {
		return Criterion{}, p.unknownParameter(t, n.code)
	}
	c := Criterion{Name: name, Code: n.code, Parameter: found}
	if n.chained {
		err = p.chain(&c, n, value, depth)
		return c, err
	}
	if c.Modifier, c.Target, err = p.modifier(found, n.modifier, depth); err != nil {
		return Criterion{}, err
	}
	err = p.values(&c, value)
	return c, err
}

func (p *queryParser) unknownParameter(t domain.ResourceType, code string) error {
	if t == "" {
		return leaveOut("the parameter %s is not one that all resource types have, and is ignored; name the types to search by _type", brief(code))
	}
	if pending := p.set.Find(t, code); pending != nil && pending.Pending {
		return leaveOut("the parameter %s is not indexed completely yet, and is ignored; it can be used once a reindex is done", brief(code))
	}
	return leaveOut("%s has no parameter %s, which is ignored", t, brief(code))
}

// values parses the alternatives of a criterion.
func (p *queryParser) values(c *Criterion, value string) error {
	if c.Modifier == Missing {
		if err := p.take(1); err != nil {
			return err
		}
		return c.parseMissing(value)
	}
	alternatives, err := p.alternatives(value)
	if err != nil {
		return err
	}
	for _, alternative := range alternatives {
		operand, err := p.operand(c, alternative)
		if err != nil {
			return err
		}
		c.Operands = append(c.Operands, operand)
	}
	return c.needOperands()
}

func (c *Criterion) needOperands() error {
	if len(c.Operands) == 0 {
		return fault("the parameter %s has no value", c.Code)
	}
	return nil
}

// parseMissing reads the value of :missing.
func (c *Criterion) parseMissing(value string) error {
	if value != "true" && value != "false" {
		return fault("the value of %s:missing is neither true nor false", c.Code)
	}
	c.Operands = []Operand{{Text: value}}
	return nil
}

// operand parses one alternative as the parameter's type and modifier demand.
func (p *queryParser) operand(c *Criterion, raw string) (Operand, error) {
	switch c.Modifier {
	case ByIdentity:
		return p.tokenOperand(c.Code, raw)
	case OfType:
		return p.ofTypeOperand(c.Code, raw)
	case InText:
		return p.textOperand(c.Code, raw)
	case Above:
		return aboveOperand(c.Parameter, raw)
	case Below:
		return belowOperand(c.Parameter, raw)
	}
	return p.operandOf(c.Parameter, c.Target, raw)
}

// operandOf parses one alternative, or one component of a composite.
func (p *queryParser) operandOf(of *Parameter, target domain.ResourceType, raw string) (Operand, error) {
	switch of.Type {
	case Number:
		return p.numberOperand(of.Code, raw)
	case Date:
		return p.dateOperand(of.Code, raw)
	case Quantity:
		return p.quantityOperand(of.Code, raw)
	case String:
		return p.textOperand(of.Code, raw)
	case Token:
		return p.tokenOperand(of.Code, raw)
	case ReferTo:
		return p.referenceOperand(of, target, raw)
	case URI:
		return uriOperand(of, raw), nil
	case Composite:
		return p.compositeOperand(of, raw)
	case Special:
		if of.Code == "near" {
			return p.nearOperand(raw)
		}
	}
	return Operand{}, notOffered("the parameter %s of type %s is not searchable here", of.Code, of.Type)
}

// compositeOperand parses the components of a composite
// (https://hl7.org/fhir/R4/search.html#composite).
func (p *queryParser) compositeOperand(of *Parameter, raw string) (Operand, error) {
	parts := splitUnescaped(raw, '$')
	if len(parts) != len(of.Components) {
		return Operand{}, fault("a value of %s has %d components joined by '$'; right are %d: %s", of.Code, len(parts), len(of.Components), componentNames(of))
	}
	whole := Operand{Text: resolveEscapes(raw)}
	for i, part := range parts {
		component := &of.Components[i]
		if part == "" {
			return Operand{}, fault("the component %s of %s has no value", component.Code, of.Code)
		}
		operand, err := p.operandOf(component, "", part)
		if err == nil {
			err = checkComponent(of, i, operand)
		}
		if err != nil {
			return Operand{}, err
		}
		whole.Components = append(whole.Components, operand)
	}
	return whole, nil
}

// checkComponent refuses what the keys of a composite cannot tell.
func checkComponent(of *Parameter, i int, operand Operand) error {
	component := &of.Components[i]
	switch {
	case component.Type == String && len(Normalize(operand.Text)) > MaxKeyText:
		return fault("the component %s of %s is longer than %d bytes", component.Code, of.Code, MaxKeyText)
	case component.Type == Number && i < len(of.Components)-1 && slices.Contains(component.Yields, "Range"):
		return notOffered("the parameter %s has ranges of numbers before its last component, which is not searchable here", of.Code)
	}
	return nil
}

func componentNames(of *Parameter) string {
	names := make([]string, len(of.Components))
	for i := range of.Components {
		names[i] = of.Components[i].Code
	}
	return strings.Join(names, "$")
}
