package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// A head is what a client needs to know of an answer before its body.
type head struct {
	status   int
	length   int // -1 when unknown
	chunked  bool
	closing  bool
	location span
}

// A span is a place in a buffer.
type span struct{ start, end int }

// parseHead reads the status line and those fields that matter.
func parseHead(text []byte) (head, error) {
	h := head{length: -1}
	if len(text) < 12 || !bytes.HasPrefix(text, []byte("HTTP/1.")) {
		return h, fmt.Errorf("no HTTP/1 answer: %.40q", text)
	}
	status, err := strconv.Atoi(string(text[9:12]))
	if err != nil {
		return h, fmt.Errorf("status line: %.40q", text)
	}
	h.status, h.closing = status, text[7] == '0'
	for at := bytes.IndexByte(text, '\n') + 1; at < len(text); {
		end := at + bytes.IndexByte(text[at:], '\n')
		if end < at {
			break
		}
		if err := h.field(text, at, end); err != nil {
			return h, err
		}
		at = end + 1
	}
	return h, nil
}

// field takes one line of the header, text[at:end].
func (h *head) field(text []byte, at, end int) error {
	line := text[at:end]
	colon := bytes.IndexByte(line, ':')
	switch colon { // by the length of the name first: most fields are not ours
	case len("location"), len("connection"), len("content-length"), len("transfer-encoding"):
	default:
		return nil
	}
	value := bytes.TrimSpace(line[colon+1:])
	switch name := line[:colon]; {
	case bytes.EqualFold(name, []byte("location")):
		start := at + colon + 1 + bytes.Index(line[colon+1:], value)
		h.location = span{start, start + len(value)}
	case bytes.EqualFold(name, []byte("content-length")):
		n, err := strconv.ParseUint(string(value), 10, 40)
		if err != nil {
			return fmt.Errorf("content-length %q", value)
		}
		h.length = int(n)
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		h.chunked = bytes.Contains(bytes.ToLower(value), []byte("chunked"))
	case bytes.EqualFold(name, []byte("connection")):
		h.closing = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// createdID finds the id of a created resource of a type: in the Location
// (…/Patient/17/_history/1), else as the first member id of the body.
func createdID(a answer, typeName string) []byte {
	for end := len(a.location); ; {
		at := bytes.LastIndex(a.location[:end], []byte(typeName))
		if at < 0 {
			break
		}
		after := a.location[at+len(typeName):]
		if (at == 0 || a.location[at-1] == '/') && len(after) > 1 && after[0] == '/' {
			id, _, _ := bytes.Cut(after[1:], []byte{'/'})
			return id
		}
		end = at
	}
	_, after, found := bytes.Cut(a.body, []byte(`"id"`))
	if !found {
		return nil
	}
	after = bytes.TrimLeft(after, " \t\r\n:")
	if len(after) == 0 || after[0] != '"' {
		return nil
	}
	id, _, found := bytes.Cut(after[1:], []byte{'"'})
	if !found {
		return nil
	}
	return id
}

// countEntries counts the entries of a transaction's answer by the class of
// their status: those that succeeded and the others. Only a status of HTTP
// begins with a digit, so a resource's own status is not taken for one.
func countEntries(body []byte) (done, failed int) {
	for rest := body; ; {
		at := bytes.Index(rest, []byte(`"status"`))
		if at < 0 {
			return done, failed
		}
		rest = rest[at+len(`"status"`):]
		value := bytes.TrimLeft(rest[:min(len(rest), 16)], " \t\r\n:")
		if len(value) < 2 || value[0] != '"' || value[1] < '0' || value[1] > '9' {
			continue
		}
		if value[1] == '2' {
			done++
		} else {
			failed++
		}
	}
}
