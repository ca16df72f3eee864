package replay

import (
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/feed"
	"fhirlog/domain/fhirjson"
	"fhirlog/eventlog"
)

// Life is all that the log tells of one resource, oldest first, without bodies.
type Life []feed.Entry

// gather is a Listener that keeps what it is told.
type gather struct{ life Life }

// Entry keeps an entry.
func (g *gather) Entry(e *feed.Entry) error {
	g.life = append(g.life, *e)
	return nil
}

// Reached is not needed.
func (g *gather) Reached(uint64, uint64) (bool, error) { return true, nil }

// Life reads what happened to a resource; nothing for one that never was.
func (a *Archive) Life(ctx context.Context, t domain.ResourceType, id domain.LogicalID) (Life, error) {
	var g gather
	err := a.Walk(ctx, feed.Query{Until: a.Applied(), Filter: feed.Filter{Type: t, ID: id, All: true}}, &g)
	return g.life, err
}

// At is the entry that says how the resource was when so many records were there: a
// version, a deletion, or the erasure of all there was; nil if it was not there yet.
func (l Life) At(snapshot uint64) *feed.Entry {
	var found *feed.Entry
	for i := range l {
		if l[i].Position >= snapshot {
			break
		}
		if l[i].Event.Kind != event.HistoryPurged { // the current version stays
			found = &l[i]
		}
	}
	return found
}

// Version is the version with a number that is not erased, or else the last one that
// was: after a hard delete numbers begin anew. nil if there never was one.
func (l Life) Version(v domain.VersionID) *feed.Entry {
	var found *feed.Entry
	for i := range l {
		e := &l[i]
		version := e.Event.Kind == event.Written || e.Event.Kind == event.Deleted
		if version && e.Event.Version == v {
			found = e
		}
	}
	return found
}

// Stored reads the content of an entry that is present, in the form in which it is
// stored: without versionId and lastUpdated.
func (a *Archive) Stored(e *feed.Entry) ([]byte, error) {
	r, err := a.Log.Read(eventlog.Position(e.Position))
	if err != nil {
		return nil, err
	}
	if !r.HasBody {
		return nil, fmt.Errorf("position %d has no content", e.Position)
	}
	return r.Body, nil
}

// entryAt reads the entry at a position.
func (a *Archive) entryAt(position uint64) (*feed.Entry, error) {
	r, err := a.Log.ReadMetadata(eventlog.Position(position))
	if err != nil {
		return nil, err
	}
	e := &feed.Entry{From: position, Position: position, Instant: r.Instant, CommitEnd: r.CommitEnd}
	if e.Event, err = event.Decode(r.Metadata); err != nil {
		return nil, fmt.Errorf("position %d: %w", position, err)
	}
	switch {
	case a.hidden.Contains(position) || r.Erased || r.MetadataErased && e.Event.Kind != event.Erased:
		e.Content = feed.Erased
	case r.HasBody:
		e.Content = feed.Present
	}
	return e, nil
}

// parse reads a stored body.
func parse(stored []byte) (fhirjson.Value, error) {
	document, err := fhirjson.Parse(stored, fhirjson.Limits{MaxDepth: 10_000})
	if err != nil {
		return fhirjson.Value{}, fmt.Errorf("a stored resource is not readable: %w", err)
	}
	return document.Root(), nil
}
