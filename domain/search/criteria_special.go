package search

import (
	"strings"

	"fhirlog/domain"
)

// specialCriteria are the parameters that are no values of resources, or not
// kept as such.
var specialCriteria map[string]func(p *queryParser, t domain.ResourceType, c Criterion, modifier, value string) (Criterion, error)

func init() { // the parsers come back here for chains
	specialCriteria = map[string]func(p *queryParser, t domain.ResourceType, c Criterion, modifier, value string) (Criterion, error){
		"_id":             (*queryParser).idCriterion,
		"_lastUpdated":    (*queryParser).updatedCriterion,
		"_type":           (*queryParser).typeCriterion,
		"_list":           (*queryParser).listCriterion,
		"_content":        (*queryParser).wordsCriterion,
		"_text":           (*queryParser).wordsCriterion,
		"_filter":         (*queryParser).filterCriterion,
		"_not-referenced": (*queryParser).notReferencedCriterion,
	}
}

// only checks a modifier against those that a special parameter takes.
func only(code, modifier string, possible ...Modifier) (Modifier, error) {
	for _, m := range possible {
		if modifier == string(m) {
			return m, nil
		}
	}
	if modifier == "" {
		return NoModifier, nil
	}
	if len(possible) == 0 {
		return "", fault("the parameter %s takes no modifier, not %s", code, brief(":"+modifier))
	}
	return "", fault("the parameter %s does not take the modifier %s; possible are %s", code, brief(":"+modifier), listed(possible))
}

// idCriterion parses _id. An id that no resource can have finds nothing.
func (p *queryParser) idCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	var err error
	if c.Modifier, err = only(c.Code, modifier, Negated, Missing); err != nil {
		return c, err
	}
	if c.Modifier == Missing {
		err = c.parseMissing(value)
		return c, err
	}
	err = p.plainOperands(&c, value)
	return c, err
}

// typeCriterion parses _type inside of a chain or of _has; otherwise it is part
// of the scopes.
func (p *queryParser) typeCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	var err error
	if c.Modifier, err = only(c.Code, modifier, Negated); err != nil {
		return c, err
	}
	if err := p.plainOperands(&c, value); err != nil {
		return c, err
	}
	for _, operand := range c.Operands {
		if !p.definitions.IsResource(operand.Text) {
			return c, fault("the value %s of _type names no resource type", brief(operand.Text))
		}
	}
	return c, nil
}

// plainOperands takes each alternative as a text.
func (p *queryParser) plainOperands(c *Criterion, value string) error {
	alternatives, err := p.alternatives(value)
	if err != nil {
		return err
	}
	for _, alternative := range alternatives {
		c.Operands = append(c.Operands, Operand{Text: resolveEscapes(alternative)})
	}
	return c.needOperands()
}

// updatedCriterion parses _lastUpdated, a date that every resource has.
func (p *queryParser) updatedCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	var err error
	if c.Modifier, err = only(c.Code, modifier, Missing); err != nil {
		return c, err
	}
	if c.Modifier == Missing {
		err = c.parseMissing(value)
		return c, err
	}
	alternatives, err := p.alternatives(value)
	if err != nil {
		return c, err
	}
	for _, alternative := range alternatives {
		operand, err := p.dateOperand(c.Code, alternative)
		if err != nil {
			return c, err
		}
		c.Operands = append(c.Operands, operand)
	}
	err = c.needOperands()
	return c, err
}

// listCriterion parses _list (https://hl7.org/fhir/R4/search.html#list).
func (p *queryParser) listCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	if _, err := only(c.Code, modifier); err != nil {
		return c, err
	}
	if err := p.plainOperands(&c, value); err != nil {
		return c, err
	}
	for i, operand := range c.Operands {
		text := strings.TrimPrefix(operand.Text, "List/")
		if strings.HasPrefix(text, "$") {
			return c, notOffered("the functional list %s is not kept here; the id of a List resource is right", brief(text))
		}
		if _, err := domain.ParseLogicalID(text); err != nil {
			return c, fault("the value %s of _list is not the id of a List: %s", brief(text), err)
		}
		c.Operands[i].Text = text
	}
	return c, nil
}

// notReferencedCriterion parses _not-referenced: *:*, Type:* or Type:parameter.
func (p *queryParser) notReferencedCriterion(_ domain.ResourceType, c Criterion, modifier, value string) (Criterion, error) {
	if _, err := only(c.Code, modifier); err != nil {
		return c, err
	}
	if err := p.plainOperands(&c, value); err != nil {
		return c, err
	}
	for _, operand := range c.Operands {
		references, err := p.referencesNamed(operand.Text)
		if err != nil {
			return c, err
		}
		c.References = append(c.References, references)
	}
	return c, nil
}

func (p *queryParser) referencesNamed(value string) ([]*Parameter, error) {
	typ, code, found := strings.Cut(value, ":")
	switch {
	case !found || strings.Contains(code, ":") || typ == "*" && code != "*":
		return nil, leaveOut("the value %s of _not-referenced is none of *:*, Type:* and Type:parameter, and is ignored", brief(value))
	case typ == "*":
		return nil, nil
	case !p.definitions.IsResource(typ):
		return nil, leaveOut("the value %s of _not-referenced names no resource type, and is ignored", brief(value))
	}
	references := p.referencesOf(domain.ResourceType(typ))
	if code == "*" {
		return nonNil(references), nil
	}
	named := p.find(domain.ResourceType(typ), code)
	if named == nil || named.Type != ReferTo {
		return nil, leaveOut("the value %s of _not-referenced names no reference parameter of %s, and is ignored", brief(value), typ)
	}
	return []*Parameter{named}, nil
}

func nonNil(list []*Parameter) []*Parameter {
	if list == nil {
		return []*Parameter{}
	}
	return list
}

// referencesOf returns the reference parameters of a type, without those that
// only narrow another one.
func (p *queryParser) referencesOf(t domain.ResourceType) []*Parameter {
	var references []*Parameter
	wide := map[Slot]bool{}
	all := p.set.Of(t)
	for _, found := range all {
		if p.usable(found) != nil && found.Type == ReferTo && found.Narrow == "" && !wide[found.Slot] {
			wide[found.Slot] = true
			references = append(references, found)
		}
	}
	for _, found := range all {
		if p.usable(found) != nil && found.Type == ReferTo && found.Narrow != "" && !wide[found.Slot] {
			references = append(references, found)
		}
	}
	return references
}
