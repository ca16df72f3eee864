package feed

import "fhirlog/domain/event"

// typePrefix begins the types of events, MarkType is that of a mark.
const (
	typePrefix = "fhirlog."
	MarkType   = typePrefix + "log.reached"
)

// What happened, in a word: the ends of the types.
const (
	created   = "created"
	updated   = "updated"
	patched   = "patched"
	deleted   = "deleted"
	erased    = "erased"
	purged    = "history-purged"
	jobs      = "job.changed"
	parameter = "parameter.changed"
	ids       = "ids.erased"
)

// happened says what happened.
func happened(e *event.Event) string {
	switch e.Kind {
	case event.Deleted:
		return deleted
	case event.Erased:
		return erased
	case event.HistoryPurged:
		return purged
	case event.JobChanged:
		return jobs
	case event.ParameterStatus:
		return parameter
	case event.IDsErased:
		return ids
	}
	switch {
	case e.Interaction == event.Patch:
		return patched
	case e.Version == 1:
		return created
	}
	return updated
}

// TypeOf is the type of an event, such as fhirlog.resource.updated.
func TypeOf(e *event.Event) string {
	if e.Kind.Administrative() {
		return typePrefix + happened(e)
	}
	return typePrefix + "resource." + happened(e)
}

// kindOf inverts TypeOf as far as it goes.
func kindOf(typ string) (event.Kind, bool) {
	switch typ {
	case typePrefix + "resource." + created, typePrefix + "resource." + updated, typePrefix + "resource." + patched:
		return event.Written, true
	case typePrefix + "resource." + deleted:
		return event.Deleted, true
	case typePrefix + "resource." + erased:
		return event.Erased, true
	case typePrefix + "resource." + purged:
		return event.HistoryPurged, true
	case typePrefix + jobs:
		return event.JobChanged, true
	case typePrefix + parameter:
		return event.ParameterStatus, true
	case typePrefix + ids:
		return event.IDsErased, true
	}
	return 0, false
}

// interactions are the names of interactions, by number.
var interactions = [...]string{
	event.Create: "create", event.Update: "update", event.Patch: "patch", event.Delete: "delete",
	event.HardDelete: "hard-delete", event.PurgeHistory: "purge-history", event.Administer: "administer",
}

// interactionNamed finds an interaction by its name.
func interactionNamed(name string) (event.Interaction, bool) {
	for number, known := range interactions {
		if known == name && known != "" {
			return event.Interaction(number), true
		}
	}
	return 0, false
}
