// Package tables reads the compact files in which fhirlog carries the facts
// of one FHIR version: its types, codes, search parameters, compartments,
// operations plus invariants. It writes them as well, for the generator.
//
// A file is
//
//	magic     8 bytes  "FHIRTAB" and the format version, 1
//	version   string   the FHIR version, such as "4.0.1"
//	count     uvarint  number of sections
//	directory          for each section:
//	            kind      1 byte   see SectionKind
//	            raw       uvarint  length when decompressed
//	            packed    uvarint  length in this file
//	sections           one zstd frame each (with checksum), in the order of
//	                   the directory, and nothing after the last
//
// and a decompressed section is
//
//	strings   uvarint  count, then each length as uvarint, then all the bytes
//	items     uvarint  count, then each item, field by field
//
// where a string in an item is a uvarint index into the section's strings, a
// number is a uvarint, a list is its length and its items, and flags share a
// byte. The type list and the binding of an element repeat much: each stands
// in full where it occurs first, after the number of different ones before it,
// and by that number alone from then on. A string in the header is its length and its bytes. The order of the
// fields is that of the functions in layout.go, which serve both directions,
// so that reading and writing cannot disagree.
//
// Reading is bounds-checked: a damaged file gives an error, never a panic and
// memory in proportion to the section (at most MaxSection bytes) at most.
// What is returned shares one string per section and is not written to again,
// so it is safe for concurrent use.
package tables
