package httpapi

import (
	"net/http"

	"fhirlog/domain/commit"
	"fhirlog/domain/event"
)

// planPurge makes the command of DELETE /{type}/{id}/$purge-history, which
// leaves the current version only.
func (s *Server) planPurge(r *request) (commit.Command, error) {
	c := commit.Command{Interaction: event.PurgeHistory, Type: r.resourceType()}
	return c, r.planRemoval(&c)
}

func (s *Server) answerPurge(r *request, o *commit.Outcome) response {
	if r.prefer.returns != returnOutcome {
		return response{status: http.StatusNoContent}
	}
	message := "There was no history of " + r.typ + "/" + r.id + " to purge."
	if o.Change == commit.Purged {
		message = "The history of " + r.typ + "/" + r.id + " was purged."
	}
	return response{status: http.StatusOK, issues: done(message), details: true}
}
