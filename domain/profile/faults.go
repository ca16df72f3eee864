package profile

import (
	"strconv"

	"fhirlog/domain"
)

// The issue codes in use (https://hl7.org/fhir/R4/valueset-issue-type.html).
const (
	codeStructure    = "structure"
	codeRequired     = "required"
	codeValue        = "value"
	codeInvariant    = "invariant"
	codeCodeInvalid  = "code-invalid"
	codeExtension    = "extension"
	codeInvalid      = "invalid"
	codeNotFound     = "not-found"
	codeNotSupported = "not-supported"
	codeInformation  = "informational"
)

// demands begins a message about what the profile wants.
func (w *walk) demands() string { return "The profile " + shown(w.profile.url) + " demands " }

// fault reports a fault of the value at the current path.
func (w *walk) fault(code, message string) { w.report(domain.Fault, code, message) }

// once reports what concerns a definition and not the resource: the first time
// only.
func (w *walk) once(severity domain.Severity, code, message string) {
	if w.trying || w.told[message] {
		return
	}
	w.told[message] = true
	w.report(severity, code, message)
}

// report reports a finding of the value at the current path.
func (w *walk) report(severity domain.Severity, code, message string) {
	if w.trying {
		w.failed = w.failed || severity == domain.Fault
		return
	}
	expression := w.expression()
	for i := range w.issues { // an element and its slice may demand the same
		if w.issues[i].Message == message && w.issues[i].Expression[0] == expression {
			return
		}
	}
	if severity == domain.Fault {
		if w.faults >= mostIssues {
			return
		}
		w.faults++
	} else if len(w.issues)-w.faults >= mostIssues {
		return
	}
	issue := domain.Issue{Severity: severity, Code: code, Message: message, Expression: []string{expression}}
	for i := len(w.path) - 1; i >= 0; i-- { // what is missing has the place of its parent
		if place := w.path[i].place; place.Exists() && place.Document() == w.root.Document() {
			issue.Line, issue.Column = place.Document().Position(place.NameStart())
			break
		}
	}
	w.issues = append(w.issues, issue)
}

// expression writes the current path.
func (w *walk) expression() string {
	var path []byte
	for i, s := range w.path {
		if i > 0 {
			path = append(path, '.')
		}
		path = append(path, s.name...)
		if s.index != noIndex {
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(s.index), 10)
			path = append(path, ']')
		}
	}
	return string(path)
}
