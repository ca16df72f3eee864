// Package commit is the one place where domain meets log: it turns commands
// into durable events.
//
// # How a commit goes
//
// Prepare, once, in the caller's goroutine: validate every resource, assign ids,
// rewrite the links of a transaction, bring the bodies into their stored form.
//
// Plan, against the applied state at a snapshot: check preconditions, find out
// what changes nothing, number the versions, compress the bodies.
//
// Decide, in a critical section that only compares numbers: if nothing that the
// plan relied on was written since its snapshot, the batch goes to the log, which
// assigns positions and the instant. Otherwise the commit waits until that write
// is applied and plans again. So versions cannot race, and all costly work runs
// in parallel.
//
// Wait until the batch is durable and applied, and answer.
//
// # Promises
//
// A commit is visible entirely or not at all. When Commit returns without an
// error, the change is durable, and whoever asks next sees it. When it returns
// an error of kind Timeout or Unavailable after the decision, the outcome is
// unknown to the caller, and the log has the commit entirely or not at all.
//
// A Service is safe for concurrent use.
package commit
