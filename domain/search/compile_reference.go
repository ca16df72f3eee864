package search

import "fhirlog/domain"

// referencePatterns gives the postings of a reference that a value asks for
// (https://hl7.org/fhir/R4/search.html#reference). A reference to a resource of
// this server may be written relative or absolute, so that both are looked up.
func (c *compiler) referencePatterns(of *Parameter, target domain.ResourceType, operand Operand) []pattern {
	id, typ, version, url, _, ok := ParseReference(operand.Text)
	if !ok {
		return nil
	}
	if url == "" {
		return c.localPatterns(of, target, id, typ, version)
	}
	found := []pattern{urlPattern(url, version)}
	if id == "" {
		return found
	}
	for _, base := range c.bases {
		if url == base+typ+"/"+id {
			return c.localPatterns(of, target, id, typ, version)
		}
	}
	return found
}

func urlPattern(url, version string) pattern {
	if version == "" {
		return pattern{value: appendExact(append([]byte(nil), urlMark), url)}
	}
	return pattern{value: AppendURLValue(nil, url, version), whole: true}
}

// localPatterns finds references to a resource of this server. A stored one
// without a type counts where nothing else than the type sought can be meant:
// when no type is asked for, or the parameter leads to one type only. By an id
// alone, URLs are found of types that the parameter leads to: the specification
// means relative references by it.
func (c *compiler) localPatterns(of *Parameter, target domain.ResourceType, id, typ, version string) []pattern {
	targets := targetsOf(of)
	asked := domain.ResourceType(typ)
	if asked == "" {
		asked = target
	}
	if asked == "" && of.Narrow != "" {
		asked = of.Narrow
	}
	if of.Narrow != "" && asked != of.Narrow {
		return nil
	}
	if asked == "" {
		found := []pattern{{value: AppendComponent(nil, id)}}
		for _, t := range c.parser.allTargets(of) {
			found = append(found, c.absolute(id, string(t), version)...)
		}
		return found
	}
	found := []pattern{typedPattern(id, string(asked), version)}
	if len(targets) == 1 && of.Narrow == "" && targets[0] == asked && version == "" {
		found = append(found, typedPattern(id, "", ""))
	}
	return append(found, c.absolute(id, string(asked), version)...)
}

func typedPattern(id, typ, version string) pattern {
	value := AppendComponent(AppendComponent(nil, id), typ)
	if version == "" {
		return pattern{value: value}
	}
	return pattern{value: AppendComponent(value, version), whole: true}
}

// absolute finds references to a resource of this server by its URL.
func (c *compiler) absolute(id, typ, version string) []pattern {
	var found []pattern
	for _, base := range c.bases {
		found = append(found, urlPattern(base+typ+"/"+id, version))
	}
	return found
}

// reference describes a reference parameter to the evaluator.
func (c *compiler) reference(of *Parameter) Reference {
	return Reference{Slot: of.Slot, Target: of.Narrow, Bases: c.bases, Canonicals: of.canonicals}
}

// presentPattern gives the postings of AspectPresent.
func presentPattern(of *Parameter) pattern {
	switch {
	case of.Type != ReferTo:
		return pattern{whole: true}
	case of.Narrow != "":
		return pattern{value: AppendComponent(nil, string(of.Narrow)), whole: true}
	}
	return pattern{}
}
