package httpapi

import (
	"context"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/resource"
)

// read answers GET /{type}/{id} (https://hl7.org/fhir/R4/http.html#read).
func (s *Server) read(ctx context.Context, r *request) (response, error) {
	if err := refuseCount(r); err != nil {
		return response{}, err
	}
	if r.typ == "OperationDefinition" {
		if definition, ok := s.operations[r.id]; ok {
			return response{status: http.StatusOK, fhir: definition.at(r.base), shaped: true}, nil
		}
	}
	id, err := domain.ParseLogicalID(r.id)
	if err != nil {
		return response{}, neverExisted(r, err)
	}
	version, err := s.current(ctx, r, id)
	if err == nil {
		err = r.hold(ctx, len(version.Body))
	}
	if err != nil {
		return response{}, err
	}
	return show(r, &version), nil
}

// current finds the current version, or the one that was current as of _asOf.
func (s *Server) current(ctx context.Context, r *request, id domain.LogicalID) (resource.Version, error) {
	snapshot, past, err := s.asOf(r.query)
	switch {
	case err != nil:
		return resource.Version{}, err
	case !past:
		return s.reader.Read(ctx, r.resourceType(), id)
	}
	version, err := s.searcher.ReadAsOf(ctx, r.resourceType(), id, snapshot)
	if err == nil && !r.rules.history {
		err = s.onlyCurrent(ctx, r, id, version.Version)
	}
	return version, err
}

// largeAnswer is the size from which stored resources count against the memory
// for bodies while they are written to the client.
const largeAnswer = 256 << 10

// hold takes room in the budget for stored bodies on their way to the client:
// as they are, as they are written, and what is between in XML.
func (r *request) hold(ctx context.Context, bytes int) error {
	if bytes < largeAnswer || r.memory == nil {
		return nil
	}
	copies := int64(2)
	if r.format.isXML() {
		copies = 5 // the JSON with its tree, and the XML
	}
	return r.memory.grow(ctx, min(copies*int64(bytes), r.memory.of.most))
}

// refuseCount refuses to count a single resource.
func refuseCount(r *request) error {
	if r.shape.summary == summaryCount {
		return invalid("_summary=count counts the results of a search or a history; here is only one resource.")
	}
	return nil
}

// neverExisted answers for ids that no resource can have.
func neverExisted(r *request, why error) error {
	return domain.NewError(domain.NotFound, "There is no "+r.typ+" with this id: "+why.Error()+".")
}

// show answers with a version, or with 304 if the client holds it already
// (https://hl7.org/fhir/R4/http.html#cread).
func show(r *request, version *resource.Version) response {
	if r.conditions.unchanged(version.Version, version.Instant) {
		return versionOf(http.StatusNotModified, version)
	}
	answer := versionOf(http.StatusOK, version)
	answer.resource, answer.shaped = version, true
	return answer
}
