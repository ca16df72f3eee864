package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// failureClass is what the client learns of a Kind: the status, the code of
// issues that have none, and a sentence for errors without issues.
type failureClass struct {
	status   int
	code     string
	sentence string
}

// failureClasses is the only place that chooses a status for an error
// (https://hl7.org/fhir/R4/http.html#summary).
var failureClasses = map[domain.Kind]failureClass{
	domain.Internal:           {http.StatusInternalServerError, "exception", "The server failed to answer; nothing is known to be wrong with the request."},
	domain.Invalid:            {http.StatusBadRequest, "invalid", "The request is invalid."},
	domain.NotSupported:       {http.StatusBadRequest, "not-supported", "This server does not offer that."},
	domain.UnknownType:        {http.StatusNotFound, "not-found", "There is no such resource type."},
	domain.NotFound:           {http.StatusNotFound, "not-found", "There is no such resource."},
	domain.Deleted:            {http.StatusGone, "deleted", "The resource is deleted."},
	domain.VersionMismatch:    {http.StatusPreconditionFailed, "conflict", "Another version of the resource is current than the one named."},
	domain.PreconditionFailed: {http.StatusPreconditionFailed, "required", "A precondition of the request does not hold."},
	domain.Conflict:           {http.StatusConflict, "conflict", "The resource was changed at the same time by another request."},
	domain.MethodNotAllowed:   {http.StatusMethodNotAllowed, "not-supported", "This server does not offer that."},
	domain.NotAcceptable:      {http.StatusNotAcceptable, "not-supported", "There is no representation that the request accepts."},
	domain.UnsupportedMedia:   {http.StatusUnsupportedMediaType, "not-supported", "The body is in a format that is not read here."},
	domain.TooLarge:           {http.StatusRequestEntityTooLarge, "invalid", "The request is too large."},
	domain.TooCostly:          {http.StatusBadRequest, "too-costly", "The request would cost too much to answer."},
	domain.Timeout:            {http.StatusRequestTimeout, "timeout", "The request was not finished in time. A write may still take effect."},
	domain.Throttled:          {http.StatusTooManyRequests, "throttled", "There is too much to do at once. Try again later."},
	domain.Unauthenticated:    {http.StatusUnauthorized, "login", "The server does not know who asks."},
	domain.Unavailable:        {http.StatusServiceUnavailable, "processing", "The server cannot do this now. Try again later."},
	domain.KeyGone:            {http.StatusForbidden, "invalid", "The operator's key, under which everything is encrypted, is not there."},
	domain.StorageFull:        {http.StatusInsufficientStorage, "no-store", "The server's storage is full: nothing was written."},
}

// classOf looks a Kind up. In STU3 a version clash is a conflict
// (https://hl7.org/fhir/STU3/http.html#concurrency).
func (s *Server) classOf(kind domain.Kind) failureClass {
	class, ok := failureClasses[kind]
	if !ok {
		return failureClasses[domain.Internal]
	}
	if kind == domain.VersionMismatch && s.fhir.Version() == definitions.STU3 {
		class.status = http.StatusConflict
	}
	return class
}

// mostIssues is how many faults an answer tells of.
const mostIssues = 100

// errPanicked stands for a panic, which is logged where it is caught.
var errPanicked = errors.New("the request panicked")

// failure turns an error into an answer. What has no Kind is logged in full
// and told in general words, as it may quote a patient's data.
func (s *Server) failure(requestID string, err error) response {
	var known *domain.Error
	switch {
	case errors.As(err, &known) && known.Kind != domain.Internal:
	case isContextError(err):
		known = &domain.Error{Kind: domain.Timeout}
	default:
		known = &domain.Error{Kind: domain.Internal}
		if err != errPanicked {
			s.log.Error().Err(err).Str("request_id", requestID).Msg("request failed")
		}
	}
	class := s.classOf(known.Kind)
	answer := response{
		status:  class.status,
		version: known.Version,
		issues:  make([]domain.Issue, 0, max(1, min(len(known.Issues), mostIssues+1))),
		retry:   known.Kind == domain.Throttled || known.Kind == domain.Unavailable,
	}
	for i, issue := range known.Issues {
		if i == mostIssues {
			answer.issues = append(answer.issues, domain.Issue{
				Severity: domain.Information, Code: "incomplete",
				Message: "There may be more faults; the first " + strconv.Itoa(mostIssues) + " are listed.",
			})
			break
		}
		if issue.Code == "" {
			issue.Code = class.code
		}
		answer.issues = append(answer.issues, issue)
	}
	if len(answer.issues) == 0 {
		sentence := class.sentence
		if known.Kind == domain.Internal {
			sentence += " Tell the operator of the server this request id: " + requestID + "."
		}
		answer.issues = append(answer.issues, domain.Issue{Code: class.code, Message: sentence})
	}
	if refused, ok := errors.AsType[*notAllowedError](err); ok {
		answer.allow = refused.allow
	}
	return answer
}

// isContextError tells whether the time was up or the client left.
func isContextError(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// outcome says how an OperationOutcome is written.
type outcome struct {
	id      string // of the request
	instant int64
	issues  []domain.Issue
	details bool
}

// appendJSON appends the OperationOutcome
// (https://hl7.org/fhir/R4/operationoutcome.html).
func (o *outcome) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"resourceType":"OperationOutcome","id":"`...)
	dst = append(dst, o.id...)
	dst = append(dst, `","meta":{"lastUpdated":"`...)
	dst = resource.AppendInstant(dst, o.instant)
	dst = append(dst, `"},"issue":[`...)
	for i, issue := range o.issues {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = o.appendIssue(dst, &issue)
	}
	return append(dst, "]}"...)
}

func (o *outcome) appendIssue(dst []byte, issue *domain.Issue) []byte {
	severity := issue.Severity
	if severity == "" {
		severity = domain.Fault
	}
	dst = append(dst, '{')
	if issue.Line > 0 {
		dst = appendPlace(dst, issue)
	}
	dst = append(dst, `"severity":"`...)
	dst = append(dst, severity...)
	dst = append(dst, `","code":`...)
	dst = fhirjson.AppendQuoted(dst, issue.Code)
	if o.details {
		dst = append(dst, `,"details":{"text":`...)
		dst = fhirjson.AppendQuoted(dst, issue.Message)
		dst = append(dst, '}')
	}
	dst = append(dst, `,"diagnostics":`...)
	dst = fhirjson.AppendQuoted(dst, issue.Message)
	for i, expression := range issue.Expression {
		if i == 0 {
			dst = append(dst, `,"expression":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = fhirjson.AppendQuoted(dst, expression)
	}
	if len(issue.Expression) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendPlace appends where the element stands in the text that the client sent, in
// the form that HL7's validator and others use
// (http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line), and as text.
func appendPlace(dst []byte, issue *domain.Issue) []byte {
	const url = `{"url":"http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-`
	dst = append(dst, `"extension":[`+url+`line","valueInteger":`...)
	dst = strconv.AppendInt(dst, int64(issue.Line), 10)
	dst = append(dst, `},`+url+`col","valueInteger":`...)
	dst = strconv.AppendInt(dst, int64(issue.Column), 10)
	dst = append(dst, `}],"location":["Line[`...)
	dst = strconv.AppendInt(dst, int64(issue.Line), 10)
	dst = append(dst, `] Col[`...)
	dst = strconv.AppendInt(dst, int64(issue.Column), 10)
	return append(dst, `]"],`...)
}

// now is the time in answers, in milliseconds since 1970.
func (s *Server) now() int64 { return s.options.Clock().UnixMilli() }

func (s *Server) appendOutcome(dst []byte, requestID string, r *response) []byte {
	o := outcome{id: requestID, instant: s.now(), issues: r.issues, details: r.details}
	return o.appendJSON(dst)
}

// invalid and notSupported make the most common failures.
func invalid(message string, expression ...string) error {
	return domain.NewError(domain.Invalid, message, expression...)
}

func notSupported(message string, expression ...string) error {
	return domain.NewError(domain.NotSupported, message, expression...)
}

// printable makes a piece of a request fit to be repeated in a message.
func printable(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "…"
	}
	clean := make([]rune, 0, len(s))
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			r = '?'
		}
		clean = append(clean, r)
	}
	return "'" + string(clean) + "'"
}
