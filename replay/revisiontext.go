package replay

import (
	"fmt"
	"strconv"

	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/jsondiff"
	"fhirlog/domain/resource"
)

// AppendText appends the revision for people, in lines that all end.
func (r *Revision) AppendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%s/%s %s", r.Type, r.ID, r.Outcome)
	if r.Before != nil && r.Before.Event.Version != 0 {
		dst = fmt.Appendf(dst, ", version %d", r.Before.Event.Version)
		if r.After != nil && r.After.Event.Version != 0 {
			dst = fmt.Appendf(dst, " to %d", r.After.Event.Version)
		}
	}
	if r.After != nil {
		dst = append(dst, ", "...)
		dst = resource.AppendInstant(dst, r.After.Instant)
		dst = fmt.Appendf(dst, ", position %d", r.After.Position)
	}
	dst = append(dst, '\n')
	switch {
	case r.Outcome == Updated && r.Before.Content == feed.Erased:
		dst = append(dst, "  (the former content is erased)\n"...)
	case r.Outcome == Updated && len(r.Changes) == 0:
		dst = append(dst, "  (the content is the same)\n"...)
	}
	for i := range r.Changes {
		dst = appendChange(dst, &r.Changes[i])
	}
	return dst
}

func appendChange(dst []byte, c *jsondiff.Change) []byte {
	sign := map[jsondiff.Op]string{jsondiff.Add: "+", jsondiff.Remove: "-", jsondiff.Replace: "~"}[c.Op]
	dst = append(append(append(append(dst, "  "...), sign...), ' '), c.Place...)
	dst = append(dst, ": "...)
	if c.Op != jsondiff.Add {
		dst = fhirjson.AppendCompact(dst, c.Before, nil)
	}
	if c.Op == jsondiff.Replace {
		dst = append(dst, " -> "...)
	}
	if c.Op != jsondiff.Remove {
		dst = fhirjson.AppendCompact(dst, c.After, nil)
	}
	return append(dst, '\n')
}

// AppendJSON appends the revision as a line of JSON without its end: resource and
// outcome; before and after, with position, time and version; of an update the patch
// (RFC 6902), of what was created its content.
func (r *Revision) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"resource":"`...)
	dst = append(dst, string(r.Type)+"/"+string(r.ID)...)
	dst = append(dst, `","outcome":"`...)
	dst = append(dst, r.Outcome...)
	dst = append(dst, '"')
	dst = appendSide(dst, "before", r.Before)
	dst = appendSide(dst, "after", r.After)
	switch {
	case r.Outcome == Updated && r.Before.Content == feed.Present:
		dst = append(dst, `,"patch":`...)
		dst = jsondiff.AppendPatch(dst, r.Changes)
	case r.After != nil && r.After.Body != nil:
		dst = append(append(dst, `,"content":`...), r.After.Body...)
	}
	return append(dst, '}')
}

func appendSide(dst []byte, name string, e *feed.Entry) []byte {
	if e == nil {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":{"position":`...)
	dst = strconv.AppendUint(dst, e.Position, 10)
	dst = append(dst, `,"time":"`...)
	dst = resource.AppendInstant(dst, e.Instant)
	dst = append(dst, `","type":"`+feed.TypeOf(&e.Event)+`"`...)
	if e.Event.Kind == event.Written || e.Event.Kind == event.Deleted {
		dst = append(dst, `,"version":"`+e.Event.Version.String()+`"`...)
	}
	dst = append(dst, `,"content":"`+e.Content.String()+`"`...)
	return append(dst, '}')
}

// AppendPatch appends the JSON Patch of an update. There is none where one of the
// contents is missing.
func (r *Revision) AppendPatch(dst []byte) ([]byte, error) {
	switch {
	case r.Outcome != Updated:
		return nil, fmt.Errorf("%s/%s was %s between the two moments: no patch leads from one to the other", r.Type, r.ID, r.Outcome)
	case r.Before.Content != feed.Present:
		return nil, fmt.Errorf("the former content of %s/%s is erased: there is no patch that leads from it", r.Type, r.ID)
	}
	return jsondiff.AppendPatch(dst, r.Changes), nil
}
