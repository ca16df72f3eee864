package projections

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirlog/eventlog/keyring"
	"fhirlog/projections/store"
	"fhirlog/projections/store/storetest"
)

func newKeyring(t *testing.T) *keyring.Ring {
	t.Helper()
	r, err := keyring.Create(t.Context(), keyring.Options{Path: filepath.Join(t.TempDir(), keyring.File), Operator: keyring.NewLocal([32]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encrypted(dir string, keys store.Keys) Options {
	o := testOptions(dir)
	o.Store.Keys = keys
	return o
}

// onlyKey is the name of the only key there is, which is that of the folder.
func onlyKey(t *testing.T, keys *keyring.Ring, dir string) string {
	t.Helper()
	name, err := store.KeyName(dir)
	if err != nil || !slices.Equal(keys.Names(), []string{name}) {
		t.Fatalf("the folder has the key %q, and there are %v; %v", name, keys.Names(), err)
	}
	return name
}

// TestEachGenerationHasAKeyOfItsOwn, and it is dropped with its folder: by a rebuild
// beside what answers, by one that is given up, and by a rebuild that is put in place.
func TestEachGenerationHasAKeyOfItsOwn(t *testing.T) {
	log, dir, keys := sampleLog(300), filepath.Join(t.TempDir(), "projections"), newKeyring(t)
	o := encrypted(dir, keys)
	var names []string
	session := func(do func(l *Live)) {
		t.Helper()
		l, rebuilt, err := OpenLive(log, o)
		if err != nil || rebuilt != nil {
			t.Fatalf("OpenLive: %v, %v", rebuilt, err)
		}
		ended := make(chan error, 1)
		ctx, stop := context.WithCancel(context.Background())
		go func() { ended <- l.Run(ctx) }()
		if err := l.WaitApplied(t.Context(), uint64(log.Durable())); err != nil {
			t.Fatal(err)
		}
		do(l)
		stop()
		if err := errors.Join(<-ended, l.Close()); err != nil {
			t.Fatal(err)
		}
		names = append(names, onlyKey(t, keys, dir))
	}
	session(func(*Live) {})
	session(func(l *Live) {
		if _, err := l.Rebuild(t.Context()); err != nil {
			t.Errorf("Rebuild: %v", err)
		}
		onlyKey(t, keys, SuccessorOf(dir)) // the former one is gone at once, not at the next start
		if _, err := l.Rebuild(t.Context()); err != nil {
			t.Errorf("Rebuild again: %v", err)
		}
	})
	session(func(l *Live) {
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.Rebuild(canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("Rebuild, canceled: %v", err)
		}
		onlyKey(t, keys, dir)
	})
	next := o
	next.Dir = SuccessorOf(dir)
	p, _, err := Open(log, next)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, p)
	catchUp(t, p)
	stop()
	if err := Install(o); err != nil {
		t.Fatal(err)
	}
	names = append(names, onlyKey(t, keys, dir))
	if names[0] == names[1] || names[1] != names[2] || names[2] == names[3] {
		t.Errorf("the keys were %v", names)
	}
}

// TestEncryptionTurnedOn: what is plain, or under a key that is not there, is computed
// anew, and holds the same. Without keys, what is encrypted stays as it is.
func TestEncryptionTurnedOn(t *testing.T) {
	log, dir, keys := sampleLog(300), filepath.Join(t.TempDir(), "projections"), newKeyring(t)
	build(t, log, dir)
	want := contents(t, dir)
	again := func(o Options, why string) {
		t.Helper()
		p, rebuilt, err := Open(log, o)
		if err != nil || rebuilt == nil || !strings.Contains(rebuilt.Error(), why) {
			t.Fatalf("Open: rebuilt because of %v, %v; want %q", rebuilt, err, why)
		}
		stop := run(t, p)
		catchUp(t, p)
		stop()
		s, err := store.Open(dir, o.Store)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := storetest.Contents(t, s); !maps.Equal(got, want) {
			t.Errorf("%d keys, want the same %d as in plain", len(got), len(want))
		}
	}
	again(encrypted(dir, keys), "not encrypted")
	for range 2 {
		if _, _, err := Open(log, testOptions(dir)); !errors.Is(err, store.ErrNoKey) {
			t.Fatalf("Open without keys: %v", err)
		}
	}
	again(encrypted(dir, newKeyring(t)), "no such key")
}
