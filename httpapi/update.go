package httpapi

import (
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
)

// planUpdate makes the command of PUT /{type}/{id}
// (https://hl7.org/fhir/R4/http.html#update).
func (s *Server) planUpdate(r *request) (commit.Command, error) {
	c := commit.Command{Interaction: event.Update, Type: r.resourceType(), Resource: r.content, FullURL: r.fullURL}
	var err error
	if c.ID, err = s.writableID(r); err != nil {
		return c, err
	}
	return c, r.planReplacement(&c)
}

// writableID returns the id in the path of what is to be written there.
func (s *Server) writableID(r *request) (domain.LogicalID, error) {
	if _, reserved := s.operations[r.id]; reserved && r.typ == "OperationDefinition" {
		return "", s.notAllowed(r.place, r.rules, "forbidden", "This id belongs to the definition of an operation of the server itself.")
	}
	id, err := domain.ParseLogicalID(r.id)
	if err != nil {
		return "", invalid("The id in the path is wrong: " + err.Error() + ".")
	}
	return id, nil
}

// planReplacement fills in what updates share, whatever selects the resource.
func (r *request) planReplacement(c *commit.Command) (err error) {
	if c.IfMatch, err = r.conditions.expectedVersion(); err != nil {
		return err
	}
	if c.MustNotExist, err = r.conditions.onlyCreates(); err != nil {
		return err
	}
	keeps, err := r.query.boolean("_meta-history", true)
	c.KeepNoMetaHistory = !keeps
	return err
}

// onlyCreates tells whether If-None-Match: * forbids to change what exists.
// Conditions that this server does not weigh on writes are refused: to leave
// them out would write more than was asked for.
func (c *conditions) onlyCreates() (bool, error) {
	if c.ifUnmodifiedSince.given {
		return false, notSupported("If-Unmodified-Since is not weighed here; name the version with If-Match.")
	}
	if !c.ifNoneMatch.given {
		return false, nil
	}
	if strings.TrimSpace(c.ifNoneMatch.value) != "*" {
		return false, invalid("If-None-Match on a write must be *; a version is named with If-Match.")
	}
	return true, nil
}
