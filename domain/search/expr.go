package search

import (
	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// Expr is a condition on versions of resources in terms of the index: what a
// query is compiled to, and what projections/searchindex evaluates. Expressions
// are immutable and safe for concurrent use; so are the functions in them.
type Expr interface{ expr() }

// And holds where all hold; the empty And holds everywhere.
type And []Expr

// Or holds where one holds; the empty Or holds nowhere.
type Or []Expr

// Not holds where its expression does not.
type Not struct{ Of Expr }

// Match holds for the versions with a posting.
type Match struct {
	Key   []byte // slot, aspect and the value, or its beginning
	Whole bool   // Key is whole; otherwise it is the beginning of all keys that match
	// Keep, if not nil, is asked for the value part of each key found by its
	// beginning (what follows slot and aspect). The value is valid during the call.
	Keep func(value []byte) bool
}

// Between holds for the versions with a value in a column that passes Test.
type Between struct {
	Key   []byte // slot, aspect and the key of the column, or its beginning
	Whole bool
	// Select, if not nil, gives the test for a column by the value part of its
	// key, or nil to leave that column out; it is used instead of Test.
	Select func(value []byte) func(low, high int64) bool
	Test   func(low, high int64) bool
}

// IDs holds for the resources with one of the ids.
type IDs []domain.LogicalID

// Updated holds for versions that were written from an instant to before
// another, in milliseconds since 1970; MinInt64 and MaxInt64 leave a side open.
type Updated struct{ From, Before int64 }

// Chained holds where a reference leads to a resource that matches.
type Chained struct {
	Reference Reference
	Targets   []Scope // what the reference may lead to
}

// Referenced holds for resources that a matching resource refers to (_has).
type Referenced struct {
	Source    Scope
	Reference Reference
}

// Listed holds for the current items of a List (_list).
type Listed struct {
	List  domain.LogicalID
	Bases []string // as in Reference
}

// Unreferenced holds for resources that nothing refers to through the
// references given (_not-referenced); none given means any reference.
type Unreferenced struct {
	References []Reference
	// Where none are given: Bases as in Reference, and the references that hold
	// canonicals.
	Bases      []string
	Canonicals []Reference
}

// Checked holds where Of holds and the resource itself passes Accept; for what
// the index cannot tell alone. Accept is called with the resource as it was
// stored.
type Checked struct {
	Of     Expr
	Accept func(resource fhirjson.Value) bool
}

func (And) expr()          {}
func (Or) expr()           {}
func (Not) expr()          {}
func (Match) expr()        {}
func (Between) expr()      {}
func (IDs) expr()          {}
func (Updated) expr()      {}
func (Chained) expr()      {}
func (Referenced) expr()   {}
func (Listed) expr()       {}
func (Unreferenced) expr() {}
func (Checked) expr()      {}

// Reference is a reference parameter of a type.
type Reference struct {
	Slot Slot
	// Target, if not empty, narrows the references to those to this type: the
	// parameter shares its slot with a wider one.
	Target domain.ResourceType
	// Bases are the URLs of this service: an absolute reference below one of them
	// is a local one. Each ends in a slash.
	Bases []string
	// Canonicals are where an absolute URL leads by canonical URL: to every
	// resource with that URL and, if one is named, that version. None means that it
	// does not.
	Canonicals []Canonical
}

// Scope is the versions of one type that match.
type Scope struct {
	Type  domain.ResourceType // empty: all types
	Where Expr                // nil: all of the type
}
