package feed

import (
	"net/netip"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// Filter says which events are asked for; the zero Filter asks for all changes of
// resources that can still be seen.
type Filter struct {
	Types        []domain.ResourceType // empty: all
	Type         domain.ResourceType   // with ID: of one resource
	ID           domain.LogicalID
	Author       string     // empty: all
	Agent        string     // the same
	Address      netip.Addr // zero: all
	Interactions uint32     // bit set by number; 0: all
	// All asks for what is about no resource as well, and for what is left of events
	// whose version is erased: never their content.
	All bool
}

// Words are a Filter as somebody writes it; lists have commas.
type Words struct {
	Type, Resource, Author, Agent, Address, Interaction string
}

// mostListed bounds a list of words.
const mostListed = 200

// Parse reads the words. isType knows the resource types.
func (w Words) Parse(isType func(string) bool) (Filter, error) {
	var f Filter
	if w.Type != "" {
		for i, name := range strings.Split(w.Type, ",") {
			if i == mostListed || !isType(name) {
				return Filter{}, domain.NewError(domain.Invalid, "type must name resource types of this FHIR version, such as Patient,Observation.")
			}
			f.Types = append(f.Types, domain.ResourceType(name))
		}
	}
	if w.Resource != "" {
		var err error
		if f.Type, f.ID, err = ParseResource(w.Resource, isType); err != nil {
			return Filter{}, err
		}
	}
	if w.Interaction != "" {
		for name := range strings.SplitSeq(w.Interaction, ",") {
			number, known := interactionNamed(name)
			if !known {
				return Filter{}, domain.NewError(domain.Invalid, "interaction must be one or more of "+strings.Join(interactions[1:], ",")+".")
			}
			f.Interactions |= 1 << number
		}
	}
	if w.Address != "" {
		var known bool
		if f.Address, known = event.ParseAddress(w.Address); !known {
			return Filter{}, domain.NewError(domain.Invalid, "address must be an IP address, such as 192.0.2.7 or 2001:db8::1.")
		}
	}
	f.Author, f.Agent = w.Author, w.Agent
	return f, nil
}

// ParseResource reads the name of a resource, such as Patient/1.
func ParseResource(text string, isType func(string) bool) (domain.ResourceType, domain.LogicalID, error) {
	name, rest, _ := strings.Cut(text, "/")
	id, err := domain.ParseLogicalID(rest)
	if err != nil || !isType(name) {
		return "", "", domain.NewError(domain.Invalid, "A resource is named by a type of this FHIR version and an id, such as Patient/1.")
	}
	return domain.ResourceType(name), id, nil
}

// Wants says whether the event is asked for, if its version can still be seen.
func (f *Filter) Wants(e *event.Event) bool {
	switch {
	case f.Interactions != 0 && f.Interactions&(1<<e.Interaction) == 0,
		f.Author != "" && f.Author != e.Author,
		f.Agent != "" && f.Agent != e.Agent,
		f.Address.IsValid() && f.Address != e.Address:
		return false
	case e.Kind.Administrative():
		return len(f.Types) == 0 && f.ID == "" && (f.All || f.Interactions != 0)
	case f.ID != "" && (e.ID != f.ID || e.Type != f.Type):
		return false
	}
	return f.wantsType(e.Type)
}

func (f *Filter) wantsType(t domain.ResourceType) bool {
	if len(f.Types) == 0 {
		return true
	}
	for _, wanted := range f.Types {
		if t == wanted {
			return true
		}
	}
	return false
}
