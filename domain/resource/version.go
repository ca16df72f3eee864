package resource

import (
	"strconv"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// Version is one version of a resource as the log holds it. The deletion of a
// resource is a version without a body.
type Version struct {
	Type        domain.ResourceType
	ID          domain.LogicalID
	Version     domain.VersionID
	Position    uint64 // of its event in the log
	Instant     int64  // meta.lastUpdated, in milliseconds since 1970 UTC
	Interaction event.Interaction
	Deleted     bool
	Body        []byte // stored form, see the package comment; nil for a deletion
	MetaAt      int    // offset in Body where versionId and lastUpdated go
}

// FromEvent puts together the version that an event of kind Written or Deleted
// describes. It keeps body.
func FromEvent(e *event.Event, position uint64, instant int64, body []byte) Version {
	v := Version{
		Type: e.Type, ID: e.ID, Version: e.Version,
		Position: position, Instant: instant, Interaction: e.Interaction,
		Deleted: e.Kind == event.Deleted,
	}
	if !v.Deleted {
		v.Body, v.MetaAt = body, e.MetaAt
	}
	return v
}

// LastUpdated returns the instant as a time in UTC.
func (v *Version) LastUpdated() time.Time { return time.UnixMilli(v.Instant).UTC() }

// AppendJSON appends the resource as clients see it: the stored body with
// meta.versionId and meta.lastUpdated in place. It must not be called for a
// deletion.
func (v *Version) AppendJSON(dst []byte) []byte {
	dst = append(dst, v.Body[:v.MetaAt]...)
	dst = append(dst, `"versionId":"`...)
	dst = strconv.AppendUint(dst, uint64(v.Version), 10)
	dst = append(dst, `","lastUpdated":"`...)
	dst = AppendInstant(dst, v.Instant)
	dst = append(dst, '"')
	if v.Body[v.MetaAt] != '}' {
		dst = append(dst, ',')
	}
	return append(dst, v.Body[v.MetaAt:]...)
}

// AppendInstant appends a FHIR instant in UTC with milliseconds
// (https://hl7.org/fhir/R4/datatypes.html#instant).
func AppendInstant(dst []byte, milliseconds int64) []byte {
	return time.UnixMilli(milliseconds).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// State is what is known of a resource at some moment without reading it.
type State struct {
	Exists   bool // there is a version, though it may be a deletion
	Position uint64
	Version  domain.VersionID
	Deleted  bool
	Old      bool // versions before this one are kept
}
