package domain

import (
	"errors"
	"strings"
)

// Kind says what sort of failure an Error is. httpapi maps each Kind to one
// HTTP status and one default issue code; nothing else chooses a status.
type Kind uint8

// The kinds of failure that a client may be told about. Internal is the zero
// value: the client gets a general sentence, the log gets the cause.
const (
	Internal           Kind = iota
	Invalid                 // the request or its content is wrong
	NotSupported            // understood, and not offered here
	UnknownType             // a resource type that this FHIR version does not have
	NotFound                // never existed, or erased
	Deleted                 // existed and is deleted
	VersionMismatch         // If-Match named another version
	PreconditionFailed      // another precondition does not hold
	Conflict                // concurrent writes to the same resource
	MethodNotAllowed        // known path, wrong verb; or switched off by policy
	NotAcceptable           // no representation that the client accepts
	UnsupportedMedia        // a body in a format that is not read here
	TooLarge                // the request exceeds a size limit
	TooCostly               // the request would cost more than one may ask
	Timeout                 // not finished in the time given
	Throttled               // too much at once
	Unavailable             // cannot be served now: stopping
	StorageFull             // a write that there is no room for; reads are answered
	Unauthenticated         // it is not said, or not believed, who asks
	KeyGone                 // the operator's key, under which everything is encrypted, is not there
)

// Severity of an Issue, in the words of OperationOutcome.issue.severity.
type Severity string

// The severities of FHIR.
const (
	Fatal       Severity = "fatal"
	Fault       Severity = "error"
	Warning     Severity = "warning"
	Information Severity = "information"
)

// Issue is one finding, ready to become an OperationOutcome.issue.
type Issue struct {
	Severity   Severity // empty means Fault
	Code       string   // an IssueType code such as "structure"; empty means the default of the Kind
	Message    string   // a sentence for the client: what is wrong, and what would be right
	Expression []string // FHIRPath of the elements at fault
	// Line and Column say where the element stands in the request's text, both
	// from 1; 0 where that is not known.
	Line, Column int
}

// Error is a failure that may be told to the client. Message texts name what
// was wrong and where; they never quote another client's data.
type Error struct {
	Kind    Kind
	Issues  []Issue   // at least one, except for Internal
	Version VersionID // Deleted: the version of the deletion
	Err     error     // the cause, for the log only
}

// NewError makes an Error with a single issue.
func NewError(kind Kind, message string, expression ...string) *Error {
	return &Error{Kind: kind, Issues: []Issue{{Message: message, Expression: expression}}}
}

// Error joins the messages of the issues.
func (e *Error) Error() string {
	parts := make([]string, 0, len(e.Issues)+1)
	for _, issue := range e.Issues {
		parts = append(parts, issue.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first Error in err's chain, and Internal if
// there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
