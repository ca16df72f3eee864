// Package replay reads the log from any position and derives things from it again, for
// operators and auditors:
//
//   - Rebuild and Compare: the projections, and whether two folders of them agree;
//   - Feed: what happened, event by event, of a log that is being written to or not;
//   - Archive: a log that no server is running on, read without changing a byte of its
//     folder: the Life of one resource, the Revisions between two moments, and an Index
//     to search in;
//   - FindErasures: what a compaction has to remove; an ErasureAudit, and FindLost: whether
//     an event has taken all that is gone.
//
// Projections are computed by the very functions of the running server, in package
// projections, so that what is rebuilt is what the server would have, key by key and
// value by value. The rest needs no projections, but for what a live server says can
// still be seen; an Archive finds that out from the log alone.
//
// Nothing here shows the content of a version that was erased, purged or replaced,
// whether its bytes are still there or not.
//
// It only reads the log. A folder of projections belongs to one process at a time.
package replay
