package validate

import (
	"slices"

	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirpath"
)

// Most invariants ask which elements are there: value.empty() or
// component.empty(). That is known from the walk, so a rule is first decided by
// a table over the elements that its paths begin with, and evaluated only where
// the table leaves it open. The table comes from the rule's own expression,
// evaluated here with what is known of each part instead of its items.

// verdict is what is known of a rule.
type verdict uint8

const (
	openVerdict verdict = iota // only the evaluation can tell
	holds
	broken
)

// decision tells the verdict by which elements are there.
type decision struct {
	elements []uint8   // indexes of the elements that decide
	verdicts []verdict // by a number that has bit i set if elements[i] is there
}

// mostDeciding is how many elements a table may be over.
const mostDeciding = 8

// by returns the verdict for an element that has these elements.
func (d *decision) by(seen *definitions.ElementSet) verdict {
	if d.verdicts == nil {
		return openVerdict
	}
	n := 0
	for i, index := range d.elements {
		if seen.Has(int(index)) {
			n |= 1 << i
		}
	}
	return d.verdicts[n]
}

// decide makes the table of an expression whose focus is of a type. There is
// none if it would decide nothing.
func decide(n fhirpath.Node, focus *definitions.Type) decision {
	g := guesser{focus: focus}
	g.guess(n) // collects the elements
	if len(g.deciding) > mostDeciding {
		return decision{}
	}
	d := decision{elements: g.deciding, verdicts: make([]verdict, 1<<len(g.deciding))}
	useful := false
	for i := range d.verdicts {
		g.there = i
		d.verdicts[i] = g.guess(n).verdict()
		useful = useful || d.verdicts[i] != openVerdict
	}
	if !useful {
		return decision{}
	}
	return d
}

// guess is what may become of an expression: a set of the possibilities below.
type guess uint8

const (
	mayBeEmpty guess = 1 << iota // no items; of a condition: unknown
	mayBeFalse                   // the boolean false
	mayBeTrue
	mayBeOther // any other items

	anything = mayBeEmpty | mayBeFalse | mayBeTrue | mayBeOther
	anyItem  = anything &^ mayBeEmpty
	boolean  = mayBeFalse | mayBeTrue
)

// verdict reads a guess as the result of a rule: empty holds, since it says
// nothing, and so do items other than a boolean.
func (g guess) verdict() verdict {
	switch {
	case g == mayBeFalse:
		return broken
	case g&mayBeFalse == 0:
		return holds
	}
	return openVerdict
}

// guesser evaluates an expression on guesses.
type guesser struct {
	focus    *definitions.Type
	deciding []uint8 // the elements met, by index
	there    int     // bit i is set if deciding[i] is there
}

// guess tells what may become of a node that is evaluated on the focus itself.
// The criteria of functions, which are evaluated on other items, are not looked
// into.
func (g *guesser) guess(n fhirpath.Node) guess {
	switch n := n.(type) {
	case *fhirpath.Empty:
		return mayBeEmpty
	case *fhirpath.Literal:
		if b, ok := n.Value.(fhirpath.Boolean); ok {
			return truth(bool(b))
		}
		return mayBeOther
	case *fhirpath.Member:
		if n.Of != nil {
			return through(g.guess(n.Of))
		}
		return g.member(n.Name)
	case *fhirpath.Typed:
		if n.Of == nil {
			return anything
		}
		return through(g.guess(n.Of))
	case *fhirpath.Indexer:
		return through(g.guess(n.Of))
	case *fhirpath.Unary:
		return through(g.guess(n.Of))
	case *fhirpath.Call:
		return g.call(n)
	case *fhirpath.Binary:
		return operator(n.Op, g.guess(n.Left), g.guess(n.Right))
	}
	return anything
}

func truth(b bool) guess {
	if b {
		return mayBeTrue
	}
	return mayBeFalse
}

// through is what a step makes of its input: nothing of nothing.
func through(of guess) guess {
	if of == mayBeEmpty {
		return mayBeEmpty
	}
	return anything
}

// member is the first step of a path: an element of the focus, or the focus by
// the name of its type.
func (g *guesser) member(name string) guess {
	if g.focus.Kind == definitions.Primitive || g.focus.Name == name {
		return anything
	}
	at := slices.IndexFunc(g.focus.Elements, func(e definitions.Element) bool { return e.Name == name })
	if at < 0 {
		return anything
	}
	i := slices.Index(g.deciding, uint8(at))
	if i < 0 {
		i = len(g.deciding)
		g.deciding = append(g.deciding, uint8(at))
	}
	if g.there&(1<<i) == 0 {
		return mayBeEmpty
	}
	return anyItem
}

// passing are the functions that make nothing of nothing.
var passing = map[string]bool{
	"where": true, "select": true, "first": true, "last": true, "tail": true, "skip": true, "take": true, "distinct": true,
	"resolve": true, "startsWith": true, "endsWith": true, "contains": true, "matches": true, "substring": true,
	"replaceMatches": true, "toInteger": true, "toString": true, "length": true, "trace": true, "descendants": true,
	"children": true, "repeat": true, "lowBoundary": true, "highBoundary": true, "comparable": true,
}

func (g *guesser) call(n *fhirpath.Call) guess {
	of := guess(anyItem) // the focus
	if n.Of != nil {
		of = g.guess(n.Of)
	}
	mayExist := of&^mayBeEmpty != 0
	switch {
	case n.Name == "exists" && len(n.Args) == 0:
		return when(mayExist, mayBeTrue) | when(of&mayBeEmpty != 0, mayBeFalse)
	case n.Name == "exists", n.Name == "hasValue":
		return when(mayExist, boolean) | when(of&mayBeEmpty != 0, mayBeFalse)
	case n.Name == "empty":
		return when(mayExist, mayBeFalse) | when(of&mayBeEmpty != 0, mayBeTrue)
	case n.Name == "all", n.Name == "isDistinct", n.Name == "allTrue", n.Name == "allFalse":
		return when(mayExist, boolean) | when(of&mayBeEmpty != 0, mayBeTrue)
	case n.Name == "not":
		return negated(condition(of))
	case passing[n.Name]:
		return through(of)
	}
	return anything
}

func when(possible bool, g guess) guess {
	if possible {
		return g
	}
	return 0
}

// condition reads a guess as a condition: a single item that is no boolean is
// true, or unknown if it is an element of type boolean without a value.
func condition(g guess) guess {
	return g&^mayBeOther | when(g&mayBeOther != 0, mayBeTrue|mayBeEmpty)
}

func negated(g guess) guess {
	return g&mayBeEmpty | when(g&mayBeTrue != 0, mayBeFalse) | when(g&mayBeFalse != 0, mayBeTrue)
}

// operator combines guesses.
func operator(op string, left, right guess) guess {
	switch op {
	case "and", "or", "xor", "implies":
		return logic(op, condition(left), condition(right))
	case "=", "!=":
		if left == mayBeEmpty || right == mayBeEmpty {
			return mayBeEmpty
		}
		if (left|right)&^boolean == 0 {
			same := when(left&right != 0, mayBeTrue) | when(left != right || left == boolean, mayBeFalse)
			if op == "!=" {
				same = negated(same)
			}
			return same
		}
	case "|":
		switch {
		case left|right == mayBeEmpty:
			return mayBeEmpty
		case left&mayBeEmpty == 0 || right&mayBeEmpty == 0:
			return anyItem
		}
	case "in":
		return through(left)
	case "contains":
		return through(right)
	case "<", ">", "<=", ">=", "+", "-", "*", "/", "div", "mod":
		if left == mayBeEmpty || right == mayBeEmpty {
			return mayBeEmpty
		}
	}
	return anything
}

// logic combines every possibility of the left side with every one of the right.
func logic(op string, left, right guess) (all guess) {
	for _, a := range []guess{mayBeEmpty, mayBeFalse, mayBeTrue} {
		for _, b := range []guess{mayBeEmpty, mayBeFalse, mayBeTrue} {
			if left&a != 0 && right&b != 0 {
				all |= combine(op, a, b)
			}
		}
	}
	return all
}

// combine is three-valued logic (https://hl7.org/fhirpath/N1/#boolean-logic).
func combine(op string, a, b guess) guess {
	switch op {
	case "xor":
		if a == mayBeEmpty || b == mayBeEmpty {
			return mayBeEmpty
		}
		return truth(a != b)
	case "or":
		return negated(combine("and", negated(a), negated(b)))
	case "implies":
		return negated(combine("and", a, negated(b)))
	}
	switch {
	case a == mayBeFalse || b == mayBeFalse:
		return mayBeFalse
	case a == mayBeTrue && b == mayBeTrue:
		return mayBeTrue
	}
	return mayBeEmpty
}
