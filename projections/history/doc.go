// Package history keeps, for each type and for the whole system, the set of
// positions that wrote a version: history of a type is a walk over its set.
//
// Positions fall into blocks of 65,536. A set of one block is a roaring bitmap
// of the low 16 bits. The newest block, the head, lives in memory and is written
// every FlushEvery positions and when the next block begins; older blocks are
// written once and change only when versions are erased, purged or not kept.
// The cursor says up to which position the written sets are complete: after a
// stop of any kind the log is applied again from there, and adding a position
// twice changes nothing.
//
// A version whose id was erased is in no set: the event that erased it comes later.
//
// Who counts or walks may still see positions that were taken out lately (Removed):
// they are put back into what was read, for that answer alone.
//
// The size of every set of a block is kept in memory (4 bytes each), so that a
// total over any range of positions reads at most two sets.
//
// An Applier's methods belong to one goroutine; Count and Walk are safe for
// concurrent use with it.
package history
