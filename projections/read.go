package projections

import (
	"context"
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/projections/current"
)

// Current returns the state of a resource as of the first `snapshot` records,
// which must be a value that Applied has returned not long ago.
func (p *Projections) Current(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.State, error) {
	row, found, err := current.Get(p.store, t, id)
	if err != nil || !found {
		return resource.State{}, err
	}
	if row.Position < snapshot {
		return resource.State{Exists: true, Position: row.Position, Version: row.Version, Deleted: row.Deleted, Old: row.Kept > 1}, nil
	}
	return p.walkBack(row.Position, snapshot)
}

// walkBack finds the version that was current before newer ones were applied
// beyond the snapshot.
func (p *Projections) walkBack(position, snapshot uint64) (resource.State, error) {
	for position != event.NoPosition {
		e, err := p.lookup(position)
		if err != nil {
			return resource.State{}, err
		}
		if position < snapshot {
			return resource.State{
				Exists: true, Position: position, Version: e.Version,
				Deleted: e.Kind == event.Deleted, Old: e.Previous != event.NoPosition,
			}, nil
		}
		position = e.Previous
	}
	return resource.State{}, nil
}

// Read returns the current version of a resource. It fails with a domain.Error
// of kind NotFound, or Deleted with the version of the deletion.
func (p *Projections) Read(_ context.Context, t domain.ResourceType, id domain.LogicalID) (resource.Version, error) {
	return p.readAsOf(t, id, p.Applied())
}

func (p *Projections) readAsOf(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error) {
	row, err := p.currentAsOf(t, id, snapshot)
	if err != nil {
		return resource.Version{}, err
	}
	if !row.Exists {
		return resource.Version{}, notFound(t)
	}
	if row.Deleted {
		deleted := domain.NewError(domain.Deleted, fmt.Sprintf("this %s was deleted; its history shows the versions before", t))
		deleted.Version = row.Version
		return resource.Version{}, deleted
	}
	return p.version(row.Position)
}

// ReadVersion returns one version of a resource, which may be its deletion. It
// fails with a domain.Error of kind NotFound.
func (p *Projections) ReadVersion(_ context.Context, t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (resource.Version, error) {
	snapshot := p.Applied()
	row, err := p.Current(t, id, snapshot)
	if err != nil {
		return resource.Version{}, err
	}
	if !row.Exists || v > row.Version {
		return resource.Version{}, notFound(t)
	}
	if v == row.Version {
		return p.version(row.Position)
	}
	position, found, err := current.VersionPosition(p.store, t, id, v)
	if err != nil {
		return resource.Version{}, err
	}
	if !found || position >= snapshot {
		return resource.Version{}, notFound(t)
	}
	return p.version(position)
}

func notFound(t domain.ResourceType) error {
	return domain.NewError(domain.NotFound, fmt.Sprintf("there is no such %s here", t))
}
