package httpapi

import (
	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// response is the answer to a request, before it becomes an HTTP response or
// the entry of a Bundle. At most one of the bodies is set.
type response struct {
	status   int
	version  domain.VersionID // the ETag, unless zero
	instant  int64            // Last-Modified, if there is a version
	location string
	// recordAfter is 1 + the position of the record of the version, 0 if there is none.
	recordAfter uint64
	// contentLocation is where the job is that was begun.
	contentLocation string
	allow           string
	retry           bool // tells to try again later
	// itemsDeleted is the header Items-Deleted, unless empty.
	itemsDeleted string

	resource *resource.Version                  // body: a resource
	issues   []domain.Issue                     // body: an OperationOutcome
	details  bool                               // its issues have details.text as well
	fhir     []byte                             // body: a resource that the server made
	shaped   bool                               // _summary and _elements apply to the body
	json     []byte                             // body: JSON that is not FHIR
	stream   func(b *bodyWriter, s shape) error // body: written piece by piece
}

// hasBody says whether one of the bodies is set.
func (r *response) hasBody() bool {
	return r.resource != nil || r.issues != nil || r.fhir != nil || r.json != nil || r.stream != nil
}

// versionOf makes the part of an answer that names a version.
func versionOf(status int, v *resource.Version) response {
	r := response{status: status, version: v.Version, instant: v.Instant}
	if v.Version != 0 {
		r.recordAfter = v.Position + 1
	}
	return r
}
