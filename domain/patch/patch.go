package patch

import "fhirlog/domain/fhirjson"

// Patch is a list of changes, read and checked as far as that is possible
// without a resource. It never changes: it may be applied by several goroutines
// at once, and again to a later version of the resource.
//
// What it was read from must not change as long as it is in use: the bytes
// that were parsed, and the Document of a FHIRPath Patch.
type Patch interface {
	// Apply returns the resource as it is after all changes; the resource
	// itself stays as it is. If one of the changes cannot be made the answer
	// is a *domain.Error that names it, and nothing else.
	//
	// Whether the result is a valid resource is for domain/validate to say,
	// and for CheckImmutable whether it is still the same one.
	Apply(resource fhirjson.Value) (*fhirjson.Document, error)
}

// What a patch may cost. Beyond that it is refused with an error of kind
// TooCostly.
const (
	// greatestOperations is the number of operations of a JSON Patch.
	greatestOperations = 10_000
	// greatestPaths is the number of operations of a FHIRPath Patch, each of
	// which evaluates an expression and may read the resource again.
	greatestPaths = 1_000
	// greatestCopies bounds in bytes what all operations together copy within
	// the resource, or the size of the resource if that is more: copies of
	// copies must not grow without end. What an operation brings along is
	// bounded by the size of the patch.
	greatestCopies = 4 << 20
	// greatestWork bounds the steps of all operations together, of about 10 ns:
	// one for each element that is looked at or moved, or for four bytes that
	// are read again.
	greatestWork = 1 << 26
	// greatestOpened bounds how many elements stand in all the lists and objects
	// that the operations reach into; each takes 48 bytes.
	greatestOpened = 4 << 20
	// greatestDepth is how deep a JSON Pointer may go; fhirjson reads nothing
	// that is nested deeper.
	greatestDepth = 256
)
