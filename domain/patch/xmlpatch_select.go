package patch

import (
	"slices"
	"strconv"
	"strings"
)

// selector is what RFC 5261 leaves of XPath: a path of element names from the root,
// each with predicates, and at the end perhaps an attribute, a namespace, or a text,
// comment or instruction.
type selector struct {
	steps []xmlStep
	last  xmlStep // of another kind than an element; none if it has none
	none  bool    // there is no such last step
}

// xmlStep is one step of a selector.
type xmlStep struct {
	kind       xmlStepKind
	space      string
	local      string // "*" for any
	predicates []xmlPredicate
}

type xmlStepKind uint8

const (
	elementStep xmlStepKind = iota
	attributeStep
	namespaceStep
	textStep
	commentStep
	instructionStep
)

// xmlPredicate is what stands in brackets: a position, or a test of equality. The
// RFC tests attributes and children; as FHIR's values are attributes of children,
// here a path is allowed, such as f:system/@value.
type xmlPredicate struct {
	position int       // from 1; 0 if it is a test
	path     []xmlStep // of what is tested; empty for the element itself
	value    string
}

// selected is what a selector has found: a node, or one of its attributes.
type selected struct {
	node      *xmlNode
	attribute int // its index; -1 if it is the node itself
}

// find returns everything that the selector selects in a document. work counts the
// nodes that are looked at.
func (s *selector) find(document *xmlNode, work *int) []selected {
	nodes := []*xmlNode{document}
	for i := range s.steps {
		var next []*xmlNode
		for _, n := range nodes {
			next = append(next, s.steps[i].children(n, work)...)
		}
		nodes = next
	}
	var found []selected
	for _, n := range nodes {
		switch {
		case s.none:
			found = append(found, selected{n, -1})
		case s.last.kind == attributeStep, s.last.kind == namespaceStep:
			for i := range n.attributes {
				if s.last.matchesAttribute(&n.attributes[i]) {
					found = append(found, selected{n, i})
				}
			}
		default:
			for _, child := range s.last.children(n, work) {
				found = append(found, selected{child, -1})
			}
		}
	}
	return found
}

// stepsPerChild is what it costs to look at a child, in steps of greatestWork.
const stepsPerChild = 4

// children returns the children of a node that a step selects.
func (st *xmlStep) children(n *xmlNode, work *int) []*xmlNode {
	*work += stepsPerChild * len(n.children)
	var found []*xmlNode
	for _, child := range n.children {
		if st.matches(child) {
			found = append(found, child)
		}
	}
	for i := range st.predicates {
		p := &st.predicates[i]
		if p.position > 0 {
			if p.position > len(found) {
				return nil
			}
			found = found[p.position-1 : p.position]
			continue
		}
		found = slices.DeleteFunc(found, func(n *xmlNode) bool { return !p.holds(n, work) })
	}
	return found
}

// matches tells whether a node is of the step's kind and name.
func (st *xmlStep) matches(n *xmlNode) bool {
	switch st.kind {
	case elementStep:
		return n.kind == xmlElement && (st.local == "*" || n.local == st.local && n.space == st.space)
	case textStep:
		return n.kind == xmlText
	case commentStep:
		return n.kind == xmlComment
	case instructionStep:
		if n.kind != xmlInstruction {
			return false
		}
		target := strings.TrimSuffix(strings.TrimPrefix(n.spelled, "<?"), "?>")
		if end := strings.IndexAny(target, " \t\r\n"); end >= 0 {
			target = target[:end]
		}
		return st.local == "" || target == st.local
	}
	return false
}

func (st *xmlStep) matchesAttribute(a *xmlAttribute) bool {
	if st.kind == namespaceStep {
		return a.declares && a.local == st.local
	}
	return !a.declares && a.local == st.local && a.space == st.space
}

// holds tells whether an element passes a test.
func (p *xmlPredicate) holds(n *xmlNode, work *int) bool { return equalsAt(n, p.path, p.value, work) }

// equalsAt tells whether something at a path from a node has a value.
func equalsAt(n *xmlNode, path []xmlStep, value string, work *int) bool {
	if len(path) == 0 {
		return n.equals(value, work)
	}
	first := &path[0]
	if first.kind == attributeStep {
		for i := range n.attributes {
			if a := &n.attributes[i]; first.matchesAttribute(a) && a.value() == value {
				return true
			}
		}
		return false
	}
	for _, child := range first.children(n, work) {
		if equalsAt(child, path[1:], value, work) {
			return true
		}
	}
	return false
}

// equals tells whether the characters of a node are a text.
func (n *xmlNode) equals(text string, work *int) bool {
	characters := n.characters()
	*work += 1 + len(characters)/4
	return characters == text
}

// position reads a position; 0 if it is none.
func position(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || text[0] == '+' {
		return 0
	}
	return n
}
