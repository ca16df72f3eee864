package search

import "fhirlog/domain"

// ScopeCriteria is what one scope of a query asks for, before it is put in
// terms of the index: what a plain evaluator would look at, resource by resource.
type ScopeCriteria struct {
	Type     domain.ResourceType // empty: all types
	Criteria []Criterion         // all of them hold
}

// Criterion is one condition on a resource, as one parameter of a search or one
// test of a _filter gives it.
//
// Criteria without a Parameter are told by their Code:
//
//	_id, _type, _list    Operands have the ids, or the types, in Text
//	_lastUpdated         as a date; the instant is that of the version
//	_content, _text      Operands have what to look for in Words
//	_has                 Source, Reference
//	_filter              Filter
//	_not-referenced      References
//
// Chain is not empty where the Parameter is a reference, and what it leads to
// must match.
type Criterion struct {
	Name      string // as written, with chain and modifier
	Code      string // of the first step of Name
	Parameter *Parameter
	Modifier  Modifier
	// Target is the type of a :[type] modifier, also inside of a chain.
	Target domain.ResourceType
	// Compare is the operator, if the criterion is a test of a _filter.
	Compare Comparison
	// Operands are alternatives: one of them holds; with the modifier not, none
	// does.
	Operands []Operand
	// Chain: a reference leads to a resource that matches one of these.
	Chain []ScopeCriteria
	// Source, of _has: a matching resource of this type refers to the resource
	// through Reference.
	Source    *ScopeCriteria
	Reference *Parameter
	Filter    *Filter
	// References, of _not-referenced, through which nothing refers to the
	// resource; none means any. They are alternatives: one list for each value.
	References [][]*Parameter
}

// Modifier is what stands behind the colon of a parameter's name
// (https://hl7.org/fhir/R4/search.html#modifiers). The name of a type is kept
// in Criterion.Target.
type Modifier string

// The modifiers.
const (
	NoModifier Modifier = ""
	Missing    Modifier = "missing"
	Exact      Modifier = "exact"
	Contains   Modifier = "contains"
	InText     Modifier = "text"
	Negated    Modifier = "not"
	Above      Modifier = "above"
	Below      Modifier = "below"
	ByIdentity Modifier = "identifier"
	OfType     Modifier = "of-type"

	inValueSet    Modifier = "in"
	notInValueSet Modifier = "not-in"
)

// Prefix is the comparison of an ordered value
// (https://hl7.org/fhir/R4/search.html#prefix).
type Prefix string

// The prefixes. A value without one means Equal.
const (
	Equal        Prefix = "eq"
	NotEqual     Prefix = "ne"
	Greater      Prefix = "gt"
	Less         Prefix = "lt"
	GreaterEqual Prefix = "ge"
	LessEqual    Prefix = "le"
	StartsAfter  Prefix = "sa"
	EndsBefore   Prefix = "eb"
	Approximate  Prefix = "ap"
)

// Operand is one alternative of a criterion.
type Operand struct {
	// Text is the alternative as written, escapes resolved, without its prefix.
	Text string
	// Prefix is set for numbers, dates and quantities, and empty for all others.
	Prefix Prefix
	// Parts are those between '|' of a token, quantity, uri or near, escapes
	// resolved.
	Parts []string
	// Components are those of a composite, in their order.
	Components []Operand
	// Words is the condition of _content and _text.
	Words *Words

	number    Decimal // of numbers and quantities
	low, high Ticks   // of dates: from low to before high
	place     centre  // of near
}
