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
//	                               value parts of those before it; behind one of a
//	                               column stand [low][high], of a number [low], 8
//	                               bytes each (AppendInt64Component)
//	present     reference          posting  [type of the target]
//	            all others         posting  nothing; none for composites
//	system      token              posting  [mark system]
//	identifier  reference          posting  as a token
//	text        token, string, reference  posting  [text from the beginning of a word on, normalized]
//	                                               [2] where a text has more words than that
//	of-type     token              posting  [value][code of the type][system of the type]
//	forward     reference          forward  nothing; target: value part of the reference's posting
//
// The present aspect of a reference has an empty type where the type of the
// target is not known; that of a reference by URL is known where the URL ends in
// Type/id, or Reference.type says it. Forwards are made of references of a known
// type, of those by URL and of canonicals, but not of contained resources, nor of
// references by URN. Canonicals are followed to every resource with that URL in its
// element url and, where they name a version, that version.
// A canonical with a fragment has two postings, with version and with
// version#fragment. Keys of the text aspect have 48 bytes at most, and are made of
// the first 12 words of a text. Three slots stand apart: see SlotType, SlotContent
// and SlotText, whose words have 2 to 40 bytes. Texts above MaxKeyText are cut or
// stand as digests (AppendStringValue, AppendTokenValue).
//
// # From a resource to values
//
// A parameter's expression is compiled to paths (path.go, path_compile.go): member
// names, conditions and types, checked against the definitions. The paths of all
// parameters of a type are merged into one tree (tree.go), and one walk over a
// resource (extract.go) follows them all and gathers words on the way; an action
// (action.go) turns what a path leads to into values. Composites are put together
// at their element (composite.go). An expression that is no path is left to the
// FHIRPath engine (engine.go). errata.go corrects what the specification cannot
// mean as it is published.
//
// Changing any of this, or the order of slots, means a new LayoutVersion, and an
// index that is computed anew.
//
// All types are immutable once made, and safe for concurrent use, except Values
// while they are filled.
package search

// LayoutVersion is the version of the index values.
const LayoutVersion = 2
