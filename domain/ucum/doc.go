// Package ucum reads unit codes of the Unified Code for Units of Measure and
// tells how they convert (https://ucum.org/ucum).
//
// Parse understands the whole grammar of case-sensitive codes: prefixes,
// products, quotients, exponents, parentheses and annotations. The units it
// knows are those of medicine and everyday life, see table.go; logarithmic units
// such as pH count as units of their own kind, convertible to nothing else.
//
// All factors are exact fractions, so that conversion there and back gives the
// same value. What UCUM itself only measures or rounds ([pi], mol) is the
// rounded number of its table.
//
// A Unit is immutable and safe for concurrent use.
package ucum
