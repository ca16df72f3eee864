// Package xmltext reads XML 1.0 with namespaces, strictly and without document
// types (https://www.w3.org/TR/xml/, https://www.w3.org/TR/xml-names/).
//
// A Scanner goes through a text that is in memory as a whole, token by token. It
// accepts what is well-formed, in UTF-8, and has neither DOCTYPE nor any entity
// but the five of XML and character references: so nothing is ever fetched or
// expanded, and time and memory grow linearly with the text. Everything else is
// a Fault, which tells the place and what would be right, and never quotes
// content, which may be a patient's. Depth and attributes are bounded.
//
// Tokens are spans of the text. What they mean for FHIR is left to fhirxml.
//
// A Scanner is not safe for concurrent use; one may be used again for the next
// text.
package xmltext
