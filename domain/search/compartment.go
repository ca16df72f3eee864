package search

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// selfParameter stands in a compartment definition for the resource itself.
const selfParameter = "{def}"

func (p *queryParser) compartment() (*definitions.Compartment, error) {
	all, err := p.definitions.Compartments()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(c definitions.Compartment) bool { return c.Code == string(p.ask.Compartment) })
	if at < 0 {
		return nil, fault("FHIR %s defines no compartment of %s", p.definitions.FHIRVersion(), p.ask.Compartment)
	}
	return &all[at], nil
}

// compartmentTypes are the types that can be in the compartment.
func (p *queryParser) compartmentTypes() ([]domain.ResourceType, error) {
	compartment, err := p.compartment()
	if err != nil {
		return nil, err
	}
	var types []domain.ResourceType
	for _, member := range compartment.Resources {
		if len(member.Parameters) > 0 {
			types = append(types, domain.ResourceType(member.Type))
		}
	}
	slices.Sort(types)
	return types, nil
}

// membership is the condition that a resource of a type is in the compartment:
// one of the parameters that the definition names leads to its centre.
func (c *compiler) membership(t domain.ResourceType) (Expr, error) {
	p := c.parser
	compartment, err := p.compartment()
	if err != nil {
		return nil, err
	}
	var any Or
	for _, member := range compartment.Resources {
		if member.Type != string(t) {
			continue
		}
		for _, code := range member.Parameters {
			if code == selfParameter {
				any = append(any, IDs{p.ask.CompartmentID})
				continue
			}
			of := p.set.Find(t, code)
			if of == nil || of.Type != ReferTo {
				continue // the definition names some that do not exist
			}
			patterns := c.localPatterns(of, p.ask.Compartment, string(p.ask.CompartmentID), string(p.ask.Compartment), "")
			for _, found := range patterns {
				any = append(any, found.match(of.Slot, AspectValue))
			}
			c.lookups += len(patterns)
		}
	}
	return flat(any), nil
}
