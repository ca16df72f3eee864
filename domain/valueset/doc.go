// Package valueset tells whether a code is in a value set
// (https://hl7.org/fhir/R4/valueset.html).
//
// Compile reads a ValueSet with the code systems and further value sets that it
// is made of, which a Source finds. The answer to a question is Inside, Outside,
// or Unknown with a reason: code systems such as SNOMED CT have no place in a
// definition, and a server that does not have them must say so rather than guess.
//
// Read are enumerated codes, whole code systems, filters by hierarchy and by
// property, value sets of value sets, exclusions, and expansions where the
// composition is not known to the end. Sizes and depths are bounded.
//
// Left to others: displays and designations, expansion for clients, and which
// code systems there are.
//
// A Set is immutable and safe for concurrent use.
package valueset
