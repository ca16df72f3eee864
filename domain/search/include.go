package search

import (
	"slices"
	"strings"

	"fhirlog/domain"
)

// readInclude reads _include, and readRevInclude _revinclude
// (https://hl7.org/fhir/R4/search.html#include).
func (p *queryParser) readInclude(i int, modifier, value string) error {
	return p.includes(i, "_include", modifier, value, &p.query.Include)
}

func (p *queryParser) readRevInclude(i int, modifier, value string) error {
	return p.includes(i, "_revinclude", modifier, value, &p.query.RevInclude)
}

func (p *queryParser) includes(i int, name, modifier, value string, to *[]Include) error {
	iterate := false
	for word := range strings.SplitSeq(modifier, ":") {
		switch word {
		case "":
		case "iterate", "recurse":
			iterate = true
		default:
			return fault("the parameter %s does not take the modifier %s; possible is iterate", name, brief(":"+word))
		}
	}
	if p.anyType {
		return fault("the parameter %s needs to know which types are searched; name them by _type", name)
	}
	if strings.Trim(value, ", \t") == "" {
		p.leave(i, leaveOut("the parameter %s has no value and is ignored", name))
		return nil
	}
	var used []string
	for one := range strings.SplitSeq(value, ",") {
		if len(p.query.Include)+len(p.query.RevInclude) >= maxIncludes {
			return tooMuch("there are more than %d of _include and _revinclude", maxIncludes)
		}
		include, err := p.include(name, one, iterate)
		switch {
		case isUnusable(err):
			p.leave(i, err)
		case err != nil:
			return err
		default:
			*to = append(*to, include)
			used = append(used, one)
		}
	}
	p.keep(i, used)
	return nil
}

// include reads Source:parameter[:Target], Source:*, *:* or *.
func (p *queryParser) include(name, value string, iterate bool) (Include, error) {
	parts := strings.Split(strings.TrimSpace(value), ":")
	if len(parts) == 1 && parts[0] == "*" {
		parts = append(parts, "*")
	}
	switch {
	case len(parts) < 2:
		return Include{}, fault("the value %s of %s has no colon; right is Type:parameter, Type:parameter:Target or Type:*", brief(value), name)
	case len(parts) > 3:
		return Include{}, fault("the value %s of %s has more than two colons; right is Type:parameter:Target", brief(value), name)
	case len(parts) == 3 && parts[2] == "":
		return Include{}, fault("the value %s of %s names no target after the second colon; right is Type:parameter:Target", brief(value), name)
	}
	// Everything that refers to anything would follow from a wildcard.
	made := Include{Iterate: iterate && !(name == "_revinclude" && parts[1] == "*")}
	if len(parts) == 3 {
		if !p.definitions.IsResource(parts[2]) {
			return Include{}, fault("the target %s of %s is not a resource type", brief(parts[2]), name)
		}
		made.Target = domain.ResourceType(parts[2])
	}
	if parts[0] == "*" {
		if parts[1] != "*" {
			return Include{}, fault("the value %s of %s names a parameter of every type; right is Type:parameter", brief(value), name)
		}
		return p.everything(name, made), nil
	}
	if !p.definitions.IsResource(parts[0]) {
		return Include{}, fault("the type %s of %s is not a resource type", brief(parts[0]), name)
	}
	made.Source = domain.ResourceType(parts[0])
	if parts[1] == "*" {
		p.addReferences(&made, made.Source, p.referencesOf(made.Source))
		return made, nil
	}
	made.Code = parts[1]
	of := p.find(made.Source, made.Code)
	switch {
	case of == nil:
		return Include{}, fault("%s has no parameter %s to include by", made.Source, brief(made.Code))
	case of.Type != ReferTo:
		return Include{}, fault("the parameter %s of %s is of type %s; only references lead to resources to include", made.Code, made.Source, of.Type)
	case !of.Followed():
		return Include{}, leaveOut("the parameter %s of %s %s, which %s does not follow, and is ignored", made.Code, made.Source, of.leads(), name)
	case made.Target != "":
		if err := p.checkTarget(of, made.Target); err != nil {
			return Include{}, err
		}
	case made.Iterate && name == "_revinclude" && len(of.Leads()) != 1:
		return Include{}, fault("the value %s of _revinclude:iterate can refer to several types; name the one that is meant, as in %s:%s:Patient", brief(value), made.Source, made.Code)
	}
	p.addReferences(&made, made.Source, []*Parameter{of})
	return made, nil
}

// everything resolves the wildcard of all types: for _include the references of
// the types that are searched, for _revinclude those of all types that can lead
// to them.
func (p *queryParser) everything(name string, made Include) Include {
	if name == "_include" {
		for _, t := range p.types {
			p.addReferences(&made, t, p.referencesOf(t))
		}
		return made
	}
	for _, t := range p.everyType() {
		fitting := slices.DeleteFunc(p.referencesOf(t), func(of *Parameter) bool {
			targets := of.Leads()
			return len(targets) > 0 && !slices.ContainsFunc(targets, func(t domain.ResourceType) bool { return slices.Contains(p.types, t) })
		})
		p.addReferences(&made, t, fitting)
	}
	return made
}

func (p *queryParser) addReferences(to *Include, source domain.ResourceType, references []*Parameter) {
	for _, of := range references {
		if !of.Followed() {
			continue
		}
		if to.Target != "" && p.checkTarget(of, to.Target) != nil {
			continue
		}
		reference := Reference{Slot: of.Slot, Target: of.Narrow, Bases: p.ask.Bases, Canonicals: of.canonicals}
		if to.Target != "" {
			reference.Target = to.Target
		}
		to.References = append(to.References, IncludeReference{Source: source, Code: of.Code, Reference: reference})
	}
}
