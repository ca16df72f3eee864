package searchindex

import (
	"encoding/binary"
	"testing"

	"fhirlog/projections/store"
)

// storedCursor reads a cursor from a store.
func storedCursor(t *testing.T, s *store.Store, key []byte) (cursor uint64) {
	t.Helper()
	if _, err := s.Get(key, func(value []byte) error {
		cursor = binary.BigEndian.Uint64(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return cursor
}
