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
// interfaces Writer, Reader and Searcher. What a search means is left to
// domain/search. Listening, TLS and the life of the process
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
// # Pages and the past
//
// Every search and history sees one snapshot, the number of records at its
// beginning or at the moment that _asOf names. The links of a page carry it in a
// token (token.go), sealed together with what is paged: so pages never repeat or
// lose a version, whatever is written meanwhile, and no token can be made up or
// used for something else. self shows the parameters that were really used.
//
// # JSON and XML
//
// What is stored is JSON. A body in XML becomes JSON before anything looks at it
// (xml.go), with its places kept for messages. An answer is made in JSON as well and
// turned when it is written, resource by resource; the Bundles around them are
// written by methods that know both formats (envelope.go), so that they stream in
// either. All is asked for by Accept or _format (negotiate.go, format.go).
//
// # Selecting by criteria
//
// A conditional write is planned with its criteria parsed, and decided where
// commits are (domain/commit). Here, what is not understood is refused. Entries
// of a batch that select by criteria are carried out alone and in order, so that
// they find what the entries before have done, and nothing else (batch.go).
//
// Only what net/http refuses before there is a request, such as a malformed
// request line or headers without end, is answered in plain text.
//
// A Server is safe for concurrent use.
package httpapi
