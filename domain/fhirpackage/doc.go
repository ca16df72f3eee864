// Package fhirpackage reads FHIR packages: the gzipped tar archives in which
// profiles, value sets and code systems are published
// (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification).
//
// Read takes an archive from a stream and keeps the StructureDefinitions,
// ValueSets and CodeSystems in its folder package, compressed, by canonical URL.
// Nothing is written anywhere, so paths and links in an archive can do no harm;
// sizes and counts are bounded. Examples and what else packages hold are passed
// over.
//
// A Package is a profile.Library. It is immutable and safe for concurrent use.
package fhirpackage
