// Package projections follows the log and keeps what is read from it: the
// current state of every resource and the history of resources, types and the
// system. It is the only room that knows Badger, and everything in its folder
// can be deleted: the next start computes the same keys and values from the log.
//
// Bodies are not copied here. A projection keeps positions, and a read takes the
// body from the log.
//
// # Consistency
//
// The applied position is the number of records that reads may see. It moves
// from the end of one commit to the end of a later one, never to the middle, and
// only after all effects are in the store. A read takes it as its snapshot
// first; where it then meets a version that is newer, it walks back to the one
// that was current at the snapshot. So a transaction becomes visible at once,
// although its keys may be written in several steps.
//
// The same with what is removed: erased, purged, or replaced where no history is
// kept. An answer has a horizon, the applied position when it began, and sees what
// later events remove. The search index knows of a removal before anything is gone
// from the sets of a history or from the store, and keeps the latest ones; a read
// looks there after it has read, and finds what it may have missed (moment). So all
// steps of one answer are of one moment, whatever is applied between them.
//
// # Erasure
//
// Once the log has been compacted, bodies of versions that were erased, purged or
// replaced are gone, and their index values cannot be computed again. None is
// missed: no snapshot finds such a version, so no answer depends on what it was
// found by, and wherever a version without a body is met it counts as one without
// values. The folder that was there before still has them, in files of all sorts;
// so a compaction ends with a rebuild, and then the keys are again those that the
// log gives.
//
// A compaction may have taken ids as well, of versions and of the event that erased
// them. What goes by positions applies such events as ever, but that no history and no
// search gets a version without id; the current state, which goes by ids, passes over
// them. Where a stop has lost that an erasure was applied, and not the versions before
// it, with their ids, opening the folder finds their rows by position (unidentified.go).
//
// # Concurrency
//
// Run is the one writer. All other methods are safe for concurrent use.
package projections
