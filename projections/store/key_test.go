package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// ring keeps keys in memory.
type ring struct {
	mu   sync.Mutex
	keys map[string][32]byte
	fail error
}

func newRing() *ring { return &ring{keys: map[string][32]byte{}} }

var errNoSuchKey = errors.New("there is no such key")

func (r *ring) New(name string) (key [32]byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return key, r.fail
	}
	rand.Read(key[:])
	r.keys[name] = key
	return key, nil
}

func (r *ring) Key(name string) ([32]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key, ok := r.keys[name]; ok {
		return key, nil
	}
	return [32]byte{}, errNoSuchKey
}

func (r *ring) Drop(names ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		delete(r.keys, name)
	}
	return r.fail
}

func (r *ring) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.keys))
}

// modes are the options in plain, and encrypted.
func modes() map[string]Options {
	encrypted := small()
	encrypted.Keys = newRing()
	return map[string]Options{"plain": small(), "encrypted": encrypted}
}

// holds says in which files of a folder a text stands.
func holds(t *testing.T, dir string, text []byte) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, text) {
			files = append(files, entry.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNoFileOfAnEncryptedStoreHoldsAKeyOrAValue looks into all files while the store
// is open, when its memtables have been flushed, and after it is closed. The same
// search finds both in a store that is not encrypted.
func TestNoFileOfAnEncryptedStoreHoldsAKeyOrAValue(t *testing.T) {
	for mode, o := range modes() {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, o)
			key, value, large := []byte("key of a patient"), []byte("zq7 value of hers"), bytes.Repeat([]byte("zq8 much more of it, in chunks. "), 20_000)
			look := func(when string) {
				t.Helper()
				found := 0
				for _, text := range [][]byte{key, value, large[:30]} {
					files := holds(t, dir, text)
					found += len(files)
					if mode == "encrypted" && len(files) > 0 {
						t.Errorf("%s: %q stands in %v", when, text, files)
					}
				}
				if mode == "plain" && found == 0 {
					t.Errorf("%s: nothing is found in plain files either: the search has lost its grip", when)
				}
			}
			put(t, s, string(key), string(value), "large", string(large))
			look("in memtable logs")
			for i := range 3000 {
				put(t, s, fmt.Sprintf("%s %d", key, i), fmt.Sprintf("%s %d", value, i))
			}
			look("while open")
			closed(t, s)
			look("closed")
			s = open(t, dir, o)
			defer closed(t, s)
			if _, err := s.Get([]byte("large"), func(got []byte) error {
				if !bytes.Equal(got, large) {
					t.Errorf("a large value comes back as another one of %d bytes", len(got))
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			if got := scan(t, s, Range{Prefix: key}, 9999); len(got) != 3001 {
				t.Errorf("%d keys, want 3001", len(got))
			}
		})
	}
}

// TestAKeyOfItsOwn: each folder has another key, and keeps it as long as it is there.
func TestAKeyOfItsOwn(t *testing.T) {
	keys := newRing()
	o := small()
	o.Keys = keys
	dir := t.TempDir()
	names := map[string]bool{}
	for _, folder := range []string{"a", "b"} {
		path := filepath.Join(dir, folder)
		for range 2 {
			s := open(t, path, o)
			put(t, s, "k", "v")
			closed(t, s)
			name, err := KeyName(path)
			if err != nil || !strings.HasPrefix(name, KeyPrefix) {
				t.Fatalf("KeyName: %q, %v", name, err)
			}
			names[name] = true
		}
	}
	if len(names) != 2 || len(keys.keys) != 2 {
		t.Errorf("names %v, %d keys, want two of each", names, len(keys.keys))
	}
	stays, err := KeyName(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	keys.keys["segment-1"] = [32]byte{}
	if err := DropKeys(keys, filepath.Join(dir, "b"), filepath.Join(dir, "c")); err != nil {
		t.Fatalf("DropKeys: %v", err)
	}
	if left := keys.Names(); !slices.Equal(left, []string{stays, "segment-1"}) {
		t.Errorf("DropKeys leaves %v, want what is used, and what is no key of a store", left)
	}
	if _, err := Open(filepath.Join(dir, "a"), o); !errors.Is(err, errNoSuchKey) {
		t.Errorf("Open of a folder whose key was dropped: %v", err)
	}
	if name, err := KeyName(dir); name != "" || err != nil {
		t.Errorf("KeyName of a folder without a key: %q, %v", name, err)
	}
}

// TestAFolderThatIsNotEncryptedAsItShouldBe is refused, and nothing in it changes.
func TestAFolderThatIsNotEncryptedAsItShouldBe(t *testing.T) {
	write := func(t *testing.T, dir string, o Options) {
		s := open(t, dir, o)
		put(t, s, "k", "v")
		closed(t, s)
	}
	keyPath := func(dir string) string { return filepath.Join(dir, keyFile) }
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string, encrypted Options) (o Options, err error)
		want    error  // or
		says    string // what the error says
	}{
		"no key is given": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			return small(), nil
		}, ErrNoKey, ""},
		"it is not encrypted": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, small())
			return e, nil
		}, errPlain, ""},
		"its key is gone": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			e.Keys = newRing()
			return e, nil
		}, errNoSuchKey, ""},
		"its key is another one": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			name, _ := KeyName(dir)
			_, err := e.Keys.New(name)
			return e, err
		}, badger.ErrEncryptionKeyMismatch, ""},
		"the name of its key is damaged": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			return e, os.WriteFile(keyPath(dir), []byte(KeyPrefix), 0o600)
		}, nil, "damaged"},
		"the name of its key is lost": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			return e, os.Remove(keyPath(dir))
		}, errPlain, ""},
		"the name of its key is lost, and no key is given": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, e)
			return small(), os.Remove(keyPath(dir))
		}, ErrNoKey, ""},
		"a name of a key is put beside what is plain": {func(t *testing.T, dir string, e Options) (Options, error) {
			write(t, dir, small())
			if _, err := e.Keys.New(KeyPrefix + "x"); err != nil {
				return e, err
			}
			return e, os.WriteFile(keyPath(dir), []byte(KeyPrefix+"x\n"), 0o600)
		}, badger.ErrEncryptionKeyMismatch, ""},
		"no key can be made": {func(t *testing.T, dir string, e Options) (Options, error) {
			e.Keys.(*ring).fail = errNoSuchKey
			return e, nil
		}, errNoSuchKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := small()
			e.Keys = newRing()
			o, err := c.prepare(t, dir, e)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, o)
			if err == nil {
				closed(t, s)
				t.Fatal("Open succeeds")
			}
			if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open: %v", err)
			}
		})
	}
}

// TestAStopBeforeTheKeyIsNamed: a key was made, and the folder does not know it.
func TestAStopBeforeTheKeyIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keyFile+newSuffix), []byte(KeyPrefix), 0o600); err != nil {
		t.Fatal(err)
	}
	o := small()
	o.Keys = newRing()
	s := open(t, dir, o)
	put(t, s, "k", "v")
	closed(t, s)
	closed(t, open(t, dir, o))
}

// TestADamagedRegistryOfKeys changes every byte of it, and cuts it everywhere: the
// store does not open, or it has the same keys and values, and takes no more memory.
func TestADamagedRegistryOfKeys(t *testing.T) {
	o := modes()["encrypted"]
	dir := folderWithTables(t, 200, o)
	s := open(t, dir, o)
	want := scan(t, s, Range{}, 1000)
	closed(t, s)
	path := filepath.Join(dir, badger.KeyRegistryFileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, bad []byte, what string) {
		t.Helper()
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, o)
		if err != nil {
			return
		}
		if got := scan(t, s, Range{}, 1000); len(got) != len(want) {
			t.Errorf("%s: the store opens with %d keys of %d", what, len(got), len(want))
		}
		closed(t, s)
	}
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0xff
		check(t, bad, fmt.Sprintf("byte %d of %d", at, len(good)))
	}
	for length := range good {
		check(t, good[:length], fmt.Sprintf("cut after %d bytes of %d", length, len(good)))
	}
}
