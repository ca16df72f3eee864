package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// cloudEvent is an entry or a mark as JSON.
type cloudEvent struct {
	SpecVersion, ID, Source, Type, Subject, Time string

	Data struct {
		From, Position, Next uint64
		CommitEnd            bool
		Interaction, Version string
		Previous             *uint64
		Author               string
		RequestID            string `json:"requestId"`
		Agent, Address       string
		Reason               string
		Content              string
		ResourceType         string
		IDErased             bool
		Resource, Details    json.RawMessage
	}
}

// ParseJSON reads what AppendJSON or AppendMark wrote: an entry, or nil and the
// position that a mark says is reached.
func ParseJSON(line []byte) (e *Entry, next uint64, err error) {
	var c cloudEvent
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, 0, fmt.Errorf("no event in JSON: %w", err)
	}
	if c.SpecVersion != "1.0" {
		return nil, 0, errors.New("no CloudEvent of version 1.0")
	}
	if c.Type == MarkType {
		return nil, c.Data.Next, nil
	}
	e, err = c.entry()
	return e, 0, err
}

func (c *cloudEvent) entry() (*Entry, error) {
	e := &Entry{From: c.Data.From, Position: c.Data.Position, CommitEnd: c.Data.CommitEnd, Body: c.Data.Resource}
	var known bool
	if e.Event.Kind, known = kindOf(c.Type); !known {
		return nil, errors.New("an event of an unknown type: the server is of a later version than this program")
	}
	if e.Event.Interaction, known = interactionNamed(c.Data.Interaction); !known {
		return nil, errors.New("an event with an unknown interaction")
	}
	at, err := time.Parse(time.RFC3339, c.Time)
	if err != nil || c.ID != strconv.FormatUint(e.Position, 10) || e.From > e.Position {
		return nil, errors.New("an event whose time or position is wrong")
	}
	e.Instant = at.UnixMilli()
	for state, name := range contentNames {
		if name == c.Data.Content {
			e.Content = Content(state)
		}
	}
	if e.Event.Kind.Administrative() {
		e.Event.ID, e.Body = domain.LogicalID(c.Subject), c.Data.Details
	} else {
		name, id, _ := strings.Cut(c.Subject, "/")
		e.Event.Type, e.Event.ID = domain.ResourceType(name), domain.LogicalID(id)
		if e.Event.IDErased = c.Data.IDErased; e.Event.IDErased {
			e.Event.Type = domain.ResourceType(c.Data.ResourceType)
		}
		if e.Event.Version, err = domain.ParseVersionID(c.Data.Version); err != nil {
			return nil, errors.New("an event without a version")
		}
	}
	e.Event.Previous = event.NoPosition
	if c.Data.Previous != nil {
		e.Event.Previous = *c.Data.Previous
	}
	e.Event.Author, e.Event.RequestID = c.Data.Author, c.Data.RequestID
	e.Event.Agent, e.Event.Reason = c.Data.Agent, c.Data.Reason
	if c.Data.Address != "" {
		if e.Event.Address, known = event.ParseAddress(c.Data.Address); !known {
			return nil, errors.New("an event with an address that is none")
		}
	}
	return e, nil
}
