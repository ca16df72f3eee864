package search

import (
	"fmt"
	"strings"

	"fhirlog/domain"
)

// chain parses what a reference leads to: reference[:Type].parameter
// (https://hl7.org/fhir/R4/search.html#chaining).
func (p *queryParser) chain(c *Criterion, n paramName, value string, depth int) error {
	of := c.Parameter
	if of.Type != ReferTo {
		return fault("the parameter %s is of type %s; only a reference can be followed by a point", of.Code, of.Type)
	}
	if !of.Followed() {
		return notOffered("the parameter %s %s, which a chain does not follow", of.Code, of.leads())
	}
	targets := p.reached(of)
	if n.modifier != "" {
		if !p.definitions.IsResource(n.modifier) {
			return fault("%s in the chain %s is not a resource type; right is %s:Type.%s", brief(n.modifier), brief(c.Name), of.Code, brief(n.rest))
		}
		c.Target = domain.ResourceType(n.modifier)
		if err := p.checkTarget(of, c.Target); err != nil {
			return notHere(err, depth)
		}
		targets = []domain.ResourceType{c.Target}
	}
	fitting, err := p.fitting(of, targets, n.rest, value, depth)
	if err != nil {
		return err
	}
	if len(fitting) > 1 {
		return fault("the chain %s is ambiguous, as %s can refer to several types that have what follows: %s; right is %s",
			brief(c.Name), of.Code, listed(scopeTypes(fitting)), alternatives(of.Code, n.rest, fitting))
	}
	c.Chain = fitting
	return nil
}

// notHere is the fault of a step that does not fit the type that it starts from.
// Within a chain another type that the chain leads to may do.
func notHere(fault error, depth int) error {
	if depth > 0 {
		return &unusable{strings.TrimSuffix(fault.Error(), ".")}
	}
	return fault
}

// fitting parses the rest of a chain for each type it may lead to, and keeps
// those that have the parameter.
func (p *queryParser) fitting(of *Parameter, targets []domain.ResourceType, rest, value string, depth int) ([]ScopeCriteria, error) {
	var found []ScopeCriteria
	var missing error
	for _, target := range targets {
		before := p.operands
		criterion, err := p.criterion(target, rest, value, depth+1)
		if err != nil {
			p.operands = before
		}
		switch {
		case err == nil:
			found = append(found, ScopeCriteria{Type: target, Criteria: []Criterion{criterion}})
		case isUnusable(err):
			missing = err
		default:
			return nil, err
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(targets) == 1 && missing != nil {
		return nil, harden(missing)
	}
	return nil, fault("none of the types that %s can refer to has the parameter %s", of.Code, brief(rest))
}

// allTargets are the types that a reference may lead to, written out.
func (p *queryParser) allTargets(of *Parameter) []domain.ResourceType {
	if targets := targetsOf(of); len(targets) > 0 {
		return targets
	}
	return p.everyType()
}

func (p *queryParser) everyType() []domain.ResourceType {
	names := p.definitions.Resources()
	types := make([]domain.ResourceType, len(names))
	for i, name := range names {
		types[i] = domain.ResourceType(name)
	}
	return types
}

func scopeTypes(scopes []ScopeCriteria) []domain.ResourceType {
	types := make([]domain.ResourceType, len(scopes))
	for i, scope := range scopes {
		types[i] = scope.Type
	}
	return types
}

// alternatives writes the chains that would not be ambiguous, or one of many.
func alternatives(code, rest string, scopes []ScopeCriteria) string {
	if len(rest) > mostQuoted {
		rest = "…"
	}
	quoted := make([]string, len(scopes))
	for i, scope := range scopes {
		quoted[i] = fmt.Sprintf("%q", code+":"+string(scope.Type)+"."+rest)
	}
	if len(quoted) > 5 {
		return quoted[0] + ", for example"
	}
	return strings.Join(quoted, " or ")
}

// has parses _has:Type:reference:parameter
// (https://hl7.org/fhir/R4/search.html#has).
func (p *queryParser) has(t domain.ResourceType, name, value string, depth int) (Criterion, error) {
	parts := strings.SplitN(name, ":", 4)
	if len(parts) < 4 || parts[1] == "" || parts[2] == "" || parts[3] == "" {
		return Criterion{}, fault("the parameter %s is incomplete; right is _has:Type:reference:parameter, as in _has:Observation:patient:code", brief(name))
	}
	typ, code, rest := parts[1], parts[2], parts[3]
	if !p.definitions.IsResource(typ) {
		return Criterion{}, fault("%s in the parameter %s is not a resource type", brief(typ), brief(name))
	}
	source := domain.ResourceType(typ)
	reference := p.find(source, code)
	switch {
	case reference == nil:
		return Criterion{}, fault("%s has no parameter %s, through which it could refer to anything", source, brief(code))
	case reference.Type != ReferTo:
		return Criterion{}, fault("the parameter %s of %s is of type %s; in _has only a reference makes sense", code, source, reference.Type)
	case !reference.Followed():
		return Criterion{}, notOffered("the parameter %s of %s %s, which _has does not follow", code, source, reference.leads())
	}
	if t != "" {
		if err := p.checkTarget(reference, t); err != nil {
			return Criterion{}, notHere(err, depth)
		}
	}
	inner, err := p.criterion(source, rest, value, depth+1)
	if err != nil {
		return Criterion{}, harden(err)
	}
	return Criterion{
		Name: name, Code: "_has", Reference: reference,
		Source: &ScopeCriteria{Type: source, Criteria: []Criterion{inner}},
	}, nil
}
