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
// # Concurrency
//
// Run is the one writer. All other methods are safe for concurrent use.
package projections
