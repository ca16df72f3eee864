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
// # Concurrency
//
// Run is the one writer. All other methods are safe for concurrent use.
package projections
