package searchtest

import (
	"fmt"
	"slices"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/search"
)

// holds tells whether a version meets one criterion.
func (e *Evaluator) holds(c *search.Criterion, v *Version) bool {
	switch {
	case c.Source != nil:
		return e.isReferred(c, v)
	case c.Filter != nil:
		return e.passes(c.Filter, v)
	case c.Chain != nil:
		return e.leads(c, v)
	case c.Parameter == nil:
		return e.holdsOfAll(c, v)
	case c.Modifier == search.Missing || c.Compare == search.ComparePresent:
		present := len(e.elements(v, c.Parameter)) > 0
		return present == ((c.Operands[0].Text == "true") == (c.Compare == search.ComparePresent))
	case c.Compare != "":
		return e.compares(c, v)
	}
	holds := slices.ContainsFunc(c.Operands, func(o search.Operand) bool { return e.matches(c, o, v) })
	return holds != (c.Modifier == search.Negated)
}

// holdsOfAll answers for what every resource has.
func (e *Evaluator) holdsOfAll(c *search.Criterion, v *Version) bool {
	if c.Modifier == search.Missing || c.Compare == search.ComparePresent {
		return (c.Operands[0].Text == "true") == (c.Compare == search.ComparePresent)
	}
	holds := false
	for i, o := range c.Operands {
		switch c.Code {
		case "_id":
			holds = holds || o.Text == string(v.ID)
		case "_type":
			holds = holds || o.Text == string(v.Type)
		case "_lastUpdated":
			at := time.UnixMilli(v.Instant)
			holds = holds || e.period(span{from: at, to: at.Add(time.Millisecond)}, o)
		case "_list":
			holds = holds || e.isListed(domain.LogicalID(o.Text), v)
		case "_not-referenced":
			holds = holds || !e.isReferenced(c, c.References[i], v)
		case "_content", "_text":
			holds = holds || e.hasWords(o.Words, e.wordsOf(v, c.Code))
		default:
			e.note(fmt.Errorf("no parameter %s", c.Code))
		}
	}
	return holds != (c.Modifier == search.Negated || c.Code == "_id" && c.Compare == search.CompareNotEqual)
}

// matches tells whether one of the elements is what one alternative asks for.
func (e *Evaluator) matches(c *search.Criterion, o search.Operand, v *Version) bool {
	of := c.Parameter
	if of.Type == search.Composite {
		return e.composite(of, o, v)
	}
	return slices.ContainsFunc(e.elements(v, of), func(el element) bool {
		switch c.Modifier {
		case search.InText:
			return textBegins(el, of.Type, o.Text)
		case search.OfType:
			return isOfType(el, o.Parts)
		case search.ByIdentity:
			return identifierIs(el, o.Parts)
		}
		return e.elementMatches(c.Modifier, c.Target, of, o, el, v)
	})
}

// elementMatches compares one element as the type of the parameter demands.
func (e *Evaluator) elementMatches(m search.Modifier, target domain.ResourceType, of *search.Parameter, o search.Operand, el element, v *Version) bool {
	switch of.Type {
	case search.String:
		return stringMatches(m, o.Text, stringsOf(el))
	case search.Token:
		return tokenMatches(o.Parts, e.tokensOf(el, v))
	case search.ReferTo:
		return e.referenceMatches(of, target, o, el, v)
	case search.URI:
		return uriMatches(m, o, el)
	case search.Number:
		low, high, ok := numberOf(el)
		return ok && e.number(o.Prefix, o.Text, low, high, nil)
	case search.Date:
		period, ok := periodOf(el)
		return ok && e.period(period, o)
	case search.Quantity:
		return e.quantityMatches(o, el)
	case search.Special:
		return e.isNear(o, el)
	}
	e.note(fmt.Errorf("parameter %s is of type %s", of.Code, of.Type))
	return false
}

// composite tells whether one element has all the components
// (https://hl7.org/fhir/R4/search.html#composite).
func (e *Evaluator) composite(of *search.Parameter, o search.Operand, v *Version) bool {
	return slices.ContainsFunc(e.elements(v, of), func(whole element) bool {
		for i := range of.Components {
			component := &of.Components[i]
			parts := e.componentElements(v, of, i, whole)
			if !slices.ContainsFunc(parts, func(part element) bool {
				if component.Type == search.Token { // beside other values, a system alone is no code
					return tokenMatches(o.Components[i].Parts, coded(e.tokensOf(part, v)))
				}
				return e.elementMatches("", "", component, o.Components[i], part, v)
			}) {
				return false
			}
		}
		return true
	})
}
