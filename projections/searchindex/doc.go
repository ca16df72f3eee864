// Package searchindex keeps the search index of a log: for each version of a
// resource the values it is found by, under keys that domain/search makes. It
// knows positions, keys, postings and columns, and nothing of FHIR's types or of
// what a key means.
//
// # A log of its own
//
// A document is one version, and its id is its position in the log. What a
// version is found by never changes, so the index only grows. Positions fall into
// blocks of 16,384. The newest block, the head, is kept in memory; a full block
// is written once, in the background, key by key:
//
//	posting   the set of positions within the block that have the key (posting.go)
//	column    positions with a number, or a span of numbers, each (column.go)
//	forward   positions with the targets of their references (forward.go)
//	endings   which versions of another block ended by events of this one (endings.go)
//
// The cursor follows last, so that after a crash the log is applied again from the
// beginning of the first block that is not whole. A clean stop saves the head
// (saved.go), and a start has nothing to apply again.
//
// # Any instant costs the same
//
// A version ends by the event that supersedes or deletes it. Versions that have
// ended are a set per block in memory, the dead; a search at the newest snapshot
// leaves them out. A search as of an earlier snapshot takes the endings by later
// events back: those of the blocks in memory at once, those of other blocks from
// the store. Erased, purged and replaced versions are removed: no snapshot finds
// them. Nothing else differs between now and then.
//
// A search that began before a removal does not see it: the latest removals are kept
// in memory (recent.go), and those beyond its horizon are undone. A search of which
// not all are there any more fails.
//
// # Evaluation
//
// An expression becomes operators (operator.go). Postings are united over all
// blocks first, as their sizes are known; the smallest of an And decides which
// blocks are looked at, and columns are read only there and only as far as the page
// needs. Blocks are bit sets of 2 kB.
//
// # Concurrency
//
// Apply and Save belong to the applier, Write to one goroutine beside it. All other
// methods are safe for concurrent use with them and with each other; a search
// sees the records below its snapshot, whatever is applied meanwhile.
package searchindex
