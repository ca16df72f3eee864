package tables

// Content is everything that one file holds.
type Content struct {
	FHIRVersion      string
	Types            []Type
	ValueSets        []ValueSet
	SearchParameters []SearchParameter
	Compartments     []Compartment
	Operations       []Operation
	Invariants       []Invariant
	// Extensible are the value sets of extensible bindings that can be listed and are
	// not among ValueSets.
	Extensible []ValueSet
}

// Kind says what sort of thing a Type is.
type Kind uint8

// The kinds of type. A Backbone is the group of elements below an element
// such as Patient.contact; its name is that path.
const (
	Primitive Kind = iota
	Complex
	Backbone
	Resource
)

// JSONKind is the JSON form of a primitive type's value.
type JSONKind uint8

// The JSON forms. NotPrimitive stands for all types that are objects.
const (
	NotPrimitive JSONKind = iota
	JSONString
	JSONNumber
	JSONBoolean
)

// Type is one FHIR type with its elements in the order of the specification.
type Type struct {
	Name     string
	Kind     Kind
	Abstract bool
	Profile  bool // a constraint on Base that serves as a type, such as SimpleQuantity; its elements are those of Base
	Base     string
	JSON     JSONKind
	Regex    string // of a primitive, as published
	Elements []Element
}

// Unbounded is the Max of an element that repeats without limit.
const Unbounded = -1

// Element is one element of a type.
type Element struct {
	Name             string // without the [x] of a choice
	Min              int
	Max              int // Unbounded for *
	Choice           bool
	Summary          bool
	Modifier         bool
	Backbone         bool // its type is the Backbone named by its path
	Types            []TypeRef
	ContentReference string // path of the element whose definition is used here
	Representation   string // XML form other than an element: xmlAttr, xhtml
	Binding          *Binding
}

// TypeRef is one of the types of an element.
type TypeRef struct {
	Code     string
	Targets  []string // of a Reference or canonical: type names, or profile URLs
	Profiles []string // profiles that the value has to meet, such as SimpleQuantity
}

// Binding ties an element to a value set.
type Binding struct {
	Strength    Strength
	ValueSet    string // canonical URL without version
	MaxValueSet string
}

// Strength is how binding a value set is.
type Strength uint8

// The binding strengths. A Binding is never Unbound.
const (
	Unbound Strength = iota
	Example
	Preferred
	Extensible
	Required
)

// ValueSet is the codes of one value set that a binding names.
type ValueSet struct {
	URL    string
	Open   bool // its codes cannot be listed: UCUM, media types, languages
	Groups []CodeGroup
}

// CodeGroup is the codes that a value set takes from one code system, sorted.
type CodeGroup struct {
	System string
	Codes  []string
}

// SearchParameter is one search parameter of the specification.
type SearchParameter struct {
	URL        string
	Code       string
	Type       string   // token, string, date, reference, quantity, number, uri, composite, special
	Base       []string // resource types, also abstract ones
	Expression string   // FHIRPath; empty for a few
	Targets    []string
	Components []Component
	Comparator []string
	Modifier   []string
	Mode       string // xpathUsage or processingMode other than normal
	SingleOr   bool   // multipleOr is false
	SingleAnd  bool   // multipleAnd is false
	Status     string
	Constraint string
}

// Component is one part of a composite search parameter.
type Component struct {
	Definition string // URL of the search parameter
	Expression string
}

// Compartment is one compartment definition.
type Compartment struct {
	Code      string // the type that the compartment is of
	URL       string
	Resources []CompartmentResource
}

// CompartmentResource says by which search parameters a resource type belongs
// to a compartment. "{def}" stands for the resource itself.
type CompartmentResource struct {
	Type       string
	Parameters []string
}

// Operation is one operation definition.
type Operation struct {
	URL        string
	Code       string
	Resources  []string
	System     bool
	Type       bool
	Instance   bool
	Affects    bool // changes state
	Query      bool // a named query, not an operation
	Parameters []OperationParameter
}

// OperationParameter is an input or output of an operation, or a part of one.
type OperationParameter struct {
	Name       string
	Output     bool
	Min        int
	Max        int
	Type       string
	SearchType string
	Targets    []string
	Parts      []OperationParameter
}

// Invariant is a rule that holds for an element.
type Invariant struct {
	Path         string // of the element
	Key          string
	Warning      bool // its breach is a warning
	BestPractice bool
	Expression   string // FHIRPath
	Human        string
}
