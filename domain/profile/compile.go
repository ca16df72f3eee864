package profile

import (
	"strings"

	"fhirlog/domain/definitions"
)

// compiler makes the shapes of one profile.
type compiler struct {
	d         *definitions.Definitions
	byPath    map[string]*shape
	refers    []reference
	explained map[string]bool // paths whose definition names its content reference
	size      int
}

// reference is a shape that an element of another path stands for.
type reference struct {
	from *shape
	path string
}

// compileShapes makes the shapes of a tree of elements.
func compileShapes(d *definitions.Definitions, t *definitions.Type, root *element) (*shape, int, error) {
	c := &compiler{d: d, byPath: map[string]*shape{}, explained: map[string]bool{}}
	s, err := c.shape(root, nil, t.Name, t.Name)
	if err != nil {
		return nil, 0, err
	}
	s.min, s.max = 0, definitions.Unbounded // how often the whole may be there, nobody can say
	if editionOf(d).contentReferences {
		c.refer(s, t)
	}
	for _, r := range c.refers {
		r.from.reuse = c.byPath[r.path]
	}
	return s, c.size, nil
}

// shape makes the shape of an element, whose definition in the specification is
// def, or nil. The path is that of the specification, without slices.
func (c *compiler) shape(e *element, def *definitions.Element, path, id string) (*shape, error) {
	c.size++
	s := &shape{
		name: e.name, id: id, slice: e.slice, min: max(e.min, 0), max: e.max, fixed: e.fixed, pattern: e.pattern,
		minimum: e.minimum, maximum: e.maximum, maxLength: e.maxLength,
		binding: ownBinding(e.binding, def), types: e.types,
	}
	if s.max == absent {
		s.max = definitions.Unbounded
	}
	if def != nil && e.slice == "" { // slices are told apart by their types
		s.types = ownTypes(e.types, def)
		if s.min <= def.Min {
			s.min = 0
		}
		if def.Max != definitions.Unbounded && (s.max == definitions.Unbounded || s.max >= def.Max) {
			s.max = definitions.Unbounded
		}
	}
	if def != nil {
		s.choice = def.Choice
	}
	if s.maxLength < 0 {
		s.maxLength = 0
	}
	var err error
	if s.rules, err = c.ownRules(e, path); err != nil {
		return nil, err
	}
	if e.slice == "" {
		c.byPath[path] = s
		if target, local := strings.CutPrefix(e.reference, "#"); local {
			c.refers = append(c.refers, reference{s, target})
		}
		c.explained[path] = e.reference != ""
	}
	for _, child := range e.children {
		made, err := c.shape(child, c.definitionOf(e.typ, child.name), below(path, e.typ, child.name), id+"."+child.name)
		if err != nil {
			return nil, err
		}
		if !made.empty() || strings.HasPrefix(child.reference, "#") {
			s.children = append(s.children, made)
		}
	}
	for _, slice := range e.slices {
		made, err := c.shape(slice, def, path, id+":"+slice.slice)
		if err != nil {
			return nil, err
		}
		s.slices = append(s.slices, made)
	}
	s.slicing = slicingOf(e, s)
	if s.slicing == nil {
		s.slices = nil
	}
	s.discriminates = s.tellsApart()
	return s, nil
}

// definitionOf finds what the specification says of an element of a type.
func (c *compiler) definitionOf(t *definitions.Type, name string) *definitions.Element {
	if t != nil {
		if m, ok := memberOf(holderOf(c.d, t), name, true); ok {
			return m.Element
		}
	}
	return nil
}

// below is the path of an element in the specification: Patient.contact.name, and
// HumanName.family below that.
func below(path string, t *definitions.Type, name string) string {
	if t != nil {
		return t.Name + "." + name
	}
	return path + "." + name
}

func (s *shape) tellsApart() bool {
	if s.fixed.Exists() || s.pattern.Exists() || s.binding != nil && s.binding.strength == definitions.Required {
		return true
	}
	for _, c := range s.children {
		if c.discriminates {
			return true
		}
	}
	for _, slice := range s.slices {
		if slice.min > 0 && slice.discriminates {
			return true
		}
	}
	return false
}

// slicingOf completes the slicing of an element where its slices say by
// themselves how they differ: choices by their types, extensions by their URLs.
func slicingOf(e *element, s *shape) *shapeSlicing {
	var made slicing
	if e.slicing != nil {
		made = *e.slicing
	}
	if made.rules == "" {
		made.rules = rulesOpen
	}
	if len(s.slices) == 0 && made.rules != rulesClosed {
		return nil
	}
	demanding := made.rules != rulesOpen || made.ordered
	for _, slice := range s.slices {
		demanding = demanding || !slice.empty()
	}
	if !demanding {
		return nil
	}
	if len(made.discriminators) == 0 {
		switch {
		case s.choice:
			made.discriminators = []discriminator{{kind: "type", path: "$this"}}
		case e.name == "extension" || e.name == "modifierExtension":
			made.discriminators = []discriminator{{kind: "value", path: "url"}}
		}
	}
	return &shapeSlicing{slicing: made}
}

// refer follows the content references of the specification: what a profile says
// of Questionnaire.item holds for Questionnaire.item.item, unless the profile says
// otherwise.
func (c *compiler) refer(root *shape, t *definitions.Type) {
	var visit func(t *definitions.Type, at func() *shape)
	visit = func(t *definitions.Type, at func() *shape) {
		for i := range t.Elements {
			e := &t.Elements[i]
			path := t.Name + "." + e.Name
			here := func() *shape {
				if s := c.byPath[path]; s != nil && s.attached(at()) {
					return s
				}
				return at().ensure(e, path, c)
			}
			switch target := c.byPath[e.ContentReference]; {
			case e.ContentReference != "" && target != nil && !target.empty() && !c.explained[path]:
				c.refers = append(c.refers, reference{here(), e.ContentReference})
			case e.ContentReference == "" && e.Type != nil && e.Type.Kind == definitions.Backbone:
				visit(e.Type, here)
			}
		}
	}
	visit(t, func() *shape { return root })
}

func (s *shape) attached(parent *shape) bool {
	for _, c := range parent.children {
		if c == s {
			return true
		}
	}
	return false
}

// ensure returns the child for an element, made if need be.
func (s *shape) ensure(e *definitions.Element, path string, c *compiler) *shape {
	for _, child := range s.children {
		if child.name == e.Name {
			return child
		}
	}
	made := &shape{name: e.Name, id: path, choice: e.Choice, max: definitions.Unbounded}
	c.size++
	c.byPath[path] = made
	s.children = append(s.children, made)
	return made
}
