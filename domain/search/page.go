package search

import "fhirlog/domain"

// PageRequest asks for one page of the matches of a query.
type PageRequest struct {
	Query *Query
	// Snapshot is the number of records that the answer may see. Pages of one
	// search share it, so that none repeats or loses a match, and a past instant is
	// searched by its number of records.
	Snapshot uint64
	// Horizon is the number of records whose erasures count: what a later event erases,
	// purges or replaces answers still. It is what was applied when the answer began, at
	// least Snapshot, and the same for all steps of one answer, so that it is of one
	// moment. 0 means what is applied when the question comes.
	Horizon uint64
	// Cursor is where the page begins, as an earlier page gave it. It means
	// something only together with the same query and snapshot.
	Cursor    uint64
	HasCursor bool // false: the first page
	Count     int  // matches at most; 0 asks for the total only
	Total     bool // the number of all matches is wanted, also if it costs a walk
}

// Page is the answer to a PageRequest.
type Page struct {
	Matches []uint64 // positions of the matching versions, in the order asked for
	Total   int      // of all matches; -1 if it was not counted
	// Next and Previous are the cursors of the pages after and before, where
	// there are such pages.
	Next, Previous       uint64
	HasNext, HasPrevious bool
	Explain              []string // how it was evaluated, if the query asks for that
}

// IncludeRequest asks for what a page of matches includes.
type IncludeRequest struct {
	Query    *Query
	Snapshot uint64
	Horizon  uint64   // as in the PageRequest
	Matches  []uint64 // of the page
	Skip     int      // included resources to pass over: those of earlier answers
	Limit    int      // included resources at most
}

// Included is the answer to an IncludeRequest: positions of versions, none of
// them a match, each once.
type Included struct {
	Positions []uint64
	More      bool // there are more than the limit
	Circular  bool // iteration met what was there already
}

// Found is one resource that meets the criteria of a conditional interaction.
type Found struct {
	Type     domain.ResourceType
	ID       domain.LogicalID
	Position uint64 // of its current version
	Version  domain.VersionID
}
