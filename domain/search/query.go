package search

import "fhirlog/domain"

// Query is a search, parsed and checked. It is immutable and safe for
// concurrent use.
type Query struct {
	// Scopes are searched together: one for each type, or a single one for all.
	// A query whose types are all unknown has none and finds nothing.
	Scopes []Scope
	// Parsed is what each scope asks for in terms of FHIR, in the order of Scopes.
	Parsed []ScopeCriteria
	// Sort orders the matches; none given is the order of positions.
	Sort []SortKey
	// Count is the page size that was asked for, -1 if none was.
	Count int
	Total TotalMode
	// Identity tells this query from all others, whatever page of it is asked for;
	// results may be kept under it. Empty: they are not.
	Identity string
	// AsOf, if not empty, is the instant or position to search as of, as written.
	AsOf string
	// Token is the paging token (ct), as written.
	Token string

	Include, RevInclude []Include
	// IncludesCount bounds the included resources of a page; 0 if not given.
	IncludesCount int
	Explain       bool

	// Applied are the parameters that were used, in the order they were written:
	// what the self link shows. Result parameters belong to them.
	Applied []Pair
	// Criteria counts the parameters that select resources.
	Criteria int
	// Warnings tell of parameters that were left out, and the like.
	Warnings []domain.Issue
	// Walks says that the number of matches is not known without looking at values
	// one by one, so that it is not told unless asked for.
	Walks bool
}

// Pair is a parameter as it stands in a URL, decoded.
type Pair struct{ Name, Value string }

// TotalMode says whether the number of matches is told.
type TotalMode uint8

// The modes of _total. TotalEstimate is answered exactly.
const (
	TotalDefault TotalMode = iota // where it costs no walk
	TotalNone
	TotalAccurate
	TotalEstimate
)

// SortKey is one key of _sort.
type SortKey struct {
	Code       string // as written, without '-'
	Descending bool
	By         SortBy
	// Slots has the slot of the parameter for each scope of the query, in their
	// order; 0 where the type does not have it. It is nil for _id, _lastUpdated
	// and _type.
	Slots []Slot
	// Keep narrows the values for each scope, by their value part, where the
	// parameter shares its slot with a wider one; nil keeps all, as does a nil list.
	Keep []func(value []byte) bool
}

// SortBy says what a SortKey compares.
type SortBy uint8

// What is compared. A column is ordered by its low value ascending, and by its
// high value descending; postings by their value part. A version with several
// values is placed by its least one ascending, its greatest descending; one
// without value stands first ascending, last descending.
const (
	SortPostings SortBy = iota + 1
	SortColumn
	SortLastUpdated
	SortID
	SortType
)

// Include is one _include or _revinclude.
type Include struct {
	Source domain.ResourceType // "" is the wildcard: every type
	Code   string              // of the reference parameter; "" is the wildcard
	Target domain.ResourceType // "" is any
	// References are the parameters that are followed, resolved.
	References []IncludeReference
	Iterate    bool
}

// IncludeReference is one reference parameter of one type.
type IncludeReference struct {
	Source    domain.ResourceType
	Code      string
	Reference Reference
}
