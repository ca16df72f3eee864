package projections

import (
	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/projections/current"
	"fhirlog/projections/searchindex"
)

// moment is the projections as one answer sees them: the records below the snapshot,
// without what events below the horizon have removed. What is applied while the
// answer is made changes nothing of it. Written versions are beyond the snapshot;
// and what is removed, a moment finds among the latest removals, which the index
// knows before anything is gone from the store: so whoever has missed something
// there, and asks the index then, has it.
type moment struct {
	*Projections
	snapshot, horizon uint64
}

// Moments tell the search index of the log and of the current state.
var _ searchindex.Source = moment{}

// moment is that of an answer; a horizon of 0 means what is applied now.
func (p *Projections) moment(snapshot, horizon uint64) moment {
	if horizon == 0 {
		horizon = p.Applied()
	}
	return moment{p, snapshot, max(snapshot, horizon)}
}

// now is the moment of all that is applied.
func (p *Projections) now() moment {
	applied := p.Applied()
	return p.moment(applied, applied)
}

// errContentGone: a version was erased while something was answered of a moment
// before, and so soon that a compaction has taken its content already.
var errContentGone = domain.NewError(domain.Unavailable,
	"Something that belongs to the answer was erased while it was being made, and its content is gone. Ask again.")

// state is the state of a resource at the snapshot, also where its version was
// removed before the horizon.
func (m moment) state(t domain.ResourceType, id domain.LogicalID) (resource.State, error) {
	row, found, err := current.Get(m.store, t, id)
	if err != nil {
		return resource.State{}, err
	}
	if found && row.Position < m.snapshot {
		return resource.State{Exists: true, Position: row.Position, Version: row.Version, Deleted: row.Deleted, Old: row.Kept > 1}, nil
	}
	if found {
		if state, err := m.walkBack(row.Position, m.snapshot); err != nil || state.Exists {
			return state, err
		}
	}
	return m.erasedState(t, id)
}

// erasedState is the state of a resource that an event beyond the horizon has erased.
func (m moment) erasedState(t domain.ResourceType, id domain.LogicalID) (resource.State, error) {
	removals, err := m.index.RemovedSince(m.horizon, t, id)
	for _, r := range removals {
		if !r.Last {
			continue
		}
		if state, err := m.walkBack(r.Position, m.snapshot); err != nil || state.Exists {
			return state, err
		}
	}
	return resource.State{}, err
}

// visible is the state of a resource; where its version was removed before the
// horizon, there is none.
func (m moment) visible(t domain.ResourceType, id domain.LogicalID) (resource.State, error) {
	state, err := m.state(t, id)
	if err != nil || !state.Exists {
		return state, err
	}
	if removed, err := m.index.IsRemoved(state.Position, m.horizon); err != nil || removed {
		return resource.State{}, err
	}
	return state, nil
}

// removedVersion finds a version of a resource that an event beyond the horizon has
// removed.
func (m moment) removedVersion(t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (position uint64, found bool, err error) {
	removals, err := m.index.RemovedSince(m.horizon, t, id)
	for _, r := range removals {
		if r.Position >= m.snapshot {
			continue
		}
		e, err := m.lookup(r.Position)
		if err != nil || e.Version == v {
			return r.Position, err == nil, err
		}
	}
	return 0, false, err
}

// Resolve returns the position of the version of a resource that is current as of a
// snapshot; ok is false where there is none, or where it is a deletion.
func (m moment) Resolve(t domain.ResourceType, id domain.LogicalID, snapshot uint64) (position uint64, ok bool, err error) {
	state, err := m.moment(snapshot, m.horizon).visible(t, id)
	return state.Position, state.Exists && !state.Deleted, err
}

// Load is that of Projections. It fails when the moment sees the version, and a
// compaction has taken its body since.
func (m moment) Load(position uint64, use func(resource fhirjson.Value) error) error {
	loaded := false
	err := m.Projections.Load(position, func(resource fhirjson.Value) error {
		loaded = true
		return use(resource)
	})
	if err != nil || loaded {
		return err
	}
	removed, err := m.index.IsRemoved(position, m.horizon)
	if err != nil || removed {
		return err
	}
	if e, err := m.lookup(position); err != nil || e.Kind != event.Written {
		return err
	}
	return errContentGone
}

// Extract adds the index values of the version at a position to v. It fails where
// Load does.
func (m moment) Extract(position uint64, v *search.Values) error {
	return m.Load(position, func(resource fhirjson.Value) error {
		m.Parameters().Extract(v, resource)
		return nil
	})
}
