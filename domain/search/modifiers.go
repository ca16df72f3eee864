package search

import (
	"slices"

	"fhirlog/domain"
)

// modifiersOf are the modifiers that a type of parameter takes, besides names
// of types on references (https://hl7.org/fhir/R4/search.html#modifiers).
var modifiersOf = map[ParameterType][]Modifier{
	Number:    {Missing},
	Date:      {Missing},
	Quantity:  {Missing},
	Special:   {Missing},
	String:    {Missing, Exact, Contains, InText},
	Token:     {Missing, InText, Negated, OfType},
	ReferTo:   {Missing, ByIdentity, InText},
	URI:       {Missing, Above, Below},
	Composite: {},
}

// terminology are the modifiers that need a terminology server, by the types
// of parameter they belong to.
var terminology = map[ParameterType][]Modifier{
	Token:   {inValueSet, notInValueSet, Above, Below},
	ReferTo: {Above, Below},
}

// modifier reads the modifier of a parameter, so many steps into a chain; target
// is set if it is the name of a type.
func (p *queryParser) modifier(of *Parameter, written string, depth int) (m Modifier, target domain.ResourceType, err error) {
	m = Modifier(written)
	switch {
	case written == "":
		return NoModifier, "", nil
	case slices.Contains(modifiersOf[of.Type], m):
		return m, "", nil
	case slices.Contains(terminology[of.Type], m):
		return "", "", notOffered("the modifier :%s of the parameter %s needs terminology, which this server does not have yet", m, of.Code)
	case p.definitions.IsResource(written) && of.Type == ReferTo:
		target = domain.ResourceType(written)
		if err := p.checkTarget(of, target); err != nil {
			return "", "", notHere(err, depth)
		}
		return NoModifier, target, nil
	}
	return "", "", fault("the parameter %s is of type %s and does not take the modifier %s; %s", of.Code, of.Type, brief(":"+written), possibleModifiers(of.Type))
}

// checkTarget tells whether a reference may lead to a type.
func (p *queryParser) checkTarget(of *Parameter, target domain.ResourceType) error {
	targets := targetsOf(of)
	if len(targets) == 0 || slices.Contains(targets, target) {
		return nil
	}
	return fault("the parameter %s does not refer to %s; it refers to %s", of.Code, target, listed(targets))
}

// targetsOf are the types that a reference may lead to; none means any.
func targetsOf(of *Parameter) []domain.ResourceType {
	if of.Narrow != "" {
		return []domain.ResourceType{of.Narrow}
	}
	if slices.Contains(of.Targets, "Resource") {
		return nil
	}
	return of.Targets
}

func possibleModifiers(t ParameterType) string {
	possible := modifiersOf[t]
	switch {
	case t == ReferTo:
		return "possible are " + listed(possible) + " and the names of types"
	case len(possible) == 0:
		return "it takes none"
	case len(possible) == 1:
		return "possible is " + listed(possible)
	}
	return "possible are " + listed(possible)
}
