package feed

import (
	"fmt"

	"fhirlog/domain/resource"
)

// AppendText appends the entry as a line for people, without its end. A body, if
// there is one, follows in a line of its own.
func (e *Entry) AppendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%10d  ", e.Position)
	dst = resource.AppendInstant(dst, e.Instant)
	dst = fmt.Appendf(dst, "  %-14s  %s", happened(&e.Event), printable(e.Subject()))
	if e.Event.Version != 0 {
		dst = fmt.Appendf(dst, " version %d", e.Event.Version)
	}
	if e.Event.Author != "" {
		dst = append(dst, "  author "+printable(e.Event.Author)...)
	}
	if e.Event.RequestID != "" {
		dst = append(dst, "  request "+printable(e.Event.RequestID)...)
	}
	if e.Content == Erased {
		dst = append(dst, "  (erased)"...)
	}
	if e.Body != nil {
		dst = append(append(dst, "\n            "...), e.Body...)
	}
	return dst
}

// printable keeps what came from a client from steering a terminal.
func printable(s string) string {
	for _, c := range s {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			quoted := fmt.Sprintf("%q", s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}
