package replay

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// Erasure is what an audit of erasures has to know of a record: that its body or its id
// was erased, or what it takes.
type Erasure struct {
	position uint64
	resource resourceHash
	erased   bool // the body
	unknown  bool // the id, and the body with it if there was one
	kind     event.Kind
	previous uint64
	drops    bool
	ids      event.Positions // whose ids it takes
}

// resourceHash stands for type and id.
type resourceHash [16]byte

func hashOf(t domain.ResourceType, id domain.LogicalID) resourceHash {
	sum := sha256.Sum256([]byte(string(t) + "/" + string(id)))
	return resourceHash(sum[:])
}

// ErasureOf decodes the metadata of a record, and the body of one that erases ids.
// matters says whether an audit of erasures needs it. It fails for metadata that cannot
// stand where they do.
func ErasureOf(r *eventlog.Record) (e Erasure, matters bool, err error) {
	decoded, err := event.Decode(r.Metadata)
	if err != nil {
		return e, false, err
	}
	e = Erasure{position: uint64(r.Position), erased: r.Erased, kind: decoded.Kind, previous: decoded.Previous, drops: decoded.DropsPrevious}
	switch {
	case r.MetadataErased && !decoded.IDErased:
		return e, false, errors.New("what stands in the place of erased metadata has an id: it was put there by hand")
	case !r.MetadataErased && decoded.IDErased:
		return e, false, errors.New("an event without an id stands where nothing was erased")
	case decoded.IDErased:
		e.unknown = true
		return e, true, nil
	case decoded.Kind == event.IDsErased:
		e.ids, err = event.ParsePositions(r.Body, e.position)
		return e, true, err
	}
	taking := decoded.Kind == event.Erased || decoded.Kind == event.HistoryPurged
	if !r.Erased && !taking && !decoded.DropsPrevious {
		return e, false, nil
	}
	e.resource = hashOf(decoded.Type, decoded.ID)
	return e, true, nil
}

// ErasureAudit finds bodies and ids that are erased and that no event has taken:
// somebody removed them by hand. The zero value is ready.
//
// A body is taken by an event about the same resource, an id, and what went with it, by
// one that lists the record.
type ErasureAudit struct {
	Named uint64 // erased bodies that an event about their resource has taken
	IDs   uint64 // erased ids that an event has taken

	open    map[resourceHash][]uint64 // positions of erased bodies without an event so far
	unknown roaring64.Bitmap          // positions of erased ids without an event so far
}

// Add takes what matters of the records, in order of position.
func (a *ErasureAudit) Add(e *Erasure) {
	switch {
	case e.unknown:
		a.unknown.Add(e.position)
		return
	case e.kind == event.IDsErased:
		before := a.unknown.GetCardinality()
		for _, r := range e.ids {
			a.unknown.RemoveRange(r[0], r[1]+1)
		}
		a.IDs += before - a.unknown.GetCardinality()
		return
	case e.kind == event.Erased:
		a.take(e.resource, func(uint64) bool { return true })
	case e.kind == event.HistoryPurged:
		a.take(e.resource, func(p uint64) bool { return p < e.previous })
	case e.drops:
		a.take(e.resource, func(p uint64) bool { return p == e.previous })
	}
	if e.erased {
		if a.open == nil {
			a.open = map[resourceHash][]uint64{}
		}
		a.open[e.resource] = append(a.open[e.resource], e.position)
	}
}

func (a *ErasureAudit) take(resource resourceHash, taken func(position uint64) bool) {
	open := a.open[resource]
	before := len(open)
	if open = slices.DeleteFunc(open, taken); len(open) == 0 {
		delete(a.open, resource)
	} else {
		a.open[resource] = open
	}
	a.Named += uint64(before - len(open))
}

// Unnamed is the first position of which something is erased that no event has taken;
// ok is false if there is none.
func (a *ErasureAudit) Unnamed() (position uint64, ok bool) {
	for _, open := range a.open {
		if !ok || open[0] < position {
			position, ok = open[0], true
		}
	}
	if !a.unknown.IsEmpty() && (!ok || a.unknown.Minimum() < position) {
		position, ok = a.unknown.Minimum(), true
	}
	return position, ok
}
