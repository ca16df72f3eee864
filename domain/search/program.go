package search

import (
	"slices"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// program finds the values of a parameter in a resource: by paths, where the
// expression is made of steps, else by an evaluator.
type program struct {
	paths    []path    // to values that the parameter's type can take
	asked    condition // the parameter is whether this holds
	late     evaluator // everything else
	elements []path    // of a composite: to the elements that have the components

	components []*program // of a composite, in order
	key        string     // equal for programs that find the same values
}

// evaluator finds values in a way that is no path. each calls visit for each
// value with its FHIR type.
type evaluator interface {
	each(resource fhirjson.Value, visit func(t *definitions.Type, v fhirjson.Value))
}

// yields are the names of the types that the program finds, sorted.
func (p *program) yields() []string {
	var names []string
	for _, found := range slices.Concat(p.paths, p.elements) {
		names = append(names, found.typ.Name)
	}
	if p.asked != nil {
		names = append(names, "boolean")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// narrowed tells whether all that the program finds are references to one type,
// by a condition at the end; key is that of the program without it.
func (p *program) narrowed() (target, key string, ok bool) {
	if len(p.paths) == 0 {
		return "", "", false
	}
	wide := make([]path, len(p.paths))
	for i, found := range p.paths {
		to := ""
		if wide[i], to, ok = found.narrowed(); !ok || i > 0 && to != target {
			return "", "", false
		}
		target = to
	}
	return target, joinPaths(wide), true
}

// compileProgram compiles the expression of a parameter for a type of resource.
// It is nil if the expression does not concern the type.
func (c *pathCompiler) compileProgram(t ParameterType, n fhirpath.Node, text string, targets []string) (*program, error) {
	if when, err := c.condition(n, path{typ: c.resource}); err == nil && t == Token {
		return &program{asked: when, key: when.String()}, nil
	}
	paths, err := c.paths(n, c.begin())
	if err == errBeyond {
		return c.evaluated(text)
	}
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	if t == Composite {
		return &program{elements: paths, key: joinPaths(paths)}, nil
	}
	usable := c.convertible(t, paths, targets)
	if len(usable) == 0 {
		return nil, typeFault(t, typesOf(paths))
	}
	return &program{paths: usable, key: joinPaths(usable)}, nil
}

func typeFault(t ParameterType, types string) error {
	return expressionFault("a parameter of type %s cannot be made of what the expression gives, %s", t, types)
}

// convertible keeps the paths to types that a parameter can be made of. An
// extension stands for its value, a resource in a Bundle for a reference to it.
func (c *pathCompiler) convertible(t ParameterType, paths []path, targets []string) []path {
	var usable []path
	for _, p := range paths {
		switch {
		case p.typ.Name == "Extension":
			values, err := c.children([]path{p}, "value")
			if err == nil {
				usable = append(usable, c.convertible(t, values, targets)...)
			}
		case t == ReferTo && p.typ.Kind == definitions.Resource && p.typ.Abstract:
			for _, target := range targets {
				if c.definitions.IsResource(target) {
					to := p.to(step{index: -1, resource: target})
					to.typ = c.definitions.Type(target)
					usable = append(usable, to)
				}
			}
		case c.adder(t, p.typ) != nil:
			usable = append(usable, p)
		}
	}
	return usable
}
