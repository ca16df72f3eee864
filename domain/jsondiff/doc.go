// Package jsondiff finds what changed between two JSON values, such as two versions
// of a resource.
//
// The result is a list of Changes that reads both ways: each says where, before and
// after, for a person; and all of them, in order, are the operations of a JSON Patch
// (RFC 6902) that makes the former value the latter.
//
// Members of objects are compared by name, in any order. Elements of arrays are
// aligned: those that are equal and in the same order stay, as many of them as
// possible unless the arrays are very long; what lies between is compared one by one,
// and the rest is added or removed. Numbers are compared digit by digit, as 1.0 and
// 1.00 are not the same in FHIR.
//
// All functions are pure and safe for concurrent use. Time and memory are bounded by the
// sizes of the values; see mostAligned.
package jsondiff
