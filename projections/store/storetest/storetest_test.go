package storetest_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

// TestEntries: what was written is seen in the tables, and what was deleted or
// replaced may still be, which is why they are looked into.
func TestEntries(t *testing.T) {
	t.Run("plain", func(t *testing.T) { checkEntries(t, nil) })
	t.Run("encrypted", func(t *testing.T) { checkEntries(t, oneKey{}) })
}

// oneKey serves for all.
type oneKey struct{}

func (oneKey) New(string) ([32]byte, error) { return [32]byte{1, 2, 3}, nil }
func (oneKey) Key(string) ([32]byte, error) { return [32]byte{1, 2, 3}, nil }
func (oneKey) Drop(...string) error         { return nil }
func (oneKey) Names() []string              { return nil }

func checkEntries(t *testing.T, keys store.Keys) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for i := range 5000 {
		b.Put(fmt.Appendf(nil, "key of some length %06d", i), bytes.Repeat([]byte{byte(i)}, i%40))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*"+storetest.TableSuffix))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	var dataKeys []storetest.DataKey
	if keys != nil {
		if dataKeys, err = storetest.DataKeys(dir, keys); err != nil || len(dataKeys) != 1 {
			t.Fatalf("DataKeys: %d of them, %v", len(dataKeys), err)
		}
	}
	found := map[string]int{}
	for _, path := range tables {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := storetest.Entries(content, dataKeys, func(key, value []byte) { found[string(key[:len(key)-8])] = len(value) }); err != nil {
			t.Fatal(err)
		}
		if keys != nil {
			if err := storetest.Entries(content, nil, func(_, _ []byte) {}); err == nil {
				t.Error("an encrypted table is read without its key")
			}
		}
		content[len(content)/3] ^= 1
		if err := storetest.Entries(content, dataKeys, func(key, value []byte) {}); err == nil {
			t.Error("a damaged table is read as if it were whole")
		}
	}
	for i := range 5000 {
		if n, there := found[fmt.Sprintf("key of some length %06d", i)]; !there || n != i%40 {
			t.Fatalf("key %d: %d bytes, there: %t", i, n, there)
		}
	}
}
