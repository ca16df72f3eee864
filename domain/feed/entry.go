package feed

import (
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
)

// Content says what there is to read of the version that an event wrote.
type Content uint8

// The states of content.
const (
	None    Content = iota // the event has no content, such as a deletion
	Present                // it can be read
	Erased                 // nothing answers with the version any more
)

var contentNames = [...]string{None: "none", Present: "present", Erased: "erased"}

// String is the name in an entry.
func (c Content) String() string { return contentNames[c] }

// Entry is what is told of one event.
type Entry struct {
	From      uint64 // it accounts for the positions from here to its own
	Position  uint64
	Instant   int64 // of its commit, in milliseconds since 1970
	CommitEnd bool
	Event     event.Event // MetaAt and DropsPrevious are not told
	Content   Content
	Body      []byte // JSON as it is read; nil unless it was asked for and is present
}

// SetBody takes the body of the record, in the form in which it is stored.
func (e *Entry) SetBody(stored []byte) {
	if e.Event.Kind != event.Written {
		e.Body = stored
		return
	}
	v := resource.FromEvent(&e.Event, e.Position, e.Instant, stored)
	e.Body = v.AppendJSON(make([]byte, 0, len(stored)+80))
}

// Subject names what the event is about, "" for nothing that has a name, or whose id
// is erased.
func (e *Entry) Subject() string {
	if e.Event.Kind.Administrative() || e.Event.ID == "" {
		return string(e.Event.ID)
	}
	return string(e.Event.Type) + "/" + string(e.Event.ID)
}

// Listener is told the events of a log, in order. An error ends the telling.
type Listener interface {
	// Entry is called for each event. The entry is valid during the call.
	Entry(e *Entry) error
	// Reached is called when all positions from one to before another are accounted
	// for: after some entries, and now and then while nothing comes. told says that
	// they were passed on, so that what follows need not account for them again.
	Reached(from, next uint64) (told bool, err error)
}
