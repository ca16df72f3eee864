package feed

import (
	"strconv"

	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
)

// MediaType is that of an entry.
const MediaType = "application/cloudevents+json"

// AppendJSON appends the entry as a CloudEvent, in one line without its end. source
// names the log.
func (e *Entry) AppendJSON(dst []byte, source string) []byte {
	dst = append(dst, `{"specversion":"1.0","id":"`...)
	dst = strconv.AppendUint(dst, e.Position, 10)
	dst = append(dst, `","source":`...)
	dst = fhirjson.AppendQuoted(dst, source)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, TypeOf(&e.Event)...)
	dst = append(dst, '"')
	if subject := e.Subject(); subject != "" {
		dst = append(dst, `,"subject":`...)
		dst = fhirjson.AppendQuoted(dst, subject)
	}
	dst = append(dst, `,"time":"`...)
	dst = resource.AppendInstant(dst, e.Instant)
	dst = append(dst, `","datacontenttype":"application/json","data":`...)
	return append(e.appendData(dst), '}')
}

func (e *Entry) appendData(dst []byte) []byte {
	dst = append(dst, `{"from":`...)
	dst = strconv.AppendUint(dst, e.From, 10)
	dst = append(dst, `,"position":`...)
	dst = strconv.AppendUint(dst, e.Position, 10)
	dst = append(dst, `,"commitEnd":`...)
	dst = strconv.AppendBool(dst, e.CommitEnd)
	dst = append(dst, `,"interaction":"`...)
	dst = append(dst, interactions[e.Event.Interaction]...)
	dst = append(dst, '"')
	if e.Event.IDErased {
		dst = append(dst, `,"resourceType":`...)
		dst = fhirjson.AppendQuoted(dst, string(e.Event.Type))
		dst = append(dst, `,"idErased":true`...)
	}
	if e.Event.Version != 0 {
		dst = append(dst, `,"version":"`...)
		dst = strconv.AppendUint(dst, uint64(e.Event.Version), 10)
		dst = append(dst, '"')
	}
	if e.Event.Previous != event.NoPosition {
		dst = append(dst, `,"previous":`...)
		dst = strconv.AppendUint(dst, e.Event.Previous, 10)
	}
	dst = appendText(dst, "author", e.Event.Author)
	dst = appendText(dst, "requestId", e.Event.RequestID)
	dst = appendText(dst, "agent", e.Event.Agent)
	if e.Event.Address.IsValid() {
		dst = appendText(dst, "address", e.Event.Address.String())
	}
	dst = appendText(dst, "reason", e.Event.Reason)
	dst = appendText(dst, "content", e.Content.String())
	if e.Body != nil {
		name := `,"resource":`
		if e.Event.Kind.Administrative() {
			name = `,"details":`
		}
		dst = append(append(dst, name...), e.Body...)
	}
	return append(dst, '}')
}

// appendText appends a member, unless it is empty.
func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	return fhirjson.AppendQuoted(dst, value)
}

// AppendMark appends the mark that says that the positions from one to before
// another are accounted for, in one line without its end.
func AppendMark(dst []byte, source string, from, next uint64) []byte {
	dst = append(dst, `{"specversion":"1.0","id":"reached-`...)
	dst = strconv.AppendUint(dst, next, 10)
	dst = append(dst, `","source":`...)
	dst = fhirjson.AppendQuoted(dst, source)
	dst = append(dst, `,"type":"`+MarkType+`","datacontenttype":"application/json","data":{"from":`...)
	dst = strconv.AppendUint(dst, from, 10)
	dst = append(dst, `,"next":`...)
	dst = strconv.AppendUint(dst, next, 10)
	return append(dst, '}', '}')
}
