package current

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// Row is the current state of one resource.
type Row struct {
	Position uint64
	Version  domain.VersionID
	Deleted  bool
	Kept     uint64
	Touched  uint64
}

const flagDeleted = 1

func (r Row) encode() []byte {
	var flags uint64
	if r.Deleted {
		flags |= flagDeleted
	}
	b := make([]byte, 0, 16)
	for _, n := range [...]uint64{r.Position, uint64(r.Version), flags, r.Kept, r.Touched} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

var errDamaged = errors.New("a row of the current state is damaged; remove the projections folder to rebuild it")

func decodeRow(b []byte) (Row, error) {
	var fields [5]uint64
	for i := range fields {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return Row{}, errDamaged
		}
		fields[i], b = n, b[size:]
	}
	if len(b) != 0 || fields[2]&^flagDeleted != 0 {
		return Row{}, errDamaged
	}
	return Row{
		Position: fields[0],
		Version:  domain.VersionID(fields[1]),
		Deleted:  fields[2]&flagDeleted != 0,
		Kept:     fields[3],
		Touched:  fields[4],
	}, nil
}

// Get returns the row of a resource as last applied.
func Get(s *store.Store, t domain.ResourceType, id domain.LogicalID) (row Row, found bool, err error) {
	found, err = s.Get(keys.Current(t, id), func(value []byte) error {
		row, err = decodeRow(value)
		return err
	})
	return row, found, err
}

// VersionPosition returns the position of a version that is not current.
func VersionPosition(s *store.Store, t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (position uint64, found bool, err error) {
	found, err = s.Get(keys.Version(t, id, v), func(value []byte) error {
		position, err = decodePosition(value)
		return err
	})
	return position, found, err
}

// OldVersions calls fn for the kept versions before the current one, from
// version start on (or down), until fn returns false.
func OldVersions(s *store.Store, t domain.ResourceType, id domain.LogicalID, start domain.VersionID, down bool, fn func(v domain.VersionID, position uint64) bool) error {
	r := store.Range{Prefix: keys.Versions(t, id), Start: keys.Version(t, id, start), Reverse: down}
	return s.Scan(r, func(key, value []byte) (bool, error) {
		position, err := decodePosition(value)
		if err != nil {
			return false, err
		}
		return fn(keys.VersionOf(key), position), nil
	})
}

// Each calls fn for every resource of a type, in the order of ids, until it fails.
func Each(s *store.Store, t domain.ResourceType, fn func(id domain.LogicalID, row Row) error) error {
	return s.Scan(store.Range{Prefix: keys.Current(t, "")}, func(key, value []byte) (bool, error) {
		row, err := decodeRow(value)
		if err != nil {
			return false, err
		}
		_, id, _ := keys.ParseCurrent(key)
		return true, fn(id, row)
	})
}

func decodePosition(value []byte) (uint64, error) {
	position, size := binary.Uvarint(value)
	if size != len(value) || size <= 0 {
		return 0, errDamaged
	}
	return position, nil
}

// Lookup reads the event at a position from the log.
type Lookup func(position uint64) (event.Event, error)

// Applier applies events to the rows, one batch after the other. It belongs to
// one goroutine.
type Applier struct {
	store  *store.Store
	lookup Lookup
	rows   map[string]*Row // changed in this batch; nil for an erased resource
}

// NewApplier makes an Applier over a store.
func NewApplier(s *store.Store, lookup Lookup) *Applier {
	return &Applier{store: s, lookup: lookup, rows: map[string]*Row{}}
}

// Apply adds the effect of the event at position to the batch.
func (a *Applier) Apply(b *store.Batch, position uint64, e event.Event) error {
	if e.Kind.Administrative() || e.IDErased {
		return nil
	}
	key := string(keys.Current(e.Type, e.ID))
	row, err := a.rowFor(key, e)
	if err != nil {
		return err
	}
	if row != nil && row.Touched >= position {
		return nil
	}
	switch e.Kind {
	case event.Written, event.Deleted:
		a.rows[key] = a.write(b, row, position, e)
	case event.HistoryPurged:
		if row == nil {
			return nil
		}
		purged := *row
		purged.Kept, purged.Touched = 1, position
		a.rows[key] = &purged
		return a.dropOld(b, e, purged.Position)
	case event.Erased:
		a.rows[key] = nil
		return a.dropOld(b, e, e.Previous)
	default:
		return fmt.Errorf("event kind %d at position %d cannot be applied", e.Kind, position)
	}
	return nil
}

// rowFor returns the row before the event; a resource that is new needs no
// look at the store.
func (a *Applier) rowFor(key string, e event.Event) (*Row, error) {
	if row, changed := a.rows[key]; changed {
		return row, nil
	}
	if e.Previous == event.NoPosition {
		return nil, nil
	}
	row, found, err := Get(a.store, e.Type, e.ID)
	if err != nil || !found {
		return nil, err
	}
	return &row, nil
}

func (a *Applier) write(b *store.Batch, before *Row, position uint64, e event.Event) *Row {
	row := &Row{
		Position: position,
		Version:  e.Version,
		Deleted:  e.Kind == event.Deleted,
		Kept:     1,
		Touched:  position,
	}
	if before == nil {
		return row
	}
	row.Kept = before.Kept
	if !e.DropsPrevious {
		row.Kept++
		b.Put(keys.Version(e.Type, e.ID, before.Version), binary.AppendUvarint(nil, before.Position))
	}
	return row
}

// dropOld removes the keys of all versions before the one at position, which
// the log knows by walking back from event to event.
func (a *Applier) dropOld(b *store.Batch, e event.Event, position uint64) error {
	for position != event.NoPosition {
		at, err := a.lookup(position)
		if err != nil {
			return err
		}
		b.Delete(keys.Version(e.Type, e.ID, at.Version))
		position = at.Previous
	}
	return nil
}

// Finish adds the changed rows to the batch and begins the next one.
func (a *Applier) Finish(b *store.Batch) {
	changed := make([]string, 0, len(a.rows))
	for key := range a.rows {
		changed = append(changed, key)
	}
	slices.SortFunc(changed, strings.Compare)
	for _, key := range changed {
		if row := a.rows[key]; row != nil {
			b.Put([]byte(key), row.encode())
		} else {
			b.Delete([]byte(key))
		}
	}
	clear(a.rows)
}
