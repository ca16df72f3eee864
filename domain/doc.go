// Package domain holds the words that every room of fhirlog shares: the
// identifiers of FHIR resources and the one error type that a client may see.
//
// It contains values and pure functions only: no files, sockets, clocks or
// goroutines, and it imports no other room. Its sub-packages each do one job
// on FHIR content (JSON, definitions, validation, events); domain/commit is
// the one that meets the log.
//
// All types are values or immutable after construction and safe for
// concurrent use.
package domain
