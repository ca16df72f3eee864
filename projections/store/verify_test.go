package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// folderWithTables holds some hundred keys in one table or more.
func folderWithTables(t testing.TB, keys int, o Options) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, o)
	for i := 0; i < keys; i += 100 {
		b := s.NewBatch()
		for j := range 100 {
			b.Put(fmt.Appendf(nil, "key-%06d", i+j), bytes.Repeat([]byte{byte(j), byte(j * 7), byte(i)}, j/4))
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	return dir
}

// TestADamagedTableIsFound changes bytes of a table, and cuts it. Either the
// damage is found, or the keys and values are the same: compressed data can say
// one thing in two ways.
func TestADamagedTableIsFound(t *testing.T) {
	for mode, o := range modes() {
		step := 5
		if testing.Short() || mode == "encrypted" {
			step = 41 // what is checked once decrypted is the same
		}
		t.Run(mode, func(t *testing.T) { checkDamageIsFound(t, o, step) })
	}
}

func checkDamageIsFound(t *testing.T, o Options, step int) {
	dir := folderWithTables(t, 300, o)
	path, key := filepath.Join(dir, tableNames(t, dir)[0]), tableKey(t, dir, o)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyTable(path, key, true); err != nil {
		t.Fatalf("an undamaged table: %v", err)
	}
	s := open(t, dir, o)
	want := scan(t, s, Range{}, 1000)
	closed(t, s)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for at := 0; at < len(good); at += step {
		if at > len(good)-700 {
			step = 1 // the index and what follows it, byte by byte
		}
		bad := bytes.Clone(good)
		bad[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if verifyTable(path, key, true) != nil {
			continue
		}
		s := open(t, dir, o)
		if got := scan(t, s, Range{}, 1000); !slices.Equal(got, want) {
			t.Errorf("seed %d: byte %d of %d was changed from %#x to %#x, and the table passes with other contents", seed, at, len(good), good[at], bad[at])
		}
		closed(t, s)
	}
	for _, length := range []int{0, 3, 4, 100, len(good) / 2, len(good) - 1} {
		if err := os.WriteFile(path, good[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, o); !errors.Is(err, errTableDamaged) {
			t.Errorf("Open with the first %d bytes of %d of a table: %v", length, len(good), err)
		}
	}
}

// tableKey is the key of the only table of a folder.
func tableKey(t *testing.T, dir string, o Options) []byte {
	t.Helper()
	tables, err := tablesInUse(dir)
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables in use: %v, %v", tables, err)
	}
	key, err := o.key(dir)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := openRegistry(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = registry.of(tables[0]); err != nil || (key != nil) != (o.Keys != nil) {
		t.Fatalf("the key of a table has %d bytes: %v", len(key), err)
	}
	return key
}

// TestAnUnfinishedTableIsNoDamage: a stop in the middle of a flush leaves a file
// that the manifest does not name.
func TestAnUnfinishedTableIsNoDamage(t *testing.T) {
	dir := folderWithTables(t, 200, small())
	if err := os.WriteFile(filepath.Join(dir, "000099.sst"), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, small())
	defer closed(t, s)
	if got := scan(t, s, Range{KeysOnly: true}, 1000); len(got) != 200 {
		t.Errorf("%d keys, want 200", len(got))
	}
}

// TestVerifyFindsWhatAQuickOpenDoesNot damages a block after a clean stop: the
// store opens, Verify finds the damage, and from then on Open does too.
func TestVerifyFindsWhatAQuickOpenDoesNot(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for i := range 2000 {
		b.Put(fmt.Appendf(nil, "key%06d", i), fmt.Appendf(nil, "value%d", i*i))
	}
	if err := errors.Join(b.Commit(), s.Verify(), s.Close()); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	table, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	table[len(table)/4] ^= 1
	if err := os.WriteFile(tables[0], table, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatalf("Open after a clean stop: %v", err)
	}
	if s.Verify() == nil {
		t.Error("Verify does not find the damage")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir, Options{}); err == nil {
		t.Error("Open does not find the damage that Verify found")
		s.Close()
	}
}
