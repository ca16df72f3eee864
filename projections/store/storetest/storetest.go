// Package storetest shows what is in the files of a store, for tests that look
// for what must not be there. It goes past the store: what a table holds and no
// read would give any more, because it was deleted or replaced, is seen as well.
package storetest

import (
	"fmt"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// TableSuffix ends the names of the files that Entries reads.
const TableSuffix = ".sst"

// Entries hands over every key and value in a table, given as the content of its
// file. Both are valid during the call.
func Entries(content []byte, visit func(key, value []byte)) error {
	t, err := table.OpenInMemoryTable(content, 1, &table.Options{Compression: options.Snappy, ChkMode: options.OnBlockRead})
	if err != nil {
		return fmt.Errorf("open a table: %w", err)
	}
	it := t.NewIterator(0)
	defer it.Close()
	n := uint32(0)
	for it.Rewind(); it.Valid(); it.Next() {
		value := it.ValueCopy()
		visit(it.Key(), value.Value)
		n++
	}
	if want := t.KeyCount(); n != want {
		return fmt.Errorf("read a table: %d entries of %d", n, want)
	}
	return nil
}
