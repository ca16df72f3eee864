// Package search knows what FHIR search means
// (https://hl7.org/fhir/R4/search.html): which parameters a type has, which index
// values a resource gives, and what a query asks for. It keeps nothing; the
// index itself is projections/searchindex, which knows keys, sets of positions
// and columns, and nothing of FHIR's types.
//
// # Index values
//
// Every value of a version is an entry under a key: slot (4 bytes, of the
// parameter), aspect (1 byte), and the value. A value is made of components,
// each escaped and ended by a zero byte (AppendComponent), of which an aspect
// always has the same number, so that no whole key is the beginning of another.
//
//	aspect      of                 entry    value part of the key
//	value       string             posting  [normalized][exact, empty if the same]
//	            token              posting  [code][mark system]; mark 2 none, 3 given, 4 implied by the element
//	            reference          posting  [id][type][version], or [2 url][version][]
//	            uri, canonical     posting  [uri][version of a canonical]
//	            date               column   nothing; ticks of 100 ns since 1970, from low to before high
//	            number             column   nothing; from low to high, see NumberKey
//	            quantity           column   [code][system][unit]; as number
//	            near               column   nothing; latitude and longitude, see NumberKey
//	            composite          as the last component, whose key follows the
//	                               value parts of those before it
//	present     reference          posting  [type of the target]
//	            all others         posting  nothing
//	system      token              posting  [mark system]
//	identifier  reference          posting  as a token
//	text        token, string, reference  posting  [text from the beginning of a word on, normalized]
//	of-type     token              posting  [value][code of the type][system of the type]
//	forward     reference          forward  nothing; target: value part of the reference's posting
//
// Changing any of this, or the order of slots, means a new LayoutVersion, and an
// index that is computed anew.
//
// All types are immutable once made, and safe for concurrent use, except Values
// while they are filled.
package search

// LayoutVersion is the version of the index values.
const LayoutVersion = 1
