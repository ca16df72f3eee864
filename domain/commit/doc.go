// Package commit is the one place where domain meets log: it turns commands
// into durable events.
//
// # How a commit goes
//
// Prepare, once, in the caller's goroutine: validate every resource, assign ids,
// rewrite the links of a transaction, bring the bodies into their stored form,
// extract their index values.
//
// Plan, against the applied state at a snapshot: search for what criteria select,
// apply patches to what is current, search for what conditional references mean,
// make the bodies that depend on all that, check preconditions, find out what
// changes nothing, number the versions, compress the bodies. A later plan makes only
// those bodies anew whose patched version is another one than before, or whose links
// or ids lead elsewhere.
//
// Decide, in a critical section that only compares numbers: if nothing that the
// plan relied on was written since its snapshot, the batch goes to the log, which
// assigns positions and the instant. Otherwise the commit waits until that write
// is applied and plans again. So versions cannot race, and all costly work runs
// in parallel.
//
// Wait until the batch is durable and applied, and answer.
//
// # What a search relies on
//
// A plan that rests on a search holds as long as the search has the same answer.
// A match is lost when the resource that matched is written, which the decider
// knows of every resource. A match may be gained
//
//   - by content with one of certain index values, if the query names values or ids
//     that every match must have: an identifier, say;
//   - by any content of the type, if it does not: the beginning of a name, a date, a
//     negation;
//   - by any write at all, if the answer depends on other resources: chains, _has,
//     lists, and what a deletion includes.
//
// Every commit therefore leaves hashes of the index values of its content with the
// decider (ring), for as long as a plan can be old. Only commits that rest on
// searches look at them. So of equal conditional creates at once, one makes the
// resource, and the others find it.
//
// Each time somebody loses, somebody else has won. Patches of one resource that have
// lost stand in line (lines), as only one of them can win with each sync. And since a
// search that any write to a busy type invalidates could lose for ever, a commit takes
// the turn of the decider before it plans after a few lost plans (patience): it waits
// until all that is ordered is applied, and what it then plans holds. The others wait
// for a sync.
//
// # Promises
//
// A commit is visible entirely or not at all. When Commit returns without an
// error, the change is durable, and whoever asks next sees it. When it returns
// an error of kind Timeout or Unavailable after the decision, the outcome is
// unknown to the caller, and the log has the commit entirely or not at all.
//
// The log is what would result from carrying out its commits one after the other,
// each with all that its criteria select at its place.
//
// A Service is safe for concurrent use.
package commit
