// Package event holds what the log says in FHIR terms: one Event per record,
// and its explicit, versioned form on disk.
//
// An Event is the metadata of a record. The payload, the body of a resource,
// is the record's body and is described by package resource. Everything that
// stays readable after a body has been erased is here; so an Event never holds
// content of a resource beyond its type and id. A reason is for whoever gives it to
// keep free of patients' data: it stays as long as the log does.
//
// # Format
//
// The metadata of a record is
//
//	schema   1 byte   1 = this layout up to author, for kinds 1 to 4; 2 = the same, for
//	                  the administrative kinds 5 to 7, which are about no resource;
//	                  3 = all of it, for any kind; 4 = all of it, what is left of an
//	                  event of kinds 1 to 4 whose id was erased: id and metaAt are empty
//	kind     1 byte   see Kind
//	interaction 1 byte see Interaction
//	flags    1 byte   bit 0 drops the previous version, bit 1 the id is a ULID in
//	                  16 bytes, bit 2 the request id is a ULID in 16 bytes
//	version  uvarint  the version that the event writes; for Erased and
//	                  HistoryPurged the last version there was
//	previous uvarint  0 = none, else 1 + position of the version before
//	metaAt   uvarint  Written: where versionId and lastUpdated go in the body
//	type     uvarint length, bytes
//	id       16 bytes, or uvarint length, bytes
//	request  16 bytes, or uvarint length, bytes
//	author   uvarint length, bytes
//	agent    uvarint length, bytes: the client's program, as it calls itself
//	address  uvarint 4 or 16, bytes: the client's IP address; 0 = not known
//	reason   uvarint length, bytes: why, as the client says
//
// and nothing after it. The last three are in schemas 3 and 4; an event that has none of
// them stands in schema 1 or 2, so that nothing is paid for what is not known. Numbers take as few
// bytes as they can, an id that is a ULID is always written in 16 bytes, and an IPv4
// address in 4, so that an event has one form. A reader
// refuses any other, and an unknown schema, kind, interaction or flag: an old
// program must not misread a newer log. A new need gets a new schema number; old
// ones stay readable for ever.
//
// What clients may have written into author, agent and reason, and how long that may
// be, is the business of those who write (CheckText, Clean); a reader takes any text.
//
// Names in the log are these numbers and the names of the FHIR specification,
// never names of Go types. Events are values, safe for concurrent use.
package event
