package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func small() Options { return Options{MemTableBytes: 1 << 20} }

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func put(t testing.TB, s *Store, pairs ...string) {
	t.Helper()
	b := s.NewBatch()
	for i := 0; i < len(pairs); i += 2 {
		b.Put([]byte(pairs[i]), []byte(pairs[i+1]))
	}
	if err := b.Commit(); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// scan lists key=value of a range, at most limit of them.
func scan(t testing.TB, s *Store, r Range, limit int) (list []string) {
	t.Helper()
	err := s.Scan(r, func(key, value []byte) (bool, error) {
		list = append(list, fmt.Sprintf("%s=%s", key, value))
		return len(list) < limit, nil
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return list
}

func TestScan(t *testing.T) {
	s := open(t, t.TempDir(), small())
	defer closed(t, s)
	put(t, s, "a", "0", "b", "1", "b\x00", "2", "ba", "3", "bb", "4", "b\xff\xff\xff\xff\xff\xff\xff\xff", "5", "c", "6")
	key := func(text string) []byte { return []byte(text) }
	for name, c := range map[string]struct {
		r     Range
		limit int
		want  []string
	}{
		"everything":               {Range{}, 99, []string{"a=0", "b=1", "b\x00=2", "ba=3", "bb=4", "b\xff\xff\xff\xff\xff\xff\xff\xff=5", "c=6"}},
		"everything downwards":     {Range{Reverse: true}, 3, []string{"c=6", "b\xff\xff\xff\xff\xff\xff\xff\xff=5", "bb=4"}},
		"prefix":                   {Range{Prefix: key("b")}, 99, []string{"b=1", "b\x00=2", "ba=3", "bb=4", "b\xff\xff\xff\xff\xff\xff\xff\xff=5"}},
		"prefix downwards":         {Range{Prefix: key("b"), Reverse: true}, 99, []string{"b\xff\xff\xff\xff\xff\xff\xff\xff=5", "bb=4", "ba=3", "b\x00=2", "b=1"}},
		"from a key":               {Range{Prefix: key("b"), Start: key("ba")}, 2, []string{"ba=3", "bb=4"}},
		"from between keys":        {Range{Prefix: key("b"), Start: key("b1")}, 1, []string{"ba=3"}},
		"from a key downwards":     {Range{Prefix: key("b"), Start: key("ba"), Reverse: true}, 2, []string{"ba=3", "b\x00=2"}},
		"from between, downwards":  {Range{Prefix: key("b"), Start: key("b1"), Reverse: true}, 1, []string{"b\x00=2"}},
		"keys only":                {Range{Prefix: key("bb"), KeysOnly: true}, 9, []string{"bb="}},
		"nothing has the prefix":   {Range{Prefix: key("bc")}, 9, nil},
		"nothing before the start": {Range{Prefix: key("b"), Start: key("b"), Reverse: true}, 9, []string{"b=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := scan(t, s, c.r, c.limit); !slices.Equal(got, c.want) {
				t.Errorf("Scan(%+v) = %q, want %q", c.r, got, c.want)
			}
		})
	}
	surprise := errors.New("surprise")
	if err := s.Scan(Range{}, func(_, _ []byte) (bool, error) { return true, surprise }); !errors.Is(err, surprise) {
		t.Errorf("Scan = %v, want the error of its function", err)
	}
	if found, err := s.Get(key("a"), func([]byte) error { return surprise }); !found || !errors.Is(err, surprise) {
		t.Errorf("Get = %t, %v, want the error of its function", found, err)
	}
	if found, err := s.Get(key("x"), nil); found || err != nil {
		t.Errorf("Get of nothing = %t, %v", found, err)
	}
}

func TestABatchKeepsItsOrder(t *testing.T) {
	s := open(t, t.TempDir(), small())
	defer closed(t, s)
	b := s.NewBatch()
	b.Put([]byte("k"), []byte("1"))
	b.Delete([]byte("k"))
	b.Put([]byte("k"), []byte("2"))
	b.Put([]byte("gone"), []byte("1"))
	b.Delete([]byte("gone"))
	b.Delete([]byte("never there"))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil { // empty now
		t.Fatal(err)
	}
	if got := scan(t, s, Range{}, 9); !slices.Equal(got, []string{"k=2"}) {
		t.Errorf("contents %q", got)
	}
}

// TestABatchLargerThanATransaction is cut at each of its transactions: what is
// there then is a prefix of its writes.
func TestABatchLargerThanATransaction(t *testing.T) {
	const writes = 5000
	cut := errors.New("cut")
	transactions := writes // until it is known
	for stopAt := 0; stopAt <= transactions; stopAt++ {
		done := 0
		o := small()
		o.BeforeWrite = func() error {
			if done == stopAt {
				return cut
			}
			done++
			return nil
		}
		dir := t.TempDir()
		s := open(t, dir, o)
		b := s.NewBatch()
		for i := range writes {
			// Keys in an order that is not that of the writes.
			b.Put(binary.BigEndian.AppendUint32(nil, uint32(i)*2654435761), binary.BigEndian.AppendUint32(nil, uint32(i)))
		}
		err := b.Commit()
		if err == nil {
			transactions = done
		} else if !errors.Is(err, cut) {
			t.Fatal(err)
		}
		count, highest := 0, -1
		scanErr := s.Scan(Range{}, func(_, value []byte) (bool, error) {
			count++
			highest = max(highest, int(binary.BigEndian.Uint32(value)))
			return true, nil
		})
		if scanErr != nil || highest != count-1 || (err == nil) != (count == writes) {
			t.Errorf("cut before transaction %d (%v): %d writes are there, the last is number %d; %v", stopAt, err, count, highest, scanErr)
		}
		closed(t, s)
	}
	if transactions < 3 || transactions == writes {
		t.Errorf("the batch took %d transactions: the test reached too little", transactions)
	}
}

// TestAfterAnUncleanStop: memtable logs are dropped, and the tables hold a
// prefix of all writes.
func TestAfterAnUncleanStop(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small())
	const batches = 60
	value := bytes.Repeat([]byte("v"), 1000)
	for i := range batches {
		b := s.NewBatch()
		for j := range 60 {
			b.Put(fmt.Appendf(nil, "%02d-%04d", (i*7+j)%60, i), value)
		}
		b.Put([]byte("cursor"), binary.BigEndian.AppendUint32(nil, uint32(i+1)))
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	// Let the flushes end, then take the folder as a kill would leave it.
	killed := settledCopy(t, s, dir)
	closed(t, s)

	s = open(t, killed, small())
	cursor := uint32(0)
	if _, err := s.Get([]byte("cursor"), func(v []byte) error { cursor = binary.BigEndian.Uint32(v); return nil }); err != nil {
		t.Fatal(err)
	}
	if cursor == 0 || cursor == batches {
		t.Fatalf("cursor %d: the test wants some of the batches in tables, and some not", cursor)
	}
	seen := map[uint32]int{}
	err := s.Scan(Range{}, func(key, _ []byte) (bool, error) {
		var slot, batch uint32
		if n, _ := fmt.Sscanf(string(key), "%d-%d", &slot, &batch); n == 2 {
			seen[batch]++
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range cursor {
		if seen[i] != 60 {
			t.Errorf("the cursor is %d, and batch %d has %d keys of 60", cursor, i, seen[i])
		}
	}
	closed(t, s)
	s = open(t, dir, small()) // the clean stop lost nothing
	defer closed(t, s)
	if _, err := s.Get([]byte("cursor"), func(v []byte) error { cursor = binary.BigEndian.Uint32(v); return nil }); err != nil || cursor != batches {
		t.Errorf("after a clean stop the cursor is %d, %v", cursor, err)
	}
}

// settledCopy copies a folder as a kill would leave it: the manifest first, since
// the tables that it names are complete, and again if a table came or went
// meanwhile.
func settledCopy(t *testing.T, s *Store, dir string) string {
	t.Helper()
	for range 1000 {
		before := tableNames(t, dir)
		manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "killed")
		err = os.CopyFS(copied, os.DirFS(dir))
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, "MANIFEST"), manifest, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil && len(s.db.Tables()) > 0 && slices.Equal(before, tableNames(t, dir)) && len(before) == len(s.db.Tables()) {
			return copied
		}
	}
	t.Fatal("the store does not come to rest")
	return ""
}

func tableNames(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	return names
}

// TestAFolderInUseIsLeftAlone: a second Open must not take files away from
// those who have the folder.
func TestAFolderInUseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small())
	put(t, s, "k", "v")
	logs, _ := filepath.Glob(filepath.Join(dir, "*.mem"))
	if len(logs) == 0 {
		t.Fatal("no memtable log: the test has nothing to look at")
	}
	if _, err := Open(dir, small()); !errors.Is(err, ErrInUse) {
		t.Errorf("the second Open: %v, want ErrInUse", err)
	}
	for _, path := range logs {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the second Open removed %s", filepath.Base(path))
		}
	}
	closed(t, s)
	s = open(t, dir, small())
	defer closed(t, s)
	if got := scan(t, s, Range{}, 9); !slices.Equal(got, []string{"k=v"}) {
		t.Errorf("contents %q", got)
	}
	if s.Bytes() < 0 {
		t.Errorf("Bytes = %d", s.Bytes())
	}
}

func TestOpenSaysWhyItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if s, err := Open(dir, small()); err == nil {
			t.Errorf("Open(%s) succeeded", dir)
			s.Close()
		}
	}
}
