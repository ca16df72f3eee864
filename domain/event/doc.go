// Package event holds what the log says in FHIR terms: one Event per record,
// and its explicit, versioned form on disk.
//
// An Event is the metadata of a record. The payload, the body of a resource,
// is the record's body and is described by package resource. Everything that
// stays readable after a body has been erased is here; so an Event never holds
// content of a resource beyond its type and id.
//
// # Format
//
// The metadata of a record is
//
//	schema   1 byte   1 = this layout, for kinds 1 to 4; 2 = the same layout, for
//	                  the administrative kinds 5 and 6, which are about no resource
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
//
// and nothing after it. Numbers take as few bytes as they can, and an id that is
// a ULID is always written in 16 bytes, so that an event has one form. A reader
// refuses any other, and an unknown schema, kind, interaction or flag: an old
// program must not misread a newer log. A new need gets a new schema number; old
// ones stay readable for ever.
//
// Names in the log are these numbers and the names of the FHIR specification,
// never names of Go types. Events are values, safe for concurrent use.
package event
