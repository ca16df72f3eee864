package fhirxml

import (
	"bytes"
	"fmt"
	"strconv"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirxml/xmltext"
)

// DecodeError says why a text is not FHIR's XML, and where. It names elements but
// never the content of values, which may be a patient's.
type DecodeError struct {
	Offset  int    // byte offset of the fault
	Line    int    // from 1
	Column  int    // in characters, from 1
	Path    string // the element at fault, such as Patient.name[0].given[1]; "" outside of the resource
	Message string // what is wrong, and what would be right
}

// Error puts everything in one sentence.
func (e *DecodeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("line %d, column %d, at %s: %s", e.Line, e.Column, e.Path, e.Message)
}

// fail notes the first fault.
func (c *decoder) fail(offset int, message string) bool {
	if c.fault == nil {
		line, column := xmltext.Position(c.scan.Source(), offset)
		c.fault = &DecodeError{Offset: offset, Line: line, Column: column, Path: c.path(), Message: message}
	}
	return false
}

// greatestPath is how many bytes of a path are shown.
const greatestPath = 1000

// path is the FHIRPath of the element that is open. It is found by counting, and
// meant for messages.
func (c *decoder) path() string {
	var path []byte
	object := c.build.Draft() // which the children of the frame at hand belong to
	for i := range c.frames {
		f := &c.frames[i]
		if i == 0 {
			path = append(path, f.typ.Name...)
			continue
		}
		if f.flags&isResource != 0 {
			continue // the element around it is the step
		}
		path = append(path, '.')
		path = append(path, c.frames[i-1].typ.Elements[f.own].Name...)
		latest, count := latestItem(object, c.text(f.name))
		if f.flags&repeats != 0 {
			if f.flags&(wraps|filled) == wraps {
				count++ // it will stand in the JSON with the resource that it holds
			}
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(count-1), 10)
			path = append(path, ']')
		}
		if f.flags&primitive != 0 {
			latest, _ = latestItem(object, c.extraName(f))
		}
		object = latest
		if len(path) > greatestPath {
			return string(bytes.ToValidUTF8(path[:greatestPath], nil)) + "…"
		}
	}
	return string(path)
}

// latestItem finds the last value of a member, and counts them.
func latestItem(object fhirjson.Value, name []byte) (latest fhirjson.Value, count int) {
	for m := object.First(); m.Exists(); m = m.Next() {
		if !bytes.Equal(m.Name(), name) {
			continue
		}
		if m.Kind() != fhirjson.Array {
			latest, count = m, count+1
		}
		for item := m.First(); m.Kind() == fhirjson.Array && item.Exists(); item = item.Next() {
			latest, count = item, count+1
		}
	}
	return latest, count
}
