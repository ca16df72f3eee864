// Package fhirjson reads FHIR JSON strictly and loses nothing of it.
//
// Parse turns a text into a Document: a flat tree of small nodes over the
// bytes of the text, which stay where they are. Member order, the digits of
// numbers, the spelling of strings and the place of everything remain
// readable; a Value is a cursor into that tree. Changes are made by editing
// the text, not the tree: AppendCompact copies a value without insignificant
// white space and applies a list of Edits on the way.
//
// Parse promises to accept exactly the texts of RFC 8259 that are also
// unambiguous: valid UTF-8 without byte order mark, \u escapes that are whole
// Unicode characters, no two members of an object with the same name (however
// spelled), nothing but white space after the value. What it refuses it
// explains in a SyntaxError, by place and reason and without quoting values,
// which may be a patient's. Time and memory grow linearly with the text
// (objects with very many members: n log n), also for hostile ones, and
// nesting costs no stack.
//
// The rules that FHIR adds to JSON (null only inside arrays, no empty objects
// and so on) belong to domain/validate.
//
// # The tree
//
// Nodes stand in document order, each container directly before its content:
//
//	{"resourceType":"Patient","name":[{"given":["A","B"]}],"active":true}
//
//	0 Object
//	1   resourceType String  next 2
//	2   name         Array   next 7
//	3     Object             next 0
//	4       given    Array   next 0
//	5         String         next 6
//	6         String         next 0
//	7   active       True    next 0
//
// The first child of node i is node i+1 if that one starts before i ends; next
// is the index of the following sibling, 0 for the last. A node is 20 bytes.
//
// A Document is immutable and safe for concurrent use, as long as nobody
// changes the bytes it was parsed from.
package fhirjson
