package projections

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fhirlog/domain"
	"fhirlog/projections/keys"
	"fhirlog/projections/store"
)

// sampleLog is a log of some length with all kinds of events.
func sampleLog(commits int) *script {
	log := newScript()
	for i := range commits {
		id := domain.LogicalID(fmt.Sprint("r", i%97))
		switch i % 10 {
		case 3:
			log.commit(write("Patient", id), replaceVersion("Basic", id), write("Observation", id))
		case 5:
			log.commit(remove("Patient", id))
		case 7:
			log.commit(purge("Patient", "r3"), erase("Observation", id))
		default:
			log.commit(write("Patient", id))
		}
	}
	return log
}

// edit changes the keys of a folder that nobody has open.
func edit(t *testing.T, dir string, change func(b *store.Batch)) {
	t.Helper()
	s, err := store.Open(dir, testOptions(dir).Store)
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	change(b)
	if err := errors.Join(b.Commit(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// overwrite damages the bytes of a file from an offset on, counted from the
// end if negative.
func overwrite(t *testing.T, dir, pattern string, offset int) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(paths) == 0 {
		t.Fatalf("no file %s", pattern)
	}
	content, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if offset < 0 {
		offset += len(content)
	}
	for i := offset; i < min(offset+8, len(content)); i++ {
		content[i] ^= 0xa5
	}
	if err := os.WriteFile(paths[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestALogKeepsItsFHIRVersion: the folder says in which one it was served, and stays
// as it is when another one is asked for.
func TestALogKeepsItsFHIRVersion(t *testing.T) {
	log := sampleLog(50)
	dir := filepath.Join(t.TempDir(), "projections")
	build(t, log, dir)
	want := contents(t, dir)
	o := testOptions(dir)
	o.FHIRVersion = "STU3"
	for range 2 {
		p, rebuilt, err := Open(log, o)
		refused, ok := errors.AsType[*VersionError](err)
		if !ok || *refused != (VersionError{Was: "R4", Is: "STU3"}) {
			t.Fatalf("Open = %v, %v, %v", p, rebuilt, err)
		}
	}
	if got := contents(t, dir); !maps.Equal(got, want) {
		t.Error("the folder was changed")
	}
	p, rebuilt, err := Open(log, testOptions(dir))
	if err != nil || rebuilt != nil {
		t.Fatalf("Open in its own version = %v, %v", rebuilt, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestAFolderThatDoesNotFitIsRebuilt, with a reason, and then holds what it
// would hold if it had been built at once.
func TestAFolderThatDoesNotFitIsRebuilt(t *testing.T) {
	log := sampleLog(400)
	original := filepath.Join(t.TempDir(), "projections")
	build(t, log, original)
	want := contents(t, original)
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	beyond := number(uint64(log.Durable()) + 1)
	put := func(key, value []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { edit(t, dir, func(b *store.Batch) { b.Put(key, value) }) }
	}
	for name, harm := range map[string]func(t *testing.T, dir string){
		"of another format": put(keys.FormatKey, []byte{0, 0, 0, 9}),
		"of another log":    put(keys.LogKey, []byte("log-2")),
		"of another log and FHIR version": func(t *testing.T, dir string) {
			put(keys.LogKey, []byte("log-2"))(t, dir)
			put(keys.FHIRKey, []byte("R5"))(t, dir)
		},
		"current state ahead of the log":  put(keys.CurrentCursor, beyond),
		"history ahead of the log":        put(keys.HistoryCursor, beyond),
		"damaged cursor of the state":     put(keys.CurrentCursor, []byte{1}),
		"damaged cursor of the history":   put(keys.HistoryCursor, []byte{1, 2, 3}),
		"damaged size of a set":           put(keys.Size("Patient", 0), []byte{0x80}),
		"size of a set without a type":    put(append(keys.Sizes(), 'x'), []byte{1}),
		"damaged set of the newest block": put(keys.Set("Patient", 0), []byte("no bitmap")),
		"without a part of the description": func(t *testing.T, dir string) {
			edit(t, dir, func(b *store.Batch) { b.Delete(keys.LogKey) })
		},
		"without a description": func(t *testing.T, dir string) {
			edit(t, dir, func(b *store.Batch) {
				b.Delete(keys.LogKey)
				b.Delete(keys.FHIRKey)
				b.Delete(keys.FormatKey)
			})
		},
		"damaged manifest":     func(t *testing.T, dir string) { overwrite(t, dir, "MANIFEST", 12) },
		"damaged magic number": func(t *testing.T, dir string) { overwrite(t, dir, "MANIFEST", 0) },
		"damaged table index":  func(t *testing.T, dir string) { overwrite(t, dir, "*.sst", -60) },
		"damaged table end":    func(t *testing.T, dir string) { overwrite(t, dir, "*.sst", -4) },
		"missing table": func(t *testing.T, dir string) {
			tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
			if err := os.Remove(tables[0]); err != nil {
				t.Fatal(err)
			}
		},
		"empty table": func(t *testing.T, dir string) {
			tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
			if err := os.Truncate(tables[0], 0); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, original)
			harm(t, dir)
			p, rebuilt, err := Open(log, testOptions(dir))
			if err != nil || rebuilt == nil {
				t.Fatalf("Open: rebuilt because of %v, %v; want a reason", rebuilt, err)
			}
			if p.Applied() != 0 {
				t.Errorf("applied %d at the beginning of a rebuild", p.Applied())
			}
			stop := run(t, p)
			catchUp(t, p)
			stop()
			if !maps.Equal(contents(t, dir), want) {
				t.Error("the rebuilt folder holds something else")
			}
		})
	}
	t.Run("and one that fits is not", func(t *testing.T) {
		p := open(t, log, copyOf(t, original))
		defer p.Close()
		if p.Applied() != uint64(log.Durable()) {
			t.Errorf("applied %d of %d", p.Applied(), log.Durable())
		}
	})
}

// TestAnObstacleIsNoReasonToRebuild: emptying the folder would destroy what is
// good, or somebody else's work.
func TestAnObstacleIsNoReasonToRebuild(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		log := sampleLog(50)
		dir := filepath.Join(t.TempDir(), "projections")
		p := open(t, log, dir)
		stop := run(t, p)
		catchUp(t, p)
		if _, rebuilt, err := Open(log, testOptions(dir)); !errors.Is(err, store.ErrInUse) || rebuilt != nil {
			t.Errorf("the second Open: rebuilt because of %v, %v; want ErrInUse", rebuilt, err)
		}
		if _, err := p.Read(t.Context(), "Patient", "r0"); err != nil {
			t.Errorf("Read by the owner: %v", err)
		}
		stop()
		p = open(t, log, dir)
		defer p.Close()
		if p.Applied() != uint64(log.Durable()) {
			t.Errorf("applied %d of %d: the owner's keys are gone", p.Applied(), log.Durable())
		}
	})
	t.Run("not permitted", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root is permitted everything")
		}
		log := sampleLog(50)
		dir := filepath.Join(t.TempDir(), "projections")
		build(t, log, dir)
		tables, _ := filepath.Glob(filepath.Join(dir, "*.sst"))
		if err := os.Chmod(tables[0], 0); err != nil {
			t.Fatal(err)
		}
		if _, rebuilt, err := Open(log, testOptions(dir)); err == nil || rebuilt != nil {
			t.Errorf("Open: rebuilt because of %v, %v; want an error", rebuilt, err)
		}
		if _, err := os.Stat(tables[0]); err != nil {
			t.Errorf("the table that may not be read is gone: %v", err)
		}
	})
	t.Run("too many open files", func(t *testing.T) {
		log := sampleLog(50)
		dir := filepath.Join(t.TempDir(), "projections")
		build(t, log, dir)
		release := useUpFiles(t, 3)
		p, rebuilt, err := Open(log, testOptions(dir))
		release()
		if err == nil || rebuilt != nil {
			t.Errorf("Open: rebuilt because of %v, %v; want an error", rebuilt, err)
			p.Close()
		}
		p = open(t, log, dir)
		defer p.Close()
	})
	t.Run("as Badger reports it", func(t *testing.T) {
		for _, cause := range []error{syscall.EACCES, syscall.EROFS, syscall.ENOSPC, syscall.EMFILE} {
			asText := fmt.Errorf("while opening memtables err: %+v", &fs.PathError{Op: "open", Path: "x", Err: cause})
			if !obstructed(asText) {
				t.Errorf("%v is not seen as an obstacle", asText)
			}
		}
		if obstructed(errors.New("MANIFEST has bad magic")) {
			t.Error("damage is seen as an obstacle")
		}
	})
}

// useUpFiles lowers the limit of open files so that only some more can be
// opened, until release is called.
func useUpFiles(t *testing.T, left uint64) (release func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Skip(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(f.Fd())
	f.Close()
	lowered := syscall.Rlimit{Cur: next + left, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lowered); err != nil {
		t.Skip(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	}
}

// TestAFolderThatCannotBeMadeIsAnError, not a rebuild that comes to nothing.
func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, rebuilt, err := Open(newScript(), testOptions(filepath.Join(file, "projections"))); err == nil || rebuilt != nil {
		t.Errorf("Open below a file: rebuilt because of %v, %v; want an error", rebuilt, err)
	}
	if content, err := os.ReadFile(file); err != nil || !bytes.Equal(content, []byte("x")) {
		t.Errorf("the file in the way: %q, %v", content, err)
	}
}

// TestReasonsNameNoContent: a reason goes into the server's log.
func TestReasonsNameNoContent(t *testing.T) {
	log := sampleLog(20)
	dir := filepath.Join(t.TempDir(), "projections")
	build(t, log, dir)
	o := testOptions(dir)
	o.LogIdentity = "another"
	p, rebuilt, err := Open(log, o)
	if err != nil || rebuilt == nil || strings.Contains(rebuilt.Error(), "log-1") {
		t.Fatalf("rebuilt because of %v, %v", rebuilt, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
