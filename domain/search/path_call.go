package search

import (
	"slices"

	"fhirlog/domain/fhirpath"
)

// call compiles the functions that are steps.
func (c *pathCompiler) call(n *fhirpath.Call, from []path) ([]path, error) {
	of, err := c.of(n.Of, from)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	switch {
	case n.Name == "where" && len(n.Args) == 1:
		return c.where(of, n.Args[0])
	case n.Name == "extension" && len(n.Args) == 1:
		return c.extension(of, n.Args[0])
	case n.Name == "first" && len(n.Args) == 0:
		return at(of, 0)
	case n.Name == "resolve" && len(n.Args) == 0:
		return resolved(of)
	}
	return nil, errBeyond
}

// where keeps the values of each path that meet a condition.
func (c *pathCompiler) where(of []path, criterion fhirpath.Node) ([]path, error) {
	var all []path
	var firstErr error
	for _, p := range of {
		when, err := c.condition(criterion, p)
		switch {
		case err == errBeyond:
			return nil, err
		case err != nil:
			if firstErr == nil {
				firstErr = err
			}
			continue
		}
		all = append(all, p.to(step{index: -1, when: when}))
	}
	if len(all) == 0 {
		return nil, firstErr
	}
	return all, nil
}

// extension goes to the extensions of a URL.
func (c *pathCompiler) extension(of []path, url fhirpath.Node) ([]path, error) {
	with, ok := literalOf(url)
	if !ok || with.boolean {
		return nil, errBeyond
	}
	extensions, err := c.children(of, "extension")
	if err != nil {
		return nil, err
	}
	for i, p := range extensions {
		urls, err := c.children([]path{{typ: p.typ, single: true}}, "url")
		if err != nil {
			return nil, err
		}
		extensions[i] = p.to(step{index: -1, when: equals{paths: urls, with: with}})
	}
	return extensions, nil
}

// resolved is resolve() at the end of an expression: the reference itself is
// what is indexed.
func resolved(of []path) ([]path, error) {
	for _, p := range of {
		if p.typ.Name != "Reference" && p.typ.Name != "canonical" && p.typ.Name != "uri" {
			return nil, expressionFault("resolve() needs a reference, not %s", p.typ.Name)
		}
	}
	return of, nil
}

// condition compiles what is asked of the values of a path.
func (c *pathCompiler) condition(n fhirpath.Node, of path) (condition, error) {
	begin := []path{{typ: of.typ, single: true}}
	switch n := n.(type) {
	case *fhirpath.Typed:
		if call, ok := n.Of.(*fhirpath.Call); ok && n.Op == fhirpath.Is && call.Name == "resolve" && call.Of == nil {
			if _, err := resolved([]path{of}); err != nil {
				return nil, err
			}
			if !c.definitions.IsResource(n.Type.Name) {
				return nil, expressionFault("%q is no type of resource", n.Type.Name)
			}
			return refersTo{n.Type.Name}, nil
		}
	case *fhirpath.Call:
		return c.test(n, of, begin)
	case *fhirpath.Binary:
		switch n.Op {
		case "=", "!=":
			return c.comparison(n, begin)
		case "and", "or":
			return c.connected(n, of)
		}
	}
	return nil, errBeyond
}

// test compiles the functions that answer yes or no.
func (c *pathCompiler) test(n *fhirpath.Call, of path, begin []path) (condition, error) {
	switch {
	case n.Name == "exists" && len(n.Args) == 0 && n.Of != nil:
		paths, err := c.inside(n.Of, begin)
		return exists{paths}, err
	case n.Name == "empty" && len(n.Args) == 0 && n.Of != nil:
		paths, err := c.inside(n.Of, begin)
		return opposite{exists{paths}}, err
	case n.Name == "hasExtension" && len(n.Args) == 1:
		on, err := c.of(n.Of, begin)
		if err != nil {
			return nil, err
		}
		paths, err := c.extension(on, n.Args[0])
		return exists{paths}, err
	case n.Name == "not" && len(n.Args) == 0 && n.Of != nil:
		inner, err := c.condition(n.Of, of)
		return opposite{inner}, err
	}
	return nil, errBeyond
}

// inside compiles a path within a condition, which follows it on its own: it
// cannot begin at the resource.
func (c *pathCompiler) inside(n fhirpath.Node, begin []path) ([]path, error) {
	paths, err := c.paths(n, begin)
	if err == nil && (len(paths) == 0 || slices.ContainsFunc(paths, func(p path) bool { return p.root || p.holds })) {
		return nil, errBeyond
	}
	return paths, err
}

// comparison compiles = and != between a single value and a literal.
func (c *pathCompiler) comparison(n *fhirpath.Binary, begin []path) (condition, error) {
	left, right := n.Left, n.Right
	with, ok := literalOf(right)
	if !ok {
		left = n.Right
		if with, ok = literalOf(n.Left); !ok {
			return nil, errBeyond
		}
	}
	paths, err := c.inside(left, begin)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(paths, func(p path) bool { return !p.single }) {
		return nil, errBeyond
	}
	return equals{paths: paths, with: with, not: n.Op == "!="}, nil
}

func (c *pathCompiler) connected(n *fhirpath.Binary, of path) (condition, error) {
	left, err := c.condition(n.Left, of)
	if err != nil {
		return nil, err
	}
	right, err := c.condition(n.Right, of)
	if err != nil {
		return nil, err
	}
	if n.Op == "and" {
		return both{left, right}, nil
	}
	return either{left, right}, nil
}

// literalOf reads a string or boolean.
func literalOf(n fhirpath.Node) (literal, bool) {
	l, ok := n.(*fhirpath.Literal)
	if !ok {
		return literal{}, false
	}
	switch v := l.Value.(type) {
	case fhirpath.String:
		return literal{text: string(v)}, true
	case fhirpath.Boolean:
		return literal{text: v.String(), boolean: true}, true
	}
	return literal{}, false
}
