// Package resource describes one version of a resource: how posted JSON
// becomes the stored body, how the stored body is read back, and what a page
// of history is.
//
// # The stored form
//
// A stored body is the posted JSON without insignificant white space. Order of
// members, escapes in strings and every digit of numbers stay as posted. Only
// these differ:
//
//   - id holds the id on this server; where it was missing it follows
//     resourceType;
//   - meta is always there; where it was missing it is the empty object after id;
//   - meta.versionId and meta.lastUpdated are left out, since the log assigns them.
//     The event keeps the offset just behind `"meta":{`, and a read puts both
//     members there.
//
// So a body can be compressed and committed to before its version and instant
// are known, a read costs one copy, and two bodies hold the same content
// exactly when their trees are equal.
//
// All functions are pure and safe for concurrent use.
package resource
