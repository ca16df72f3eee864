// Package feed is what an auditor, or a program that follows the log, is told of
// its events: one Entry per event, in one form for machines and one for people.
//
// # For machines
//
// An entry is an event of CloudEvents 1.0 in JSON
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md),
// in one line:
//
//	specversion  "1.0"
//	id           the position, in decimal: ids are in the order of the log
//	source       names the log
//	type         fhirlog.resource.created, .updated, .patched, .deleted, .erased,
//	             .history-purged; fhirlog.job.changed, fhirlog.parameter.changed,
//	             fhirlog.ids.erased
//	subject      Patient/1; a job's id; nothing for what is about neither, or a resource
//	             whose id is erased
//	time         the instant of its commit
//	data         from         the entry accounts for the positions from here to its own:
//	                          those between were not asked for, or are not to be seen
//	             position     the number that is the id
//	             commitEnd    true for the last event of its commit
//	             interaction  create, update, patch, delete, hard-delete,
//	                          purge-history, administer
//	             resourceType, idErased
//	                          the type, and true: of a resource whose id is erased
//	             version      the version that it writes; of an erasure the last there was
//	             previous     the position of the version before
//	             author       who asked, or what of the server itself (event.ByJobs);
//	                          left out when that is not known
//	             requestId    the server's id of the request
//	             agent        the client's program, as it calls itself (User-Agent)
//	             address      its IP address
//	             reason       why, as it said (X-Reason); all three are left out likewise
//	             content      present, none, or erased: nothing answers with the version
//	                          any more, as it was hard deleted or purged, or replaced
//	                          where no history is kept
//	             resource     the resource as it is read, if bodies were asked for and
//	                          the content is present
//	             details      the same for what is about no resource
//
// Between entries, and at the end, stand marks of type fhirlog.log.reached: all
// positions from data.from to before data.next are accounted for. So whoever reads
// sees that there is no gap: each entry and mark begins where the one before ended.
//
// # For people
//
//	12  2026-03-01T10:00:00.000Z  updated  Patient/1 version 2  author …  request …  address …  agent "…"  reason "…"
//
// An Entry holds no content of a resource unless it was asked for. Everything here is
// pure and safe for concurrent use.
package feed
