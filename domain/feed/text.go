package feed

import (
	"fmt"
	"strconv"

	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

// AppendText appends the entry as a line for people, without its end. A body, if
// there is one, follows in a line of its own.
func (e *Entry) AppendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%10d  ", e.Position)
	dst = resource.AppendInstant(dst, e.Instant)
	dst = fmt.Appendf(dst, "  %-14s  %s", happened(&e.Event), e.name())
	if e.Event.Version != 0 {
		dst = fmt.Appendf(dst, " version %d", e.Event.Version)
	}
	if e.Event.Author != "" {
		dst = append(dst, "  author "+printable(e.Event.Author)...)
	}
	if e.Event.RequestID != "" {
		dst = append(dst, "  request "+printable(e.Event.RequestID)...)
	}
	if e.Event.Address.IsValid() {
		dst = append(dst, "  address "+e.Event.Address.String()...)
	}
	if e.Event.Agent != "" {
		dst = strconv.AppendQuote(append(dst, "  agent "...), e.Event.Agent)
	}
	if e.Event.Reason != "" {
		dst = strconv.AppendQuote(append(dst, "  reason "...), e.Event.Reason)
	}
	if e.Content == Erased {
		dst = append(dst, "  (erased)"...)
	}
	if e.Body != nil {
		dst = append(append(dst, "\n            "...), e.Body...)
	}
	return dst
}

// name is the subject for people.
func (e *Entry) name() string {
	if e.Event.IDErased {
		return printable(string(e.Event.Type)) + " (id erased)"
	}
	return printable(e.Subject())
}

// printable keeps what came from a client from steering a terminal.
func printable(s string) string {
	for _, c := range s {
		if !event.Legible(c) {
			quoted := fmt.Sprintf("%q", s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
