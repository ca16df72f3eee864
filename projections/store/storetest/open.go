package storetest

import (
	"testing"

	"fhirlog/projections/store"
)

// Options are those of a small store.
func Options() store.Options { return store.Options{MemTableBytes: 1 << 20} }

// Open opens the store in a folder.
func Open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, Options())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// New opens a new store, which is closed at the end of the test.
func New(t testing.TB) *store.Store {
	t.Helper()
	s := Open(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Contents are all keys with their values.
func Contents(t testing.TB, s *store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.Scan(store.Range{}, func(key, value []byte) (bool, error) {
		all[string(key)] = string(value)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
