package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// pathCompiler turns expressions of search parameters into paths. What it does not
// take, the FHIRPath engine evaluates: errBeyond says so.
type pathCompiler struct {
	definitions *definitions.Definitions
	resource    *definitions.Type // what paths begin from, and %resource
	strict      bool              // every branch has to be right, not only one
}

// errBeyond is the error for an expression that is no steps.
var errBeyond = errors.New("not an expression of steps")

// begin is the path to the resource itself.
func (c *pathCompiler) begin() []path { return []path{{typ: c.resource, single: true}} }

// paths compiles an expression. An expression that concerns other types only
// has no paths.
func (c *pathCompiler) paths(n fhirpath.Node, from []path) ([]path, error) {
	switch n := n.(type) {
	case *fhirpath.Member:
		return c.member(n, from)
	case *fhirpath.Typed:
		return c.typed(n, from)
	case *fhirpath.Indexer:
		return c.indexer(n, from)
	case *fhirpath.Call:
		return c.call(n, from)
	case *fhirpath.Variable:
		if n.Name == "resource" || n.Name == "rootResource" {
			return []path{{typ: c.resource, single: true, root: true}}, nil
		}
	case *fhirpath.Special:
		if n.Name == "$this" {
			return from, nil
		}
	case *fhirpath.Binary:
		if n.Op == "|" {
			return c.union(n, from)
		}
	}
	return nil, errBeyond
}

// union takes both sides. Parameters of FHIR list branches that one of their
// types does not have; where that is allowed, one good branch is enough.
func (c *pathCompiler) union(n *fhirpath.Binary, from []path) ([]path, error) {
	left, leftErr := c.paths(n.Left, from)
	right, rightErr := c.paths(n.Right, from)
	all := append(slices.Clip(left), right...)
	for i := range all {
		all[i].single = false
	}
	err := errors.Join(leftErr, rightErr)
	switch {
	case errors.Is(err, errBeyond):
		return nil, errBeyond
	case err != nil && (c.strict || len(all) == 0):
		if leftErr != nil {
			return nil, leftErr
		}
		return nil, rightErr
	}
	return all, nil
}

func (c *pathCompiler) of(n fhirpath.Node, from []path) ([]path, error) {
	if n == nil {
		return from, nil
	}
	return c.paths(n, from)
}

func (c *pathCompiler) member(n *fhirpath.Member, from []path) ([]path, error) {
	if n.Of == nil && c.atBeginning(from) {
		for t := c.resource; t != nil; t = c.definitions.Type(t.Base) {
			if t.Name == n.Name {
				return from, nil
			}
		}
		if t := c.definitions.Type(n.Name); t != nil && t.Kind == definitions.Resource {
			return nil, nil
		}
	}
	of, err := c.of(n.Of, from)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	return c.children(of, n.Name)
}

func (c *pathCompiler) atBeginning(from []path) bool {
	return len(from) == 1 && len(from[0].steps) == 0 && from[0].typ == c.resource
}

// children goes from each path to the elements of a name; of a choice, to each
// of its types.
func (c *pathCompiler) children(from []path, name string) ([]path, error) {
	var all []path
	for _, p := range from {
		if p.typ.Kind == definitions.Primitive {
			if sibling, ok := c.sibling(p); ok {
				p = sibling
			}
		}
		for json, m := range p.typ.Members() {
			if m.Element.Name != name {
				continue
			}
			child := p.to(step{member: json, index: -1})
			child.typ, child.of = m.Type, m.Element
			child.onlyParent, child.single = p.single, p.single && !m.Element.Repeats()
			all = append(all, child)
		}
	}
	if len(all) == 0 {
		return nil, unknownElement(from[0].typ.Name, name)
	}
	return all, nil
}

// sibling goes from the value of a primitive to its id and extensions.
func (c *pathCompiler) sibling(p path) (path, bool) {
	if len(p.steps) == 0 || p.steps[len(p.steps)-1].member == "" {
		return p, false
	}
	p.steps = slices.Clone(p.steps)
	last := &p.steps[len(p.steps)-1]
	last.member = "_" + last.member
	p.typ = c.definitions.Type("Element")
	return p, true
}

func unknownElement(typ, name string) error {
	return expressionFault("%s has no element %q", typ, name)
}

// expressionFault is the error of an expression that cannot mean anything.
func expressionFault(format string, args ...any) *domain.Error {
	return domain.NewError(domain.Invalid, "The expression of a search parameter is wrong: "+fmt.Sprintf(format, args...)+".", "SearchParameter.expression")
}

// typed keeps the paths to a type, or to one derived from it; is() makes of
// them the word true.
func (c *pathCompiler) typed(n *fhirpath.Typed, from []path) ([]path, error) {
	of, err := c.of(n.Of, from)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	if n.Type.Namespace == "System" {
		return nil, errBeyond
	}
	var all []path
	for _, p := range of {
		switch {
		case c.isA(p.typ, n.Type.Name):
		case p.typ.Abstract && p.typ.Kind == definitions.Resource && c.definitions.IsResource(n.Type.Name):
			p = p.to(step{index: -1, resource: n.Type.Name})
			p.typ = c.definitions.Type(n.Type.Name)
		default:
			continue
		}
		if n.Op == fhirpath.Is {
			p.holds = true
			p.typ = c.definitions.Type("boolean")
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, expressionFault("the element cannot be of type %q, but %s", n.Type.Name, typesOf(of))
	}
	return all, nil
}

// isA tells whether a type is the one named, or derived from it. STU3 and R4
// spell some primitives with a capital, as in as(DateTime).
func (c *pathCompiler) isA(t *definitions.Type, name string) bool {
	for ; t != nil; t = c.definitions.Type(t.Base) {
		if t.Name == name || t.Kind == definitions.Primitive && strings.EqualFold(t.Name, name) {
			return true
		}
	}
	return false
}

// typesOf lists the types of paths for a message.
func typesOf(paths []path) string {
	var names []string
	for _, p := range paths {
		if !slices.Contains(names, p.typ.Name) {
			names = append(names, p.typ.Name)
		}
	}
	return strings.Join(names, ", ")
}

// indexer takes one of the values of an element that only one parent has.
func (c *pathCompiler) indexer(n *fhirpath.Indexer, from []path) ([]path, error) {
	index, ok := n.Index.(*fhirpath.Literal)
	if !ok {
		return nil, errBeyond
	}
	i, ok := index.Value.(fhirpath.Integer)
	if !ok || i < 0 || i > 1<<20 {
		return nil, errBeyond
	}
	of, err := c.of(n.Of, from)
	if err != nil || len(of) == 0 {
		return nil, err
	}
	return at(of, int(i))
}

// at takes the i-th value of an element. That is a step only where the parent
// is a single one, and the element no choice.
func at(paths []path, i int) ([]path, error) {
	if len(paths) != 1 {
		return nil, errBeyond
	}
	p := paths[0]
	if p.single {
		if i == 0 {
			return paths, nil
		}
		return nil, errBeyond
	}
	last := len(p.steps) - 1
	if last < 0 || p.steps[last].member == "" || !p.onlyParent {
		return nil, errBeyond
	}
	p.steps = slices.Clone(p.steps)
	p.steps[last].index = i
	p.single = true
	return []path{p}, nil
}
