// Package fhirxml turns FHIR's XML into FHIR's JSON and back
// (https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html).
//
// JSON is what fhirlog stores and works on, so XML is a form at its borders. Both
// directions are driven by the definition tables and have one code path for all
// FHIR versions. Decode gives JSON whose members stand in the order of the
// definitions; Append writes XML in that order whatever the order in JSON. So
// JSON → XML → JSON gives the same tree (fhirjson.Equal), with every digit of
// decimals, and XML → JSON → XML the same elements.
//
// # What is kept
//
//   - Values: character by character. Tabs and ends of lines in attributes are
//     written as references, as an XML reader would make blanks of them
//     otherwise; Decode makes blanks of those that are not, as XML demands.
//   - Narratives: as they are spelled, tag by tag. Only what the place in XML or
//     JSON demands is changed: a div that gets its namespace from an outer
//     element or by a prefix is given a declaration of its own; HTML's named
//     entities, which XML does not know, become references by number; carriage
//     returns are references in XML and plain in JSON.
//   - Items of a repeating element: in their order, also if other elements stand
//     between them. The order of different elements means nothing in FHIR, so
//     Decode takes any and puts them in that of the definitions.
//
// # What is not
//
// Comments and processing instructions, xsi:schemaLocation, white space between
// elements and between a narrative and its surroundings. Characters that XML 1.0
// has no way to write (control characters, U+FFFE and U+FFFF) become U+FFFD; none
// of them can come from XML.
//
// # What is refused
//
// Decode refuses what is not well-formed or has a document type, an undeclared
// entity or another encoding (xmltext), other namespaces, unknown elements and
// attributes, text between elements, single elements that are there twice,
// primitives without value and extension, and numbers and booleans that JSON
// cannot write. Its errors tell line, column and element and quote no values. What
// else makes a resource valid is left to validate; Places leads from there back
// to the XML.
//
// # How it is read
//
// A decoder builds the JSON, text and tree, while it goes through the XML once. Only
// if elements stand in another order than that of the definitions, a list has gaps,
// or primitives in a list have id or extensions, an arranger builds it once more.
//
// Time and memory grow linearly with the text. All functions are pure and safe
// for concurrent use.
package fhirxml
