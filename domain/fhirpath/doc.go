// Package fhirpath evaluates FHIRPath on FHIR JSON: the whole language of N1
// with what R5 uses of 2.0, and the functions that FHIR adds
// (https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html).
//
// Parse turns a text into a tree of Nodes, which others may read: search compiles
// its parameters from them. Compile binds a tree to the types of a FHIR version,
// which say what is a primitive, a choice or a Quantity. Eval runs it in a
// Context, where everything from outside comes from: the resource, variables, the
// time, and functions for references, terminology and profiles.
//
//	text ── Parse ──> Node ── Compile ──> Expression ── Eval(Context) ──> Collection of Items
//
// An Item of the result knows its type and its place in the JSON tree, for
// messages and patches, or is a System value that was calculated. Places turns
// the one into FHIRPath, AppendFHIR the other into FHIR.
//
// The package promises:
//
//   - Every evaluation ends. Steps, the size of collections and strings, digits
//     and regular expressions are bounded (Limits), and the errors say so. Whoever
//     wants it to end earlier is asked now and then (Context.Stopped).
//   - Decimals are exact; a quotient has 34 digits. Dates and times compare as
//     far as they are precise, and are empty beyond that. Quantities compare
//     across units (domain/ucum).
//   - Errors are of type *domain.Error. They name the column of the expression
//     and never quote content of a resource.
//
// Where FHIR's own expressions, HL7's tests and the specification disagree,
// these are the choices:
//
//   - as() and ofType() take primitives of the very type only, other elements of
//     derived types too; is() takes derived types always.
//   - as() on several items filters like ofType(), unless Options.SingleAs.
//   - Elements that a type does not have are empty; Check finds them.
//   - resolve() gives a placeholder with a type for what nobody could fetch.
//
// Left to others: whether a result is right for a search parameter or an
// invariant, and everything that takes a network or a clock.
//
// # Inside
//
// Compile makes a closure of each node, a program, which appends its items to a
// collection. Programs share a run: the scope ($this and so on), the steps that
// are left, and buffers for collections in between, so that plain paths allocate
// nothing. functions.go is the table of functions; those that evaluate an
// argument for each item stand in fn_criteria.go.
//
// Expressions and everything reachable from them are immutable and safe for
// concurrent use.
package fhirpath
