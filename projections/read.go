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
	return p.moment(snapshot, snapshot).state(t, id)
}

// walkBack finds the version that was current before newer ones were applied
// beyond the snapshot.
func (p *Projections) walkBack(position, snapshot uint64) (resource.State, error) {
	for position != event.NoPosition {
		e, err := p.lookup(position)
		if err != nil || e.IDErased { // nothing answers with it, nor with what is before
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
	return p.now().read(t, id)
}

// ReadAsOf is Read as of the first snapshot records.
func (p *Projections) ReadAsOf(_ context.Context, t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error) {
	return p.moment(snapshot, 0).read(t, id)
}

func (m moment) read(t domain.ResourceType, id domain.LogicalID) (resource.Version, error) {
	state, err := m.visible(t, id)
	if err != nil {
		return resource.Version{}, err
	}
	if !state.Exists {
		return resource.Version{}, notFound(t)
	}
	if state.Deleted {
		deleted := domain.NewError(domain.Deleted, fmt.Sprintf("this %s was deleted; its history shows the versions before", t))
		deleted.Version = state.Version
		return resource.Version{}, deleted
	}
	return m.version(state.Position)
}

// ReadVersion returns one version of a resource, which may be its deletion. It
// fails with a domain.Error of kind NotFound.
func (p *Projections) ReadVersion(_ context.Context, t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (resource.Version, error) {
	m := p.now()
	state, err := m.state(t, id)
	if err != nil {
		return resource.Version{}, err
	}
	if !state.Exists || v > state.Version {
		return resource.Version{}, notFound(t)
	}
	if v == state.Version {
		return p.version(state.Position)
	}
	position, found, err := current.VersionPosition(p.store, t, id, v)
	if err == nil && (!found || position >= m.snapshot) {
		position, found, err = m.removedVersion(t, id, v)
	}
	if err != nil {
		return resource.Version{}, err
	}
	if !found {
		return resource.Version{}, notFound(t)
	}
	return p.version(position)
}

func notFound(t domain.ResourceType) error {
	return domain.NewError(domain.NotFound, fmt.Sprintf("there is no such %s here", t))
}
