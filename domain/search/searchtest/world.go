package searchtest

import (
	"cmp"
	"math"
	"slices"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
)

// Version is one version of a resource.
type Version struct {
	Position uint64
	Type     domain.ResourceType
	ID       domain.LogicalID
	Number   domain.VersionID
	Instant  int64 // milliseconds since 1970
	Deleted  bool
	Resource fhirjson.Value // absent for a deletion

	// superseded is the position from whose event on the version is not current.
	superseded uint64
	// gone says that the version was erased: it answers at no snapshot any more.
	gone bool
}

// never is the superseded of a current version.
const never = math.MaxUint64

type place struct {
	t  domain.ResourceType
	id domain.LogicalID
}

// World is every version of a log. Events are told in the order of positions.
type World struct {
	versions []*Version
	of       map[place][]*Version // oldest first
}

// NewWorld makes a World without versions.
func NewWorld() *World { return &World{of: map[place][]*Version{}} }

// Add tells of a version that was written, or of a deletion. With replaces, the
// version before was not kept.
func (w *World) Add(v Version, replaces bool) {
	added := v
	added.superseded, added.gone = never, false
	at := place{v.Type, v.ID}
	if before := w.last(at); before != nil {
		before.superseded = v.Position
		before.gone = before.gone || replaces
	}
	w.versions = append(w.versions, &added)
	w.of[at] = append(w.of[at], &added)
}

// Erase tells that all versions of a resource were erased.
func (w *World) Erase(t domain.ResourceType, id domain.LogicalID) {
	at := place{t, id}
	for _, v := range w.of[at] {
		v.gone = true
	}
	delete(w.of, at)
}

// Purge tells that all versions but the current one were erased.
func (w *World) Purge(t domain.ResourceType, id domain.LogicalID) {
	all := w.of[place{t, id}]
	for i := range all {
		all[i].gone = all[i].gone || i < len(all)-1
	}
}

func (w *World) last(at place) *Version {
	if all := w.of[at]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// Live returns the versions that are current as of a snapshot, in the order of
// positions, deletions left out.
func (w *World) Live(snapshot uint64) []*Version {
	var live []*Version
	for _, v := range w.versions {
		if v.isLive(snapshot) {
			live = append(live, v)
		}
	}
	slices.SortFunc(live, func(a, b *Version) int { return cmp.Compare(a.Position, b.Position) })
	return live
}

func (v *Version) isLive(snapshot uint64) bool {
	return v.Position < snapshot && v.superseded >= snapshot && !v.Deleted && !v.gone
}

// Current returns the version of a resource that is current as of a snapshot, nil
// if there is none or it is a deletion.
func (w *World) Current(t domain.ResourceType, id domain.LogicalID, snapshot uint64) *Version {
	for _, v := range w.of[place{t, id}] {
		if v.isLive(snapshot) {
			return v
		}
	}
	return nil
}

// Places lists the resources that have versions, in a fixed order.
func (w *World) Places() []Version {
	var places []Version
	for at, all := range w.of {
		last := all[len(all)-1]
		places = append(places, Version{Type: at.t, ID: at.id, Number: last.Number, Deleted: last.Deleted, Position: last.Position})
	}
	slices.SortFunc(places, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	return places
}
