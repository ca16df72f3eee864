package search

import (
	"cmp"
	"fmt"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// NewSet compiles the parameters of a FHIR version and the custom ones.
//
// Slots are given in the order of types and codes. On one type, parameters of
// the same program share a slot, and so does one that only narrows another to
// references to a type, such as patient beside subject.
func NewSet(d *definitions.Definitions, custom []Custom) (*Set, error) {
	b := newSetBuilder(d)
	for _, resource := range d.Resources() {
		if err := b.standard(resource); err != nil {
			return nil, fmt.Errorf("search parameters of %s: %w", resource, err)
		}
	}
	b.set.digest = b.computeDigest()
	for i := range custom {
		if err := b.custom(&custom[i]); err != nil {
			return nil, err
		}
	}
	b.finish()
	return b.set, nil
}

// setBuilder makes a Set.
type setBuilder struct {
	set    *Set
	shapes *shapes
	parsed map[string]fhirpath.Node // expressions by their text
	shared map[string]Slot          // slots of parameters of all types, by URL
	next   Slot
}

func newSetBuilder(d *definitions.Definitions) *setBuilder {
	return &setBuilder{
		set: &Set{
			definitions: d,
			shapes:      map[string]*shape{},
			plans:       map[string]*plan{},
			byURL:       map[string][]*Parameter{},
		},
		shapes: newShapes(d),
		parsed: map[string]fhirpath.Node{},
		shared: map[string]Slot{},
		next:   firstStandardSlot,
	}
}

// elsewhere are the parameters whose values do not come from programs, with
// the slot where there is one.
var elsewhere = map[string]Slot{
	"_id": 0, "_lastUpdated": 0, "_type": SlotType, "_content": SlotContent, "_text": SlotText,
	"_list": 0, "_has": 0, "_filter": 0, "_query": 0, "_in": 0,
}

// standard adds the parameters of the specification for a type.
func (b *setBuilder) standard(resource string) error {
	typ := b.set.definitions.Type(resource)
	b.set.shapes[resource] = b.shapes.of(typ)
	p := &plan{root: &node{shape: b.shapes.of(typ)}, references: map[Slot][]*Parameter{}}
	b.set.plans[resource] = p
	list, err := b.set.definitions.SearchParameters(resource)
	if err != nil {
		return err
	}
	c := &pathCompiler{definitions: b.set.definitions, resource: typ}
	for _, def := range list {
		if n := len(p.parameters); n > 0 && p.parameters[n-1].Code == def.Code {
			continue // R4B and R5 define _text and _filter twice
		}
		parameter, err := b.parameter(c, corrected(def))
		if err != nil {
			b.set.skipped = append(b.set.skipped, Skipped{def.URL, domain.ResourceType(resource), err.Error()})
			continue
		}
		switch {
		case parameter != nil:
			p.parameters = append(p.parameters, parameter)
		case def.Expression != "":
			b.set.skipped = append(b.set.skipped, Skipped{def.URL, domain.ResourceType(resource), "its expression says nothing about the type"})
		}
	}
	b.assignSlots(p.parameters)
	return nil
}

// parameter makes the parameter of a definition for the pathCompiler's type. It is
// nil if there is nothing to search for.
func (b *setBuilder) parameter(c *pathCompiler, def *definitions.SearchParameter) (*Parameter, error) {
	p := &Parameter{
		URL: def.URL, Code: def.Code, Type: ParameterType(def.Type), Definition: def,
		Resource: domain.ResourceType(c.resource.Name),
		Shared:   slices.Contains(def.Base, "Resource") || slices.Contains(def.Base, "DomainResource"),
	}
	if slot, special := elsewhere[def.Code]; special {
		p.Slot = slot
		return p, nil
	}
	if def.Expression == "" {
		return nil, nil
	}
	n, err := b.parse(def.Expression)
	if err != nil {
		return nil, err
	}
	if p.program, err = c.compileProgram(p.Type, n, def.Expression, def.Targets); err != nil || p.program == nil {
		return nil, err
	}
	if p.Type == Composite {
		if err := b.components(c, p); err != nil {
			return nil, err
		}
	}
	p.Yields = p.program.yields()
	if p.Type == ReferTo {
		p.Targets = c.targets(def.Targets, p.program.paths)
		if len(def.Targets) == 1 && c.leadsElsewhere(def.Targets[0], p.program.paths) {
			p.Narrow = p.Targets[0]
		}
	}
	return p, nil
}

func (b *setBuilder) parse(expression string) (fhirpath.Node, error) {
	if n := b.parsed[expression]; n != nil {
		return n, nil
	}
	n, err := fhirpath.Parse(expression)
	if err != nil {
		return nil, err
	}
	b.parsed[expression] = n
	return n, nil
}

// assignSlots gives slots to the parameters of one type.
func (b *setBuilder) assignSlots(parameters []*Parameter) {
	wide := map[string]bool{}
	for _, p := range parameters {
		if p.program != nil {
			wide[string(p.Type)+" "+p.program.fullKey()] = true
		}
	}
	slots := map[string]Slot{}
	for _, p := range parameters {
		if p.program == nil {
			continue
		}
		if p.Shared {
			if b.shared[p.URL] == 0 {
				b.shared[p.URL] = b.take()
			}
			p.Slot = b.shared[p.URL]
			continue
		}
		key := string(p.Type) + " " + p.program.fullKey()
		if p.Type == ReferTo {
			if target, without, ok := p.program.narrowed(); ok {
				if wider := string(p.Type) + " " + without; wide[wider] {
					key, p.Narrow, p.follows = wider, domain.ResourceType(target), true
				}
			}
		}
		if slots[key] == 0 {
			slots[key] = b.take()
		}
		p.Slot = slots[key]
	}
}

func (b *setBuilder) take() Slot {
	b.next++
	return b.next - 1
}

// fullKey is the key of a program with those of its components.
func (p *program) fullKey() string {
	key := p.key
	for _, component := range p.components {
		key += " $ " + component.key
	}
	return key
}

// finish makes the trees that extraction walks along, when all slots are known.
func (b *setBuilder) finish() {
	canonicals := b.canonicals()
	for _, resource := range b.set.definitions.Resources() {
		p := b.set.plans[resource]
		c := &pathCompiler{definitions: b.set.definitions, resource: b.set.definitions.Type(resource)}
		all := slices.Concat(p.parameters, p.hidden)
		for _, parameter := range all {
			if parameter.program != nil && !parameter.follows {
				b.grow(c, p, parameter)
			}
		}
		for _, parameter := range all {
			parameter.leadTo(canonicals)
			if parameter.Type == ReferTo && parameter.Slot != 0 {
				p.references[parameter.Slot] = append(p.references[parameter.Slot], parameter)
			}
			b.set.byURL[parameter.URL] = append(b.set.byURL[parameter.URL], parameter)
		}
	}
	for _, of := range b.set.byURL {
		slices.SortFunc(of, func(a, b *Parameter) int { return cmp.Compare(a.Resource, b.Resource) })
	}
}

// grow adds the program of a parameter to the tree of its type.
func (b *setBuilder) grow(c *pathCompiler, p *plan, of *Parameter) {
	switch {
	case of.Type == Composite:
		b.growGroup(c, p, of)
	case of.program.late != nil:
		p.late = append(p.late, &late{compiler: c, slot: of.Slot, typ: of.Type, values: of.program.late})
	case of.program.asked != nil:
		p.late = append(p.late, &late{compiler: c, slot: of.Slot, typ: of.Type, asked: of.program.asked})
	}
	for _, found := range of.program.paths {
		if found.root {
			found.root = false
		}
		p.root.addAction(b.shapes, found, c.action(of.Slot, of.Type, found))
	}
}
