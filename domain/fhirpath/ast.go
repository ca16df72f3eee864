package fhirpath

// Node is a part of a parsed expression: one of the types of this file, as a
// pointer. Nodes are read-only once Parse has returned them.
//
//	Patient.telecom.where(system = 'phone').value
//
//	Member value
//	└─ Call where
//	   ├─ Member telecom
//	   │  └─ Member Patient       Of is nil: the first step of a path
//	   └─ Binary =
//	      ├─ Member system        Of is nil
//	      └─ Literal 'phone'
type Node interface {
	// Offset is the byte of the text at which the node's own token stands: the
	// name of a member or function, the sign of an operator.
	Offset() int
	// String writes the expression that the node stands for. Parsing it gives
	// an equal tree.
	String() string

	print(dst []byte) []byte
}

// At is the place of a node in the text, as a byte offset.
type At int

// Offset returns the byte offset.
func (a At) Offset() int { return int(a) }

// Literal is a constant: a boolean, string, number, date, time or quantity.
type Literal struct {
	At
	Value System
}

// Empty is {}, the collection without items.
type Empty struct{ At }

// Variable is %name, also spelled %`name` and %'name'.
type Variable struct {
	At
	Name string
}

// Special is one of $this, $index and $total.
type Special struct {
	At
	Name string // with the dollar sign
}

// Member is the step to the elements of a name. At the start of a path it may
// also name the type of what the path starts from, as Patient does in
// Patient.name; only the evaluation can tell.
type Member struct {
	At
	Of   Node // nil at the start of a path: the step is taken from $this
	Name string
}

// Call is the call of a function, such as exists(), except for the functions
// that take a type, for which there is Typed.
type Call struct {
	At
	Of   Node // nil at the start of a path: the function is called on $this
	Name string
	Args []Node
}

// Typed is what takes a type: the operators is and as, and the functions is(),
// as() and ofType().
type Typed struct {
	At
	Of       Node   // nil for a function at the start of a path
	Op       string // Is, As or OfType
	Type     TypeName
	Function bool // spelled as a function
}

// The operations of Typed.
const (
	Is     = "is"
	As     = "as"
	OfType = "ofType"
)

// TypeName is the name of a type as it was written.
type TypeName struct {
	Namespace string // "FHIR", "System" or, if none was written, ""
	Name      string // such as "Quantity"; of a backbone its path
}

// Indexer is Of[Index].
type Indexer struct {
	At
	Of, Index Node
}

// Unary is a sign before a term.
type Unary struct {
	At
	Op string // "+" or "-"
	Of Node
}

// Binary is an operator between two operands: one of
//
//   - / div mod + - & | < <= > >= = ~ != !~ in contains and or xor implies
type Binary struct {
	At
	Op          string
	Left, Right Node
}
