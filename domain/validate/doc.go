// Package validate checks the structure of FHIR resources against the
// definition tables of a FHIR version.
//
// Resource walks the JSON tree once and reports every fault, each with a
// FHIRPath: unknown members, cardinality, arrays and single values, choice
// types, JSON kinds and formats of primitives, the pairing of a primitive with
// its _name sibling, codes of required bindings that can be listed, empty
// objects, arrays and strings, contained resources, the rule of extensions and
// the safety of narratives. A Bundle is walked with the resources in its
// entries, whatever their types.
//
// Left to others: JSON itself (fhirjson), profiles and the other invariants of
// the specification, bindings that are weaker than required, and whether
// references lead anywhere.
//
// There is one code path for all FHIR versions; what differs is in the tables.
// Messages say what is wrong and what would be right. They name elements,
// types and permitted codes, and the offending code of a required binding, but
// no other value: values can be a patient's data.
//
// A Validator is safe for concurrent use.
package validate
