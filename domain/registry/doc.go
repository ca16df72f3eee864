// Package registry knows what the log says about search parameters: which ones
// clients have defined, in what state each is, and which jobs bring the index up
// to date. A Registry is a pure function of the events, so that every node, and
// every replay, has the same.
//
// # Numbers
//
// The life of a search parameter in the index is a number, which gives its slot
// (package search). It begins with the event that defines the parameter, changes
// what of it the index depends on, or switches it on again, and it ends with the
// event that deletes it, switches it off, or changes it. A number never comes
// back: what is defined anew is indexed anew.
//
// A version at position x has entries under a number
//
//	from From on        written with the version
//	below From          once a job has completed that covers the number
//	never from Until on
//
// and none any more once a job has completed that began after Until. That is all
// that extraction depends on, so a replay may take the registry as it is at the
// end of the log.
//
// Numbers count the versions of SearchParameter in the log, and what is switched,
// also those that define nothing new: so they do not depend on bodies that may
// have been erased since. A SearchParameter that was hard deleted is forgotten when
// its versions have been; as long as one is not, all its versions keep their
// bodies, also those that were purged (replay.FindErasures).
//
// # States
//
//	Supported           defined; resources from before are not indexed yet
//	Enabled             all are
//	PendingDelete, PendingHardDelete, PendingDisable
//	                    out of force; the index still has its entries
//	Deleted, Disabled   they are gone
//	Unsupported         in the log, and not usable here
//
// # Administrative events
//
// The body of an event.JobChanged is a Job in JSON, that of an
// event.ParameterStatus is an object of URL and state, Supported or Disabled. The
// members are drawn at jobBody; a member that is unknown is an error, since an old
// program must not misread a newer log.
//
// A Registry is immutable and safe for concurrent use. It never looks at
// patients' data.
package registry
