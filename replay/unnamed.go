package replay

import (
	"crypto/sha256"
	"slices"

	"fhirlog/domain/event"
	"fhirlog/eventlog"
)

// Erasure is what an audit of erasures has to know of a record: that its body was
// erased, or what it takes.
type Erasure struct {
	position uint64
	resource [16]byte // a hash of type and id
	erased   bool
	kind     event.Kind
	previous uint64
	drops    bool
}

// ErasureOf decodes the metadata of a record. matters says whether an audit of
// erasures needs it.
func ErasureOf(r *eventlog.Record) (e Erasure, matters bool, err error) {
	decoded, err := event.Decode(r.Metadata)
	if err != nil {
		return e, false, err
	}
	taking := decoded.Kind == event.Erased || decoded.Kind == event.HistoryPurged
	if !r.Erased && !taking && !decoded.DropsPrevious {
		return e, false, nil
	}
	hash := sha256.Sum256([]byte(string(decoded.Type) + "/" + string(decoded.ID)))
	return Erasure{
		position: uint64(r.Position), resource: [16]byte(hash[:]), erased: r.Erased,
		kind: decoded.Kind, previous: decoded.Previous, drops: decoded.DropsPrevious,
	}, true, nil
}

// ErasureAudit finds bodies that are erased and that no event has taken: somebody
// removed them by hand. The zero value is ready.
type ErasureAudit struct {
	Named uint64 // erased bodies that an event has taken

	open map[[16]byte][]uint64 // positions of erased bodies without an event so far
}

// Add takes what matters of the records, in order of position.
func (a *ErasureAudit) Add(e *Erasure) {
	switch {
	case e.kind == event.Erased:
		a.take(e.resource, func(uint64) bool { return true })
	case e.kind == event.HistoryPurged:
		a.take(e.resource, func(p uint64) bool { return p < e.previous })
	case e.drops:
		a.take(e.resource, func(p uint64) bool { return p == e.previous })
	}
	if e.erased {
		if a.open == nil {
			a.open = map[[16]byte][]uint64{}
		}
		a.open[e.resource] = append(a.open[e.resource], e.position)
	}
}

func (a *ErasureAudit) take(resource [16]byte, taken func(position uint64) bool) {
	open := a.open[resource]
	before := len(open)
	if open = slices.DeleteFunc(open, taken); len(open) == 0 {
		delete(a.open, resource)
	} else {
		a.open[resource] = open
	}
	a.Named += uint64(before - len(open))
}

// Unnamed is the first position whose body is erased and that no event has taken; ok
// is false if there is none.
func (a *ErasureAudit) Unnamed() (position uint64, ok bool) {
	for _, open := range a.open {
		if !ok || open[0] < position {
			position, ok = open[0], true
		}
	}
	return position, ok
}
