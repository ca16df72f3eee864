package fhirpath

import (
	"strings"

	"fhirlog/domain/definitions"
)

// Expression is a compiled expression, immutable and safe for concurrent use.
type Expression struct {
	compiler *compiler
	node     Node
	program  program
}

// Options tells Compile how to understand an expression.
type Options struct {
	// SingleAs makes as() on several items the error that FHIRPath says it is.
	// Otherwise as() filters like ofType(), as the search parameters and
	// invariants of R4 need it.
	SingleAs bool
}

// Compile parses an expression and binds it to the types of a FHIR version.
// It fails with a *domain.Error that names the column if the grammar is broken or
// a function or type does not exist.
func Compile(d *definitions.Definitions, text string, options Options) (*Expression, error) {
	node, err := Parse(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{text: text, definitions: d, singleAs: options.SingleAs, defines: strings.Contains(text, "defineVariable")}
	program, err := c.compile(node)
	if err != nil {
		return nil, err
	}
	return &Expression{compiler: c, node: node, program: program}, nil
}

// Node returns the parsed form.
func (e *Expression) Node() Node { return e.node }

// String returns the text that was compiled.
func (e *Expression) String() string { return e.compiler.text }

// Eval evaluates the expression. The items of the result may lie in the
// context's resources and variables, which must not change as long as they are
// in use. An error is a *domain.Error, or what a function of the context
// returned.
func (e *Expression) Eval(context Context) (Collection, error) {
	return e.Append(nil, context)
}

// Append is Eval with the items appended to dst, which saves the allocation.
func (e *Expression) Append(dst Collection, context Context) (Collection, error) {
	r := runs.Get().(*run)
	defer r.release()
	r.begin(context)
	return e.program(r, dst)
}

// Test evaluates a rule, such as an invariant, to whether it holds. Not known is
// what gives no items: R4's ref-1 says nothing about a Reference without
// reference. What gives something other than a single boolean holds, since STU3
// writes | for or.
func (e *Expression) Test(context Context) (holds, known bool, err error) {
	r := runs.Get().(*run)
	defer r.release()
	r.begin(context)
	result, err := e.program(r, r.take())
	if err != nil {
		return false, false, err
	}
	defer r.give(result)
	if len(result) != 1 {
		return len(result) > 1, len(result) > 1, nil
	}
	t, err := e.compiler.truth(result, At(e.node.Offset()), role{text: "the result"})
	return t == yes, t != unknown, err
}
