// Package profile checks resources against profiles: the StructureDefinitions
// that constrain a type of FHIR (https://hl7.org/fhir/R4/profiling.html).
//
// A Validator finds definitions in a Library, compiles a profile at its first
// use, keeps it, and walks resources with it:
//
//	StructureDefinition ── read ──> element tree ── merge with its base's ──> element tree
//	      ── compile against definitions.Type ──> shape ── walk(resource) ──> issues
//
// The element tree of a profile is its snapshot, or else its differential laid
// over the tree of its base, and so on down to a type of the specification, whose
// tree is empty. A shape holds only what goes beyond the definition of the type:
// the rest is the business of package validate, which has passed the resource
// before.
//
// Checked are cardinality, types and their profiles, fixed values and patterns,
// slices by value, pattern, type, exists, profile and position, extensions by
// their definitions, bindings as far as the value set is known (domain/valueset),
// invariants, ranges and lengths, and the targets of references where they lead
// into the same resource or Bundle. What cannot be checked is told in an issue of
// its own.
//
// Definitions come from clients, so all of it is bounded: elements of a
// definition, the chain of bases, definitions kept, and the steps of one
// validation. Profiles may refer to each other in circles.
//
// There is one code path for all FHIR versions. Where STU3 writes a definition in
// another way, read.go takes both.
//
// Messages name elements, profiles, value sets and what the profile demands. Of
// the resource they quote no value, which may be a patient's.
//
// A Validator is safe for concurrent use.
package profile
