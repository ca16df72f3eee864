package replay

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"fhirlog/domain/event"
	"fhirlog/domain/registry"
	"fhirlog/eventlog"
)

// Scanner is what FindErasures and FindLost need of a log.
type Scanner interface {
	Durable() eventlog.Position
	Read(p eventlog.Position) (eventlog.Record, error)
	ReadMetadata(p eventlog.Position) (eventlog.Record, error)
	Scan(ctx context.Context, from eventlog.Position, withBodies bool, fn func(eventlog.Record) error) error
}

// Erasures are the bodies that nothing answers with any more, as of any instant,
// and that the log still has; and the records that have the id of a resource which was
// hard deleted.
//
// They are a pure function of the log. A hard delete takes all versions of a
// resource, $purge-history all but the current one, those included that a version
// had replaced before; the event names the last of them, and each version its
// predecessor. An earlier life of the same id has been taken by an event of its own.
//
// One type is treated apart: versions of a SearchParameter that were purged or
// replaced keep their bodies as long as the resource is not hard deleted. What of
// the index follows from a definition depends on all versions of it (package
// registry), and they hold nothing of a patient.
type Erasures struct {
	Named    uint64 // of versions that a hard delete or $purge-history has taken
	Replaced uint64 // of versions that the next one has replaced, as no history is kept
	// IDs is the number of records with the id of a resource that was hard deleted: its
	// versions, its purges, and its erasure itself. A later life of the same id is
	// another resource, and keeps it.
	IDs uint64

	positions, ids *roaring64.Bitmap
}

// Any says whether there are any bodies; ids says that ids count as well.
func (e *Erasures) Any(ids bool) bool { return e.Named+e.Replaced > 0 || ids && e.IDs > 0 }

// Positions lists those of the bodies, ascending.
func (e *Erasures) Positions() iter.Seq[eventlog.Position] { return positions(e.positions) }

// IDPositions lists the records that have such an id, ascending.
func (e *Erasures) IDPositions() iter.Seq[eventlog.Position] { return positions(e.ids) }

// WithIDs has a compaction erase the ids as well. The log has to say so before; see
// commit.AnnounceErasedIDs.
func (e *Erasures) WithIDs(o eventlog.CompactOptions) eventlog.CompactOptions {
	o.Metadata, o.Stub = e.IDPositions(), event.Stub
	return o
}

func positions(of *roaring64.Bitmap) iter.Seq[eventlog.Position] {
	return func(yield func(eventlog.Position) bool) {
		for it := of.Iterator(); it.HasNext(); {
			if !yield(eventlog.Position(it.Next())) {
				return
			}
		}
	}
}

// FindErasures reads the metadata of all that is durable now. gently lets it rest
// as long as it works, in short turns.
func FindErasures(ctx context.Context, log Scanner, gently bool) (*Erasures, error) {
	f := newErasureFinder(log)
	began := time.Now()
	err := log.Scan(ctx, 0, false, func(r eventlog.Record) error {
		if gently && r.Position%restEvery == restEvery-1 {
			select {
			case <-time.After(time.Since(began)):
			case <-ctx.Done():
				return ctx.Err()
			}
			began = time.Now()
		}
		if err := f.take(&r); err != nil {
			return fmt.Errorf("position %d: %w", r.Position, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is to be erased: %w", err)
	}
	f.named.And(f.bodies)
	f.replaced.And(f.bodies)
	f.replaced.AndNot(f.named)
	f.takePurges()
	e := &Erasures{
		Named: f.named.GetCardinality(), Replaced: f.replaced.GetCardinality(), IDs: f.ids.GetCardinality(),
		positions: f.named, ids: f.ids,
	}
	e.positions.Or(f.replaced)
	return e, nil
}

// restEvery is about some milliseconds of work.
const restEvery = 4096

// erasureFinder takes the records of a log, one after the other.
type erasureFinder struct {
	log      Scanner
	bodies   *roaring64.Bitmap // records that have one
	named    *roaring64.Bitmap // with a version, all before it are here
	replaced *roaring64.Bitmap
	ids      *roaring64.Bitmap // versions of what was hard deleted, and the events that did it
	purges   []purge
	unknown  *roaring64.Bitmap // records whose id is erased already
	// definitions says that versions of a SearchParameter are not treated apart.
	definitions bool
}

// purge is an event that purged a history: where it is, and what was current then.
type purge struct{ position, current uint64 }

func newErasureFinder(log Scanner) *erasureFinder {
	return &erasureFinder{
		log: log, bodies: roaring64.New(), named: roaring64.New(), replaced: roaring64.New(),
		ids: roaring64.New(), unknown: roaring64.New(),
	}
}

func (f *erasureFinder) take(r *eventlog.Record) error {
	if r.HasBody {
		f.bodies.Add(uint64(r.Position))
	}
	e, err := event.Decode(r.Metadata)
	if err != nil {
		return err
	}
	if e.IDErased {
		f.unknown.Add(uint64(r.Position))
	}
	defines := e.Type == registry.SearchParameter && !f.definitions
	switch e.Kind {
	case event.Written, event.Deleted:
		if e.DropsPrevious && e.Previous != event.NoPosition && !defines {
			f.replaced.Add(e.Previous)
		}
	case event.HistoryPurged:
		f.purges = append(f.purges, purge{uint64(r.Position), e.Previous})
		if defines {
			return nil
		}
		current, err := f.event(e.Previous)
		if err != nil {
			return err
		}
		return f.takeBack(current.Previous)
	case event.Erased:
		f.ids.Add(uint64(r.Position))
		return f.takeLife(e.Previous)
	}
	return nil
}

// takeLife takes a version and all before it, and their ids.
func (f *erasureFinder) takeLife(position uint64) error {
	for position != event.NoPosition && !f.ids.Contains(position) {
		f.named.Add(position)
		f.ids.Add(position)
		e, err := f.event(position)
		if err != nil {
			return err
		}
		position = e.Previous
	}
	return nil
}

// takePurges takes the ids of purges of what was hard deleted later, and leaves out
// those that are erased already.
func (f *erasureFinder) takePurges() {
	for _, p := range f.purges {
		if f.ids.Contains(p.current) {
			f.ids.Add(p.position)
		}
	}
	f.ids.AndNot(f.unknown)
}

// takeBack takes a version and all before it.
func (f *erasureFinder) takeBack(position uint64) error {
	for position != event.NoPosition && !f.named.Contains(position) {
		f.named.Add(position)
		e, err := f.event(position)
		if err != nil {
			return err
		}
		position = e.Previous
	}
	return nil
}

func (f *erasureFinder) event(position uint64) (event.Event, error) {
	r, err := f.log.ReadMetadata(eventlog.Position(position))
	if err != nil {
		return event.Event{}, err
	}
	return event.Decode(r.Metadata)
}
