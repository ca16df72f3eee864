package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
)

// findTypes decides which types are searched: those of the path, or of the
// compartment, narrowed by _type.
func (p *queryParser) findTypes() error {
	types := slices.Clone(p.ask.Types)
	if len(types) == 0 && p.ask.Compartment != "" {
		members, err := p.compartmentTypes()
		if err != nil {
			return err
		}
		types = members
	}
	p.anyType = len(types) == 0
	p.types = types
	for i, pair := range p.ask.Pairs {
		name, modifier, _ := strings.Cut(pair.Name, ":")
		if name != "_type" {
			continue
		}
		named, err := p.namedTypes(i, pair.Value)
		if err != nil {
			return err
		}
		switch modifier {
		case "":
			p.keepTypes(named)
		case "not":
			p.excluded = append(p.excluded, named...)
		default:
			return fault("the parameter _type takes the modifier :not only, not %s", brief(":"+modifier))
		}
	}
	p.types = slices.DeleteFunc(p.types, func(t domain.ResourceType) bool { return slices.Contains(p.excluded, t) })
	return nil
}

// namedTypes reads the value of a _type. Names that are no types are left out,
// with a warning.
func (p *queryParser) namedTypes(i int, value string) ([]domain.ResourceType, error) {
	if strings.Trim(value, ", \t") == "" {
		return nil, fault("the parameter _type has no value; the names of types are right, as in _type=Patient,Observation")
	}
	var known []domain.ResourceType
	var unknown []string
	names, err := p.alternatives(value)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		switch name = resolveEscapes(name); {
		case !p.definitions.IsResource(name):
			unknown = append(unknown, brief(name))
		case !slices.Contains(known, domain.ResourceType(name)):
			known = append(known, domain.ResourceType(name))
		}
	}
	if len(unknown) > 0 {
		p.leave(i, leaveOut("the value of _type names no resource type with %s and is ignored there", listed(unknown)))
		p.dropped[i] = false
		if len(known) > 0 { // otherwise nothing is found, which the names still say
			p.applied[i].Value = joinTypes(known)
		}
	}
	return known, nil
}

// keepTypes narrows the types by one _type.
func (p *queryParser) keepTypes(named []domain.ResourceType) {
	if p.anyType {
		p.anyType = false
		p.types = named
		return
	}
	p.types = slices.DeleteFunc(p.types, func(t domain.ResourceType) bool { return !slices.Contains(named, t) })
}

func joinTypes(types []domain.ResourceType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ",")
}
