package parameters

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/registry"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// The rows, by their second byte.
const (
	headerRow   = 'h'
	numberRow   = 'n'
	resourceRow = 'r'
	goneRow     = 'g'
	standardRow = 's'
	jobRow      = 'j'
	filledRow   = 'f'
	uncleanRow  = 'c'
)

// Rows is what the store holds.
type Rows struct {
	saved map[string]string // rows of the registry as they are in the store

	mu      sync.Mutex // guards the fields below
	filled  map[uint32]uint32
	unclean map[uint32]bool
}

var errDamaged = errors.New("the registry of search parameters is damaged; remove the projections folder to rebuild it")

// Open reads the rows. same is false if a definition is usable now and was not
// before, or the other way round: the index has to be computed anew.
func Open(s *store.Store, d *definitions.Definitions) (rows *Rows, r *registry.Registry, same bool, err error) {
	rows = &Rows{saved: map[string]string{}, filled: map[uint32]uint32{}, unclean: map[uint32]bool{}}
	held := *registry.New(d)
	err = s.Scan(store.Range{Prefix: []byte{keys.RegistryFamily}}, func(key, value []byte) (bool, error) {
		if err := rows.read(&held, key[1:], value); err != nil {
			return false, fmt.Errorf("%w (%w)", errDamaged, err)
		}
		return true, nil
	})
	if err != nil {
		return nil, nil, false, err
	}
	r, same = registry.Restore(d, held)
	return rows, r, same, nil
}

// read takes one row, whose key comes without the family.
func (rows *Rows) read(held *registry.Registry, key, value []byte) error {
	if len(key) == 0 {
		return errors.New("a key is cut")
	}
	row, rest := key[0], key[1:]
	switch row {
	case filledRow, uncleanRow:
		if len(rest) != 4 || row == filledRow && len(value) != 4 {
			return errors.New("a row about the folder is cut")
		}
		number := binary.BigEndian.Uint32(rest)
		if row == filledRow {
			rows.filled[number] = binary.BigEndian.Uint32(value)
		} else {
			rows.unclean[number] = true
		}
		return nil
	}
	rows.saved[string(key)] = string(value)
	switch row {
	case headerRow:
		var h header
		err := json.Unmarshal(value, &h)
		held.Through, held.Last = h.Through, h.Last
		return err
	case numberRow:
		n, err := decodeNumber(value)
		held.Numbers = append(held.Numbers, n)
		return err
	case resourceRow:
		resource, err := decodeResource(value)
		held.Resources[domain.LogicalID(rest)] = resource
		return err
	case goneRow:
		return json.Unmarshal(value, &held.Gone)
	case standardRow:
		held.Standard[string(rest)] = registry.Status(value)
		return nil
	case jobRow:
		j := &registry.Job{}
		held.Jobs = append(held.Jobs, j)
		return json.Unmarshal(value, j)
	}
	return fmt.Errorf("there is no row %q", row)
}

// Save adds the rows of a registry that have changed to the batch. Numbers that
// are gone are those whose entries must be removed still, unless they are known
// to be.
func (rows *Rows) Save(b *store.Batch, r *registry.Registry) error {
	now, err := encode(r)
	if err != nil {
		return err
	}
	for _, row := range sorted(rows.saved) {
		if _, stays := now[row]; !stays {
			b.Delete(keyOf(row))
		}
	}
	for _, row := range sorted(now) {
		if was, there := rows.saved[row]; !there || was != now[row] {
			b.Put(keyOf(row), []byte(now[row]))
		}
	}
	rows.saved = now
	return nil
}

func keyOf(row string) []byte { return append([]byte{keys.RegistryFamily}, row...) }

func numberKey(row byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{keys.RegistryFamily, row}, number)
}

func sorted[V any](rows map[string]V) []string {
	list := make([]string, 0, len(rows))
	for row := range rows {
		list = append(list, row)
	}
	slices.Sort(list)
	return list
}

// Filled returns how many blocks of the store hold the older entries of a
// number.
func (rows *Rows) Filled(number uint32) uint32 {
	rows.mu.Lock()
	defer rows.mu.Unlock()
	return rows.filled[number]
}

// Fill notes that the first blocks of the store, so many, hold the older entries
// of a number.
func (rows *Rows) Fill(b *store.Batch, number, blocks uint32) {
	rows.mu.Lock()
	defer rows.mu.Unlock()
	if rows.filled[number] < blocks {
		rows.filled[number] = blocks
		b.Put(numberKey(filledRow, number), binary.BigEndian.AppendUint32(nil, blocks))
	}
}

// Unclean lists the numbers that may still have entries although they are gone.
func (rows *Rows) Unclean() []uint32 {
	rows.mu.Lock()
	defer rows.mu.Unlock()
	list := make([]uint32, 0, len(rows.unclean))
	for number := range rows.unclean {
		list = append(list, number)
	}
	slices.Sort(list)
	return list
}

// Soil notes that a number is gone and may still have entries.
func (rows *Rows) Soil(b *store.Batch, number uint32) {
	rows.mu.Lock()
	defer rows.mu.Unlock()
	rows.unclean[number] = true
	b.Put(numberKey(uncleanRow, number), nil)
}

// Clear notes that a number has no entries any more.
func (rows *Rows) Clear(b *store.Batch, number uint32) {
	rows.mu.Lock()
	defer rows.mu.Unlock()
	if rows.unclean[number] {
		delete(rows.unclean, number)
		b.Delete(numberKey(uncleanRow, number))
	}
	if _, there := rows.filled[number]; there {
		delete(rows.filled, number)
		b.Delete(numberKey(filledRow, number))
	}
}
