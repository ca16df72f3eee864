package httpapi

import (
	"net/http"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
)

// planDelete makes the command of DELETE /{type}/{id}
// (https://hl7.org/fhir/R4/http.html#delete), of which hardDelete=true leaves
// nothing.
func (s *Server) planDelete(r *request) (commit.Command, error) {
	c, err := r.newDelete()
	if err != nil {
		return c, err
	}
	return c, r.planRemoval(&c)
}

// newDelete begins the command of a deletion.
func (r *request) newDelete() (commit.Command, error) {
	c := commit.Command{Interaction: event.Delete, Type: r.resourceType()}
	hard, err := r.hardDelete()
	if hard {
		c.Interaction = event.HardDelete
	}
	return c, err
}

// planRemoval fills in what deletions and purges of a resource share.
func (r *request) planRemoval(c *commit.Command) (err error) {
	if c.ID, err = domain.ParseLogicalID(r.id); err != nil {
		return invalid("The id in the path is wrong: " + err.Error() + ".")
	}
	return r.planConditions(c)
}

// planConditions fills in the conditions of deletions and purges.
func (r *request) planConditions(c *commit.Command) (err error) {
	if c.IfMatch, err = r.conditions.expectedVersion(); err != nil {
		return err
	}
	onlyCreates, err := r.conditions.onlyCreates()
	if onlyCreates {
		return invalid("If-None-Match has no meaning on a deletion; name the version to delete with If-Match.")
	}
	return err
}

// hardDeleteParameters are what a deletion takes.
var hardDeleteParameters = []string{"hardDelete", "_hardDelete", "allowPartialSuccess"}

// hardDelete reads the parameter by either of its names.
func (r *request) hardDelete() (bool, error) {
	long, err := r.query.boolean("_hardDelete", false)
	if err != nil {
		return false, err
	}
	short, err := r.query.boolean("hardDelete", long)
	if err != nil {
		return false, err
	}
	if _, given, _ := r.query.one("_hardDelete"); given && short != long {
		return false, invalid("hardDelete and _hardDelete contradict each other.")
	}
	return short, nil
}

// answerDelete tells what became of a deletion: no content, or an outcome for
// those who prefer one.
func (s *Server) answerDelete(r *request, o *commit.Outcome) response {
	answer := versionOf(http.StatusNoContent, &o.Version)
	answer.instant = 0
	if o.Change != commit.Deleted {
		answer.version = 0
	}
	if r.call.searches {
		return answerConditionalDelete(r, o, answer)
	}
	if r.prefer.returns == returnOutcome {
		answer.status, answer.details = http.StatusOK, true
		if o.Change == commit.Deleted {
			answer.issues = done(r.typ + "/" + r.id + " was deleted.")
		} else {
			answer.issues = done("There was no " + r.typ + "/" + r.id + " to delete.")
		}
	}
	return answer
}
