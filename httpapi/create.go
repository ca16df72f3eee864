package httpapi

import (
	"errors"
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// planCreate makes the command of POST /{type}
// (https://hl7.org/fhir/R4/http.html#create).
func (s *Server) planCreate(r *request) (commit.Command, error) {
	criteria, err := s.ifNoneExist(r)
	return commit.Command{Interaction: event.Create, Type: r.resourceType(), Resource: r.content, FullURL: r.fullURL, Criteria: criteria}, err
}

// answerWrite tells what became of a create, an update or a patch.
func (s *Server) answerWrite(r *request, o *commit.Outcome) response {
	v := &o.Version
	answer := versionOf(http.StatusOK, v)
	verb := "updated"
	if r.call.patch {
		verb = "patched"
	}
	switch o.Change {
	case commit.Created:
		answer.status, verb = http.StatusCreated, "created"
		answer.location = locationOf(r.base, v)
	case commit.Existing:
		verb = "found already existing, and nothing was created"
		answer.location = locationOf(r.base, v)
	case commit.Unchanged:
		verb = "left as it was, as the content is the same"
	}
	switch r.prefer.returns {
	case returnRepresentation:
		answer.resource = v
	case returnOutcome:
		answer.issues = done(string(v.Type) + "/" + string(v.ID) + " was " + verb + ", its version is " + v.Version.String() + ".")
		answer.issues = append(answer.issues, o.Findings...)
		answer.details = true
	}
	return answer
}

// locationOf is the URL of a version.
func locationOf(base string, v *resource.Version) string {
	return base + "/" + string(v.Type) + "/" + string(v.ID) + "/_history/" + v.Version.String()
}

// done makes the issue of an OperationOutcome that tells of success.
func done(message string) []domain.Issue {
	return []domain.Issue{{Severity: domain.Information, Code: "informational", Message: message}}
}

// malformed explains JSON that could not be read.
func malformed(err error, what string) error {
	var syntax *fhirjson.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	issue := domain.Issue{Code: "structure", Message: what + " is not well-formed JSON: " + err.Error() + "."}
	if what == "The body" { // else the place is one of a part of it
		issue.Line, issue.Column = syntax.Line, syntax.Column
	}
	if syntax.Path != "" && syntax.Path != "$" {
		issue.Expression = []string{syntax.Path}
	}
	return &domain.Error{Kind: domain.Invalid, Issues: []domain.Issue{issue}}
}
