// Package httpapi speaks the FHIR REST interface (https://hl7.org/fhir/http.html)
// over HTTP. It is the only room that knows HTTP and OperationOutcome.
//
// A Server promises: whatever the request, the answer is FHIR; a failure is an
// OperationOutcome whose status comes from one table (outcome.go); nothing a
// client sends stops the server or takes unbounded memory; and /metadata claims
// what the table of interactions (routes.go) really routes, nothing else.
//
// What a version is, which writes are allowed and when a change is durable is
// left to domain/commit and the projections; they are reached through the
// interfaces Writer and Reader. Listening, TLS and the life of the process
// belong to cmd.
//
// # From a request to an answer
//
// The same path serves an HTTP request and an entry of a Bundle:
//
//	http.Request ──┐                                   ┌── http.ResponseWriter
//	               ├→ request → perform → response ───┤
//	Bundle.entry ──┘                                   └── entry.response
//
// A request (request.go) is one interaction with its conditions and content.
// perform looks up what to do in the table of interactions: reads answer at
// once; writes are planned as a commit.Command, committed, and answered from
// the outcome. So a transaction can plan all its entries, commit them as one,
// and answer each in the same words as the single interaction would.
//
// Only what net/http refuses before there is a request, such as a malformed
// request line or headers without end, is answered in plain text.
//
// A Server is safe for concurrent use.
package httpapi
