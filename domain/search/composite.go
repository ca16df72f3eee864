package search

import (
	"errors"
	"slices"

	"fhirlog/domain/definitions"
)

// group is the composites of one element, and the components that they are
// made of: what several share is collected once.
type group struct {
	parts      []part
	composites []composite
}

// part is one component: where its values are, seen from the element or from
// the resource.
type part struct {
	key   string
	paths []partPath
}

type partPath struct {
	steps  []step
	root   bool
	action *action
}

type composite struct {
	slot  Slot
	parts []int
}

// components compiles the components of a composite for the types of its
// elements, and forgets elements that do not have all of them.
func (b *setBuilder) components(c *pathCompiler, p *Parameter) error {
	if len(p.Definition.Components) < 2 {
		return expressionFault("a composite has at least two components, %s has %d", p.Code, len(p.Definition.Components))
	}
	elements := p.program.elements
	p.program.elements = nil
	var firstErr error
	for _, element := range elements {
		components, err := b.componentsOf(c, p.Definition, element)
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			continue
		}
		p.program.elements = append(p.program.elements, element)
		if p.program.components == nil {
			p.program.components = make([]*program, len(components))
			p.Components = make([]Parameter, len(components))
		}
		for i := range components {
			joinComponent(p, i, &components[i])
		}
	}
	if len(p.program.elements) == 0 || c.strict && firstErr != nil {
		return firstErr
	}
	p.program.key = joinPaths(p.program.elements)
	return nil
}

// joinComponent adds the i-th component, as one element has it, to that of the
// elements before.
func joinComponent(p *Parameter, i int, component *Parameter) {
	if p.program.components[i] == nil {
		p.program.components[i] = component.program
		p.Components[i] = *component
		return
	}
	p.program.components[i].key += " | " + component.program.key
	p.Components[i].Yields = append(p.Components[i].Yields, component.Yields...)
	slices.Sort(p.Components[i].Yields)
	p.Components[i].Yields = slices.Compact(p.Components[i].Yields)
}

// componentsOf compiles the components for one type of element.
func (b *setBuilder) componentsOf(c *pathCompiler, def *definitions.SearchParameter, element path) ([]Parameter, error) {
	components := make([]Parameter, len(def.Components))
	for i, component := range def.Components {
		n, err := b.parse(component.Expression)
		if err != nil {
			return nil, err
		}
		paths, err := c.paths(n, []path{{typ: element.typ, single: true}})
		switch {
		case errors.Is(err, errBeyond) || err == nil && len(paths) == 0:
			return nil, expressionFault("the component %q is no path from %s", component.Expression, element.typ.Name)
		case err != nil:
			return nil, err
		}
		parameter, err := b.component(c, component.Definition, paths)
		if err != nil {
			return nil, err
		}
		components[i] = parameter
	}
	return components, nil
}

// component makes one component of the paths to its values.
func (b *setBuilder) component(c *pathCompiler, url string, paths []path) (Parameter, error) {
	p := Parameter{URL: url, Resource: "", Definition: nil}
	def, err := b.set.definitions.SearchParameter(url)
	if err != nil {
		return p, err
	}
	if def != nil {
		p.Code, p.Type, p.Definition = def.Code, ParameterType(def.Type), def
	} else {
		p.Type = typeByElement(c, paths[0].typ) // R5 and STU3 name some that they do not define
	}
	var targets []string
	if def != nil {
		targets = def.Targets
	}
	usable := c.convertible(p.Type, paths, nil)
	if len(usable) == 0 || p.Type == Special || p.Type == Composite {
		return p, typeFault(p.Type, typesOf(paths))
	}
	p.program = &program{paths: usable, key: string(p.Type) + " " + joinPaths(usable)}
	p.Yields = p.program.yields()
	if p.Type == ReferTo {
		p.Targets = c.targets(targets, usable)
	}
	return p, nil
}

// typeByElement is the natural type of a parameter for values of a FHIR type.
func typeByElement(c *pathCompiler, t *definitions.Type) ParameterType {
	switch {
	case c.isA(t, "code"):
		return Token
	case c.isA(t, "canonical"):
		return ReferTo
	}
	for _, natural := range []ParameterType{ReferTo, Date, Number, Quantity, URI, String, Token} {
		if c.adder(natural, t) != nil && (natural != URI || c.isA(t, "uri")) && (natural != Number || t.Kind == definitions.Primitive) &&
			(natural != String || c.isA(t, "string") || c.isA(t, "HumanName") || c.isA(t, "Address")) && (natural != ReferTo || c.isA(t, "Reference")) {
			return natural
		}
	}
	return Token
}

// growGroup adds a composite to the places of its elements.
func (b *setBuilder) growGroup(c *pathCompiler, p *plan, of *Parameter) {
	for _, element := range of.program.elements {
		components, err := b.componentsOf(c, of.Definition, element)
		if err != nil {
			continue // left out before
		}
		n := p.root.add(b.shapes, element)
		if n.group == nil {
			n.group = &group{}
		}
		made := composite{slot: of.Slot}
		for i := range components {
			made.parts = append(made.parts, n.group.part(c, &components[i]))
		}
		n.group.composites = append(n.group.composites, made)
	}
}

// part finds or adds a component.
func (g *group) part(c *pathCompiler, component *Parameter) int {
	for i := range g.parts {
		if g.parts[i].key == component.program.key {
			return i
		}
	}
	added := part{key: component.program.key}
	for _, found := range component.program.paths {
		a := c.action(0, component.Type, found)
		a.part = len(g.parts)
		added.paths = append(added.paths, partPath{steps: found.steps, root: found.root, action: a})
	}
	g.parts = append(g.parts, added)
	return len(g.parts) - 1
}
