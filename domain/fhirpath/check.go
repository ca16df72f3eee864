package fhirpath

import (
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// Check finds what can give no result on resources of a type, and is a mistake
// therefore: elements that none of the possible types has, and functions that go
// by order where there is none. Evaluation itself takes both for empty or as it
// comes, since collections of several types are common.
//
// The types are those that the definitions tell; what comes from a variable or a
// reference may be anything.
func (e *Expression) Check(root *definitions.Type) error {
	start := kinds{types: []*definitions.Type{root}}
	_, err := (&checker{compiler: e.compiler, root: start}).node(e.node, start)
	return err
}

// kinds is what the items of a collection may be.
type kinds struct {
	types     []*definitions.Type
	system    bool // there may be System values
	any       bool // nothing is known
	unordered bool
}

var (
	anything   = kinds{any: true}
	justValues = kinds{system: true}
)

// or joins what two collections may be.
func (k kinds) or(other kinds) kinds {
	joined := kinds{slices.Clone(k.types), k.system || other.system, k.any || other.any, k.unordered || other.unordered}
	for _, t := range other.types {
		joined.add(t)
	}
	return joined
}

// add adds a type, once.
func (k *kinds) add(t *definitions.Type) {
	if !slices.Contains(k.types, t) {
		k.types = append(k.types, t)
	}
}

// checker walks an expression with the types that its parts may have.
type checker struct {
	compiler *compiler
	root     kinds
}

// node returns what a node may give where $this is of some kinds.
func (k *checker) node(n Node, this kinds) (kinds, error) {
	switch n := n.(type) {
	case *Literal, *Empty:
		return justValues, nil
	case *Special:
		if n.Name == "$this" {
			return this, nil
		}
		return anything, nil
	case *Variable:
		if n.Name == "context" {
			return k.root, nil
		}
		return anything, nil
	case *Member:
		return k.member(n, this)
	case *Call:
		return k.call(n, this)
	case *Typed:
		return k.typed(n, this)
	case *Indexer:
		of, err := k.node(n.Of, this)
		if err == nil && of.unordered {
			err = k.noOrder(n.At, "an index")
		}
		if err == nil {
			_, err = k.node(n.Index, this)
		}
		return of, err
	case *Unary:
		return k.node(n.Of, this)
	case *Binary:
		left, err := k.node(n.Left, this)
		if err != nil {
			return kinds{}, err
		}
		right, err := k.node(n.Right, this)
		if n.Op == "|" {
			return left.or(right), err
		}
		return justValues, err
	}
	panic("unknown node") // Node is a closed set
}

func (k *checker) noOrder(at At, what string) error {
	return k.compiler.fault(at, domain.Invalid, "%s goes by order, and children() and descendants() have none", what)
}

// of returns what a step is taken from.
func (k *checker) of(n Node, this kinds) (kinds, error) {
	if n == nil {
		return this, nil
	}
	return k.node(n, this)
}

func (k *checker) member(n *Member, this kinds) (kinds, error) {
	of, err := k.of(n.Of, this)
	if err != nil || of.any {
		return anything, err
	}
	name := newMemberName(n.Name)
	var found kinds
	if start := k.compiler.definitions.Type(n.Name); n.Of == nil && start != nil {
		for _, t := range of.types {
			if k.compiler.isA(t, start) {
				found.add(t)
			}
		}
	}
	for _, t := range of.types {
		k.elementsOf(t, name, &found)
	}
	if len(found.types) == 0 && !found.system && !found.any && !of.system {
		what := "what stands before it"
		if len(of.types) == 1 {
			what = of.types[0].Name
		}
		return found, k.compiler.fault(n.At, domain.Invalid, "%s has no element '%s'", what, n.Name)
	}
	found.any = found.any || of.system
	found.unordered = of.unordered
	return found, nil
}

// elementsOf adds the types of a type's element.
func (k *checker) elementsOf(t *definitions.Type, name memberName, found *kinds) {
	if t.JSON != definitions.NotPrimitive {
		found.system = found.system || name.text == "value"
		if part := map[string]string{"id": "string", "extension": "Extension"}[name.text]; part != "" {
			found.add(k.compiler.definitions.Type(part))
		}
		return
	}
	m := elementNamed(t, name)
	switch {
	case m.Element == nil:
	case m.Element.Choice:
		for _, ref := range m.Element.Types {
			found.add(ref.Type)
		}
	case m.Type.Abstract:
		found.any = true
	default:
		found.add(m.Type)
	}
}

func (k *checker) typed(n *Typed, this kinds) (kinds, error) {
	of, err := k.of(n.Of, this)
	if err != nil {
		return kinds{}, err
	}
	test, err := k.compiler.resolveType(n)
	if n.Op == Is {
		return justValues, err
	}
	narrowed := kinds{system: test.system != "", unordered: of.unordered}
	if test.fhir != nil {
		narrowed.types = []*definitions.Type{test.fhir}
		narrowed.any = test.fhir.Abstract
	}
	return narrowed, err
}

// The functions by what they give: those that give items of their input, and
// those that may give anything. All others give System values.
var (
	givesInput    = []string{"where", "repeat", "sort", "single", "first", "last", "tail", "skip", "take", "intersect", "exclude", "distinct", "trace", "checkModifiers", "defineVariable"}
	givesAnything = []string{"aggregate", "extension", "resolve", "elementDefinition", "slice"}
	goesByOrder   = []string{"first", "last", "tail", "skip", "take"}
	seesItems     = []string{"where", "select", "repeat", "all", "exists", "sort", "aggregate", "iif", "trace", "defineVariable"}
)

func (k *checker) call(n *Call, this kinds) (kinds, error) {
	in, err := k.of(n.Of, this)
	if err != nil {
		return kinds{}, err
	}
	if in.unordered && slices.Contains(goesByOrder, n.Name) {
		return kinds{}, k.noOrder(n.At, n.Name+"()")
	}
	inner := this
	if slices.Contains(seesItems, n.Name) {
		inner = in
		inner.unordered = false
		if n.Name == "repeat" {
			inner.any = true // the projection sees its own results
		}
	}
	args := make([]kinds, len(n.Args))
	for i, arg := range n.Args {
		if args[i], err = k.node(arg, inner); err != nil {
			return kinds{}, err
		}
	}
	switch {
	case n.Name == "select" || n.Name == "repeat":
		args[0].unordered = args[0].unordered || in.unordered
		return args[0], nil
	case n.Name == "iif" && len(args) == 3:
		return args[1].or(args[2]), nil
	case n.Name == "iif":
		return args[1], nil
	case n.Name == "union" || n.Name == "combine":
		return in.or(args[0]), nil
	case n.Name == "children" || n.Name == "descendants":
		return kinds{any: true, unordered: true}, nil
	case slices.Contains(givesInput, n.Name):
		return in, nil
	case slices.Contains(givesAnything, n.Name):
		return anything, nil
	}
	return justValues, nil
}
