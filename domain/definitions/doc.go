// Package definitions holds the facts of each FHIR version that fhirlog
// serves: types with their elements, codes of required bindings, search
// parameters, compartments, operations and invariants.
//
// They are data, not code: the tables are generated from HL7's npm packages
// (see generate) and embedded, about 0.4 MB for all versions together. Load
// reads types and codes, which every write needs; the other tables are read
// at their first use. Where FHIR versions differ, the difference is in the
// tables, and no code here asks for the version.
//
// Everything that Load gives is immutable and safe for concurrent use.
// Validation, search and terminology are built on these tables elsewhere.
package definitions
