package resource

// HistoryQuery asks for one page of the history of a resource, a type or the
// whole system (https://hl7.org/fhir/R4/http.html#history).
//
// All bounds are positions: whoever asks turns instants into positions first,
// so that a page is a range of the log. Entries come newest first unless
// Ascending.
type HistoryQuery struct {
	// Snapshot is the number of records that the answer may see; pages of one
	// walk share it, so that none repeats or loses an entry.
	Snapshot uint64
	// Horizon is the number of records whose erasures count: what a later event erases,
	// purges or replaces is shown still. It is what was applied when the answer began, at
	// least Snapshot, so that total and entries are of one moment. 0 means what is applied
	// when the question comes.
	Horizon uint64
	// From and Before bound the positions: From ≤ position < Before. Before
	// beyond Snapshot means Snapshot.
	From, Before uint64
	// CurrentAt, if not zero, keeps only versions that were current at some
	// moment between the positions CurrentAt-1 and Before-1 (the _at parameter).
	CurrentAt uint64
	// Start is the position to begin at, inclusive, in the direction of the
	// walk; ignored unless HasStart.
	Start    uint64
	HasStart bool
	// Backward walks against the order, for a previous page; the entries still
	// come in the order asked for.
	Backward  bool
	Ascending bool
	Count     int // entries at most; 0 asks for the total only
}

// HistoryPage is the answer to a HistoryQuery.
type HistoryPage struct {
	Positions []uint64 // of the versions on the page
	// Total counts all versions within the bounds, deletions included; -1 when
	// it is not known without a walk.
	Total int
	// More says that entries follow in the direction of the walk.
	More bool
}
