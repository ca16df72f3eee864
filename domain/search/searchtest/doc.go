// Package searchtest answers searches in the plainest way there is, as the
// measure that tests hold the index against.
//
// An Evaluator looks at every version of a World, one after the other, finds the
// elements of a parameter with the full FHIRPath engine, and compares them with
// fractions and calendar times. It knows neither keys nor columns nor sets of
// positions: of domain/search it takes only what a query asks for
// (search.Query.Parsed). So a mistake in extracting values, in compiling a query
// or in the index shows as a difference.
//
// A Maker asks random questions: about values that are there, that are almost
// there, and that are not. A Generator makes resources full of odd values. Both
// give the same again for the same seed.
//
// This is test support and no part of the program. Nothing here is safe for
// concurrent use.
package searchtest
