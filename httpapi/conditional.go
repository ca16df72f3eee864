package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
)

// Conditional interactions select the resource by a search
// (https://hl7.org/fhir/R4/http.html#cond-update). The criteria are parsed here
// and weighed where commits are decided, so that of two equal requests at once
// the second sees what the first has done.
//
// A criterion that is not understood is always refused: to leave it out would
// select more than was asked for.

// criteria parses what selects the resource. none is the kind of failure if
// nothing does.
func (s *Server) criteria(r *request, given parameters, none domain.Kind) (*search.Query, error) {
	ask, err := s.ask(r, given)
	if err != nil {
		return nil, err
	}
	ask.Strict, ask.Conditional = true, true
	q, err := search.Parse(s.fhir, s.searcher.Parameters(), ask)
	if err != nil {
		return nil, err
	}
	if q.Criteria == 0 {
		return nil, noCriteria(none)
	}
	refused := &domain.Error{Kind: domain.Invalid}
	for _, issue := range q.Warnings {
		if issue.Severity != domain.Information {
			issue.Severity = domain.Fault
			refused.Issues = append(refused.Issues, issue)
		}
	}
	if len(refused.Issues) > 0 {
		return nil, refused
	}
	return q, nil
}

func noCriteria(kind domain.Kind) error {
	return domain.NewError(kind, "There are no criteria that select a resource, such as identifier=https://example.org/ids|1. Nothing was changed.")
}

// ifNoneExist parses the criteria of a conditional create, nil without any
// (https://hl7.org/fhir/R4/http.html#ccreate).
func (s *Server) ifNoneExist(r *request) (*search.Query, error) {
	header := r.conditions.ifNoneExist
	if !header.given {
		return nil, nil
	}
	if !r.rules.offers(searchTypeKind) {
		return nil, s.notAllowed(r.place, r.rules, "forbidden", "The interaction "+searchTypeKind.code()+" is switched off here, and with it all that selects by criteria.")
	}
	if len(header.value) > longestQuery {
		return nil, invalid("If-None-Exist is too long.")
	}
	given, err := parseParameters(strings.TrimPrefix(strings.TrimSpace(header.value), "?"))
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		return nil, invalid("If-None-Exist has no criteria; it must be a query such as identifier=https://example.org/ids|1.")
	}
	return s.criteria(r, given, domain.PreconditionFailed)
}

// planConditionalUpdate makes the command of PUT /{type}?…
func (s *Server) planConditionalUpdate(r *request) (commit.Command, error) {
	c := commit.Command{Interaction: event.Update, Type: r.resourceType(), Resource: r.content, FullURL: r.fullURL}
	if err := r.planReplacement(&c); err != nil {
		return c, err
	}
	given := r.query.without(everywhere...).without("_meta-history")
	if len(given) == 0 {
		return c, noCriteria(domain.Invalid)
	}
	var err error
	c.Criteria, err = s.criteria(r, given, domain.PreconditionFailed)
	return c, err
}

// planConditionalDelete makes the command of DELETE /{type}?…
// (https://hl7.org/fhir/R4/http.html#delete).
func (s *Server) planConditionalDelete(r *request) (commit.Command, error) {
	c, err := r.newDelete()
	if err != nil {
		return c, err
	}
	if err := r.planConditions(&c); err != nil {
		return c, err
	}
	if c.Limit, err = r.deletions(); err != nil {
		return c, err
	}
	given := r.query.without(everywhere...).without(hardDeleteParameters...).without("_count")
	if len(r.query) == 0 {
		return c, noCriteria(domain.Invalid)
	}
	if len(given) == 0 {
		return c, noCriteria(domain.PreconditionFailed)
	}
	c.Criteria, err = s.criteria(r, given, domain.PreconditionFailed)
	return c, err
}

// deletions reads _count of a conditional delete; 0 if there is none.
func (r *request) deletions() (int, error) {
	value, given, err := r.query.one("_count")
	if err != nil || !given {
		return 0, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > commit.MaxLimit {
		return 0, invalid("_count of a conditional delete must be a whole number from 1 to " + strconv.Itoa(commit.MaxLimit) + ".")
	}
	return n, nil
}

// answerConditionalDelete tells how much was deleted, in a header if _count was
// given.
func answerConditionalDelete(r *request, o *commit.Outcome, answer response) response {
	deleted := o.Items
	if _, counted, _ := r.query.one("_count"); counted {
		answer.itemsDeleted = strconv.Itoa(deleted)
	}
	if r.prefer.returns == returnOutcome {
		answer.status, answer.details = http.StatusOK, true
		answer.issues = done("Resources that were deleted: " + strconv.Itoa(deleted) + ".")
	}
	return answer
}

// conditional says that the request selects its resource by criteria.
func (r *request) conditional() bool {
	return r.call != nil && r.call.plan != nil && (r.call.searches || r.conditions.ifNoneExist.given)
}

// parts is at least the number of alternatives in the criteria of a conditional
// create, before they are decoded and parsed.
func (c *condition) parts() int {
	if !c.given {
		return 0
	}
	return 1 + strings.Count(c.value, "&") + strings.Count(c.value, ",") + strings.Count(c.value, "%")
}
