// Package patch changes a resource by a list of operations: JSON Patch (RFC 6902),
// FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html) and XML Patch (RFC 5261).
//
// ParseJSON, ParseFHIRPath and ParseXML read a patch and refuse what is wrong whatever the
// resource; Apply makes the new resource, and refuses what the resource does not
// permit. All operations take effect or none. An error is a *domain.Error that
// says which operation failed, counting from 1, with its path and the reason, and
// never what the resource contains.
//
//	[]byte ── ParseJSON ────────┐
//	                            ├── Patch ── Apply(resource) ──> Document ── CheckImmutable
//	Value ─── ParseFHIRPath ────┘
//
// The package promises:
//
//   - What no operation touches keeps its order, digits and spelling. White space
//     between tokens is dropped.
//   - Operations see what the ones before them did.
//   - A Patch is pure: it knows no time and fetches nothing. It is safe for
//     concurrent use and may be applied to several versions. Parsed input must
//     stay unchanged as long as it is in use.
//   - Time and memory are bounded (patch.go has the limits): by the size of the
//     patch and of the resource, and by a budget for copies and repeated work.
//
// Left to others: whether the result is a valid resource (domain/validate), who
// may patch what, and versions (domain/commit).
//
// # What is left empty
//
// FHIR has no empty arrays and objects. One that the operations leave empty, or
// put in empty, is dropped at the end, and its parent if that is empty then; in
// between it is there, so that one operation may take the last element out of a list and
// another put one in.
//
// # Lists of primitives
//
// The elements of given and _given belong together by their index, with null where
// one has nothing. FHIRPath Patch works on elements: it keeps both arrays
// aligned, and a primitive that is replaced or deleted takes its id and extensions
// along. JSON Patch works on the text, as its RFC says: who removes /given/0 removes
// /_given/0 as well, or the validation of the result finds arrays of different
// length. Only when everything has been done an object in _given that was left empty
// becomes null, and an array of nothing but null is dropped.
//
// # JSON Patch
//
// Numbers in "test" are compared by value, 1.0 and 1e0, objects without regard to
// the order of their members. Members of an operation that the RFC does not have
// are ignored; a member given twice is refused.
//
// # FHIRPath Patch
//
// Where the specification leaves room, these are the choices:
//
//   - add, replace and upsert need a path that selects exactly one element, as the
//     specification says; the first of several is not guessed.
//   - insert and move need all elements of one list. insert also makes a list that
//     is not there yet, if the path ends in its name.
//   - delete, also called remove, of nothing is no error, unless no resource of the
//     type could have what the path selects: that is a misspelling.
//   - add refuses an element that is there and does not repeat; upsert replaces it,
//     also the only element of a list.
//   - A value has the type of the element, or one that is written alike: any text
//     for any text, any date for any date, any number for any number. Of a choice
//     the value decides the type.
//   - Elements of types that have no value[x], such as Patient.contact, are written
//     as parts; so may be all others that are no primitives. A repeated name makes a
//     list. Contained resources and entries of Bundles come as resource.
//   - Parts that an operation does not need are ignored.
//
// # Inside
//
// A tree begins as one node that stands for the whole resource. A node is opened
// when an operation looks into it, and gets nodes for its members then; those that
// stay closed are copied from the text when the tree is written. Paths of FHIRPath are
// evaluated on the text of the tree as it stands, which has the same shape, so
// that an element's place in the text leads to its node.
//
// # XML Patch
//
// It works on the resource as fhirxml writes it, and the result is read back: so
// members come out in the order of the definitions, an element that is added at the
// end finds its place, and what is left empty is refused. Selectors are those of the
// RFC, without id() as there are no document types, and with paths in predicates, such as
// [system/@value='phone'].
package patch
