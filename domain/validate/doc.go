// Package validate checks FHIR resources against the definition tables of a FHIR
// version.
//
// Check walks the JSON tree once and reports every fault, each with a FHIRPath
// and its line and column.
//
// The structure is always checked: unknown members, cardinality, arrays and
// single values, choice types, JSON kinds and formats of primitives, the pairing
// of a primitive with its _name sibling, codes of required bindings that can be
// listed, empty objects, arrays and strings, contained resources, the rule of
// extensions and the safety of narratives. A Bundle is walked with the resources
// in its entries, whatever their types.
//
// With Options.Rules the walk checks on its way, as warnings or as severely as the
// specification has it:
//
//   - invariants. Their FHIRPath is compiled when a type is met for the first
//     time (book.go). Most ask only which elements are there, which the walk
//     knows: a table made from the expression decides them (decide.go), the rest
//     is evaluated, within a bound for the whole resource (evaluate.go). A few that
//     hold everywhere are checked by hand, and those that are wrong as published
//     are mended or left out, each with its reason (exceptions.go);
//   - references and canonicals (targets.go): that they lead to a type which the
//     element permits, as far as it is known without looking: of relative
//     references, of those on this server, to contained resources and to entries of
//     the same Bundle.
//
// Left to others: JSON itself (fhirjson), profiles, bindings that are weaker than
// required or whose codes nobody can list, and whether references lead anywhere.
//
// There is one code path for all FHIR versions; what differs is in the tables.
// Messages say what is wrong and what would be right. They name elements, types
// and permitted codes, and the offending code of a required binding, but no other
// value: values can be a patient's data.
//
// A Validator is safe for concurrent use.
package validate
