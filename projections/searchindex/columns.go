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
	scratch column
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

// columnKeys lists the columns whose key begins so. It leaps from one to the
// next, over their blocks.
func (v *view) columnKeys(beginning []byte) (names [][]byte, err error) {
	prefix := keys.IndexPrefix(keys.Columns, beginning)
	for at := prefix; v.stored > 0 && at != nil; {
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
		at = next
	}
	v.inHeads(beginning, false, func(_ *head, e *entry) {
		if e.kind == search.Column {
			names = append(names, []byte(e.key))
		}
	})
	slices.SortFunc(names, slices.Compare)
	return slices.CompactFunc(names, slices.Equal), nil
}

func (o *between) size() int                { return math.MaxInt - 1 }
func (o *between) blocks() ([]uint32, bool) { return nil, len(o.columns) > 0 }

func (o *between) fill(block uint32, mask, dst *set) error {
	for i := range o.columns {
		c := &o.columns[i]
		err := o.e.column(c.key, block, &o.scratch, func(values *column) {
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

// column hands over the values of a column in a block, if there are any.
func (v *view) column(key []byte, block uint32, scratch *column, use func(values *column)) error {
	if block < v.stored {
		_, err := v.x.store.Get(keys.Index(keys.Columns, string(key), block), func(value []byte) error {
			if err := decodeColumn(scratch, value); err != nil {
				return err
			}
			use(scratch)
			return nil
		})
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
