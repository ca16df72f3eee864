package search

import (
	"time"

	"fhirlog/domain"
)

// Ask is a search as it was asked for, before anything of it is understood.
type Ask struct {
	// Types are those in the path: one for a search on a type, none for one on the
	// whole system.
	Types []domain.ResourceType
	// Compartment and CompartmentID restrict the search to the compartment of one
	// resource (https://hl7.org/fhir/R4/compartmentdefinition.html); without Types
	// all types of the compartment are searched.
	Compartment   domain.ResourceType
	CompartmentID domain.LogicalID
	// Pairs are the parameters, decoded, in the order they were written.
	Pairs []Pair
	// Strict makes an unknown parameter an error instead of a warning
	// (Prefer: handling=strict).
	Strict bool
	// Conditional says that a write depends on the criteria: each must be known and
	// usable, and of the result parameters only _count, _include, _revinclude and
	// _includesCount are taken. Criteria without any value are not an error; Query.Criteria
	// is 0 then.
	Conditional bool
	// PartialIndices lets parameters be used whose values are not all indexed yet.
	PartialIndices bool
	// Bases are the URLs of this service, each ending in a slash.
	Bases []string
	// Now is the instant that the prefix ap measures from.
	Now time.Time
	// MostCount caps _count, and MostIncludes caps _includesCount; 0 means 1000.
	MostCount, MostIncludes int
}

// The limits of one search. They keep what a client can make the server hold
// and compute for one request far below what is noticed.
const (
	maxPairs       = 200  // parameters
	maxOperands    = 1000 // values of all criteria together, those of a chain included
	maxLookups     = 20000
	maxChain       = 10 // steps of a chain, also through _has
	maxFilterDepth = 50 // parentheses and nots within each other in _filter
	maxSortKeys    = 10
	maxIncludes    = 50 // _include and _revinclude together
	defaultMost    = 1000
)

func (a *Ask) mostCount() int {
	if a.MostCount > 0 {
		return a.MostCount
	}
	return defaultMost
}

func (a *Ask) mostIncludes() int {
	if a.MostIncludes > 0 {
		return a.MostIncludes
	}
	return defaultMost
}
