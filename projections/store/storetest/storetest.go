// Package storetest shows what is in the files of a store, for tests that look
// for what must not be there. It goes past the store: what a table holds and no
// read would give any more, because it was deleted or replaced, is seen as well. It
// also opens small stores for tests.
package storetest

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2"

	"fhirlog/projections/store"
)

// TableSuffix ends the names of the files that Entries reads.
const TableSuffix = ".sst"

// DataKey is a key that tables are encrypted with.
type DataKey *pb.DataKey

// DataKeys are all keys that the tables of a folder may be encrypted with.
func DataKeys(dir string, keys store.Keys) (all []DataKey, err error) {
	name, err := store.KeyName(dir)
	if err != nil {
		return nil, err
	}
	key, err := keys.Key(name)
	if err != nil {
		return nil, err
	}
	registry, err := badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: dir, ReadOnly: true, EncryptionKey: key[:]})
	if err != nil {
		return nil, err
	}
	for id := uint64(1); ; id++ { // they are numbered
		key, err := registry.DataKey(id)
		if err != nil && len(all) > 0 {
			return all, nil // there is none of that number
		}
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
}

// Entries hands over every key and value in a table, given as the content of its
// file. Both are valid during the call. An encrypted table is under one of keys; there
// are none for one that is not.
func Entries(content []byte, keys []DataKey, visit func(key, value []byte)) error {
	if len(keys) == 0 {
		return entries(content, nil, visit)
	}
	var errs []error
	for _, key := range keys {
		err := entries(content, key, visit)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// entries reads a table with a key. With a wrong one, Badger may panic.
func entries(content []byte, key DataKey, visit func(key, value []byte)) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("open a table: %v", fault)
		}
	}()
	o := &table.Options{Compression: options.Snappy, ChkMode: options.OnBlockRead, DataKey: key}
	if key != nil {
		if o.IndexCache, err = ristretto.NewCache(&ristretto.Config[uint64, *fb.TableIndex]{NumCounters: 10, MaxCost: 1, BufferItems: 1}); err != nil {
			return err
		}
		defer o.IndexCache.Close()
	}
	t, err := table.OpenInMemoryTable(content, 1, o)
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
