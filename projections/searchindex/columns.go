package searchindex

import (
	"math"
	"slices"

	"fhirlog/domain/search"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// between holds where a column has a value that passes a test. Columns are read
// block by block, so that a page needs only the blocks it comes from.
type between struct {
	e       *evaluation
	columns []chosen
}

// chosen is a column with its test.
type chosen struct {
	key  []byte
	test func(low, high int64) bool
}

func (e *evaluation) between(b search.Between) (*between, error) {
	o := &between{e: e}
	if b.Whole && b.Select == nil {
		o.columns = []chosen{{b.Key, b.Test}}
		return o, nil
	}
	names, err := e.columnKeys(b.Key)
	if err != nil {
		return nil, err
	}
	for _, key := range names {
		test := b.Test
		if b.Select != nil {
			test = b.Select(valueOf(key))
		}
		if test != nil && (!b.Whole || string(key) == string(b.Key)) {
			o.columns = append(o.columns, chosen{key, test})
		}
	}
	return o, nil
}

// columnKeys lists the columns whose key begins so.
func (v *view) columnKeys(beginning []byte) (names [][]byte, err error) {
	if v.stored > 0 {
		if names, err = v.columnNames(beginning); err != nil {
			return nil, err
		}
	}
	stored := len(names)
	names = slices.Clip(names) // the list is shared
	v.inHeads(beginning, false, func(_ *head, e *entry) {
		if e.kind == search.Column {
			names = append(names, []byte(e.key))
		}
	})
	if len(names) == stored {
		return names, nil
	}
	slices.SortFunc(names, slices.Compare)
	return slices.CompactFunc(names, slices.Equal), nil
}

// columnNames is what the columns in the store are, as of the blocks that the
// view reads there or of more. The list must not be changed.
func (v *view) columnNames(beginning []byte) ([][]byte, error) {
	found, age, ok := v.x.names.get(string(beginning))
	if ok && found.through >= v.stored {
		return found.names, nil
	}
	names, err := v.storedColumns(beginning)
	if err != nil {
		return nil, err
	}
	bytes := 100
	for _, name := range names {
		bytes += 40 + len(name)
	}
	v.x.names.put(string(beginning), columnNames{v.stored, names}, bytes, age)
	return names, nil
}

// columnNames are the keys of columns that begin alike.
type columnNames struct {
	through uint32 // as of this many blocks in the store
	names   [][]byte
}

// What is kept in memory of columns, in bytes.
const (
	columnNamesBytes = 4 << 20
	columnsBytes     = 24 << 20
)

// columnID names a column in a block.
type columnID struct {
	key   string
	block uint32
}

// storedColumns finds the columns in the store whose key begins so. It leaps from
// one to the next, over their blocks.
func (v *view) storedColumns(beginning []byte) (names [][]byte, err error) {
	prefix := keys.IndexPrefix(keys.Columns, beginning)
	for at := prefix; at != nil; {
		var next []byte
		err := v.x.store.Scan(store.Range{Prefix: prefix, Start: at, KeysOnly: true}, func(storeKey, _ []byte) (bool, error) {
			indexKey, _, ok := keys.ParseIndex(storeKey)
			if !ok {
				return false, errDamaged
			}
			names = append(names, slices.Clone(indexKey))
			next = append(keys.Index(keys.Columns, string(indexKey), math.MaxUint32), 0)
			return false, nil
		})
		if err != nil {
			return nil, err
		}
		if at = next; v.ctx.Err() != nil {
			return nil, v.ctx.Err()
		}
	}
	return names, nil
}

func (o *between) size() int                { return math.MaxInt - 1 }
func (o *between) blocks() ([]uint32, bool) { return nil, len(o.columns) > 0 }

func (o *between) fill(block uint32, mask, dst *set) error {
	for i := range o.columns {
		c := &o.columns[i]
		err := o.e.column(c.key, block, func(values *column) {
			for i, low := range values.lows {
				if mask.has(low) && c.test(values.low[i], values.high[i]) {
					dst.add(low)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// column hands over the values of a column in a block, if there are any. They
// must not be changed.
func (v *view) column(key []byte, block uint32, use func(values *column)) error {
	if block < v.stored {
		values, err := v.storedColumn(key, block)
		if err == nil && values != nil {
			use(values)
		}
		return err
	}
	v.x.mu.RLock()
	defer v.x.mu.RUnlock()
	for _, h := range v.heads {
		if h.block == block {
			if e := h.byKey[string(key)]; e != nil {
				use(&column{lows: e.lows, low: e.low, high: e.high})
			}
		}
	}
	return nil
}

// storedColumn reads a column of a block in the store; nil if there is none,
// which is remembered as well.
func (v *view) storedColumn(key []byte, block uint32) (*column, error) {
	id := columnID{string(key), block}
	values, age, ok := v.x.columns.get(id)
	if ok {
		return values, nil
	}
	_, err := v.x.store.Get(keys.Index(keys.Columns, id.key, block), func(value []byte) error {
		values = &column{}
		return decodeColumn(values, value)
	})
	if err != nil {
		return nil, err
	}
	bytes := 150 + len(key)
	if values != nil {
		bytes += 18 * len(values.lows)
	}
	v.x.columns.put(id, values, bytes, age)
	return values, nil
}

// forget drops what is kept in memory of a slot.
func (x *Index) forget(slot search.Slot) {
	x.cache.forget(slot)
	x.columns.drop(func(id columnID) bool { return search.SlotOf([]byte(id.key)) == slot })
	x.names.drop(func(beginning string) bool { return search.SlotOf([]byte(beginning)) == slot })
}
