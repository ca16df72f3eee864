package httpapi

import (
	"context"

	"fhirlog/domain"
)

// vread answers GET /{type}/{id}/_history/{version}
// (https://hl7.org/fhir/R4/http.html#vread).
func (s *Server) vread(ctx context.Context, r *request) (response, error) {
	if err := refuseCount(r); err != nil {
		return response{}, err
	}
	id, err := domain.ParseLogicalID(r.id)
	if err != nil {
		return response{}, neverExisted(r, err)
	}
	wanted, err := domain.ParseVersionID(r.version)
	if err != nil {
		return response{}, domain.NewError(domain.NotFound, "There is no such version of "+r.typ+"/"+r.id+": "+err.Error()+".")
	}
	if !r.rules.history {
		if err := s.onlyCurrent(ctx, r, id, wanted); err != nil {
			return response{}, err
		}
	}
	snapshot, past, err := s.asOf(r.query)
	if err != nil {
		return response{}, err
	}
	version, err := s.reader.ReadVersion(ctx, r.resourceType(), id, wanted)
	if err == nil && past && version.Position >= snapshot {
		err = domain.NewError(domain.NotFound, "There was no such version of "+r.typ+"/"+r.id+" yet.")
	}
	if err != nil {
		return response{}, err
	}
	if version.Deleted {
		e := domain.NewError(domain.Deleted, "Version "+wanted.String()+" is the deletion of "+r.typ+"/"+r.id+".")
		e.Version = wanted
		return response{}, e
	}
	if err := r.hold(ctx, len(version.Body)); err != nil {
		return response{}, err
	}
	return show(r, &version), nil
}

// onlyCurrent refuses former versions of a type without readable history.
func (s *Server) onlyCurrent(ctx context.Context, r *request, id domain.LogicalID, wanted domain.VersionID) error {
	current, err := s.reader.Read(ctx, r.resourceType(), id)
	if err != nil {
		return err
	}
	if current.Version == wanted {
		return nil
	}
	return s.notAllowed(r.place, r.rules, "forbidden", "Former versions of "+r.typ+" are not readable here.")
}
