// Package current keeps the current state of every resource: where its newest
// version is in the log, and where the versions before it are.
//
// The state of a resource is a row of unsigned varints:
//
//	position   of the current version (its deletion is a version too)
//	version    its number
//	flags      bit 0 deleted
//	kept       versions that can be read, the current one included
//	touched    position of the last event that concerned the resource
//
// Versions that are kept and not current have one key each; both kinds of keys
// are drawn in package keys. A version that is not kept any more (its history
// was purged, it was replaced under the policy no-version) has no key.
//
// An event whose id was erased is passed over: nobody can ask for what it is about.
//
// Applying an event twice changes nothing: an event at or before touched is
// passed over. Within a batch the keys of old versions are written before the
// rows, so a row on disk proves that all before it is there.
package current
