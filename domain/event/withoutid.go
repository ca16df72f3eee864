package event

import (
	"errors"
	"strings"

	"fhirlog/domain"
)

// errWithoutID: there is no id to erase.
var errWithoutID = errors.New("event: there is no id of a resource to erase")

// WithoutID gives what is left of an event when the id of its resource is erased: what
// happened to a resource of which type, with which number and after which version, who
// asked, with what and why. What a client said goes as well where it names the id.
//
// The result stands in the place of the metadata of a record, and nothing was
// committed to it: see package record.
func (e *Event) WithoutID() (Event, error) {
	if e.IDErased || e.Kind.Administrative() {
		return Event{}, errWithoutID
	}
	left := *e
	left.ID, left.IDErased, left.MetaAt = "", true, 0
	for _, said := range []*string{&left.Author, &left.Agent, &left.Reason} {
		if names(*said, e.ID) {
			*said = ""
		}
	}
	return left, nil
}

// names says whether an id stands in a text as a word of its own, in capitals or not.
func names(text string, id domain.LogicalID) bool {
	text, word := strings.ToLower(text), strings.ToLower(string(id))
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		begin, end := from+i, from+i+len(word)
		if (begin == 0 || !ofIDs(text[begin-1])) && (end == len(text) || !ofIDs(text[end])) {
			return true
		}
		from = begin + 1
	}
	return false
}

// ofIDs says whether ids have such a character, but for the full stop, which also ends
// sentences.
func ofIDs(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

// Stub is WithoutID of the metadata of a record.
func Stub(metadata []byte) ([]byte, error) {
	e, err := Decode(metadata)
	if err != nil {
		return nil, err
	}
	left, err := e.WithoutID()
	if err != nil {
		return nil, err
	}
	return left.Append(nil), nil
}
