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
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
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
	found := map[string]int{}
	for _, path := range tables {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := storetest.Entries(content, func(key, value []byte) { found[string(key[:len(key)-8])] = len(value) }); err != nil {
			t.Fatal(err)
		}
		content[len(content)/3] ^= 1
		if err := storetest.Entries(content, func(key, value []byte) {}); err == nil {
			t.Error("a damaged table is read as if it were whole")
		}
	}
	for i := range 5000 {
		if n, there := found[fmt.Sprintf("key of some length %06d", i)]; !there || n != i%40 {
			t.Fatalf("key %d: %d bytes, there: %t", i, n, there)
		}
	}
}
