package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/replay/backup"
)

// TestRandomLivesAreRestoredAtAnyMoment commits, erases, restarts and backs up at
// random, and restores random moments: what is restored is what the list says.
func TestRandomLivesAreRestoredAtAnyMoment(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		seed := uint64(time.Now().UnixNano()) + uint64(round)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w, target := newWorld(t, seed), faultfs.New()
			defer func() { w.stop() }()
			encrypted := round%2 == 1
			if encrypted {
				w.stop()
				w.encrypt()
				w.start()
			}
			w.commit(1)
			var backed []modelRecord
			forks := 0
			for range 60 {
				switch n := w.random.IntN(20); {
				case n < 1:
					w.stop()
					if !encrypted && w.random.IntN(2) == 0 {
						w.encrypt()
						encrypted = true
					}
					w.start()
				case n < 2:
					w.erase(2 + w.random.IntN(5))
				case n < 4:
					w.sign()
				case n < 8:
					w.backUp(target)
					backed = slices.Clone(w.model)
				case n < 10 && backed != nil:
					if randomRestore(w, target, backed) {
						forks++
					}
				default:
					w.fill(1 + w.random.IntN(12))
				}
			}
			w.backUp(target)
			for range 4 {
				randomRestore(w, target, w.model)
			}
			if _, err := openBackup(t, target).Check(background, checkOptions); err != nil {
				t.Errorf("check: %v", err)
			}
		})
	}
}

// randomRestore restores a moment of what was backed up, and tells whether that is a
// fork.
func randomRestore(w *world, target *faultfs.FS, backed []modelRecord) (forked bool) {
	w.t.Helper()
	until, size := feed.Now, uint64(len(backed))
	position := w.random.IntN(len(backed))
	switch w.random.IntN(3) {
	case 0:
		until, size = moment(w.t, strconv.Itoa(position)), backed[position].commitEnd
	case 1:
		instant := backed[position].instant
		until = moment(w.t, time.UnixMilli(instant).UTC().Format("2006-01-02T15:04:05.000Z"))
		size = 0
		for size < uint64(len(backed)) && backed[size].instant <= instant {
			size++
		}
	}
	disk := faultfs.New()
	r, err := openBackup(w.t, target).Restore(background, restoreOptions(disk, until))
	if err != nil {
		w.t.Fatalf("restore %v: %v", until, err)
	}
	if forked = size < uint64(len(backed)); r.Records != size || r.Forked != forked || r.Instant != backed[size-1].instant {
		w.t.Errorf("restore %v: %+v, want %d records, forked %t", until, r, size, forked)
	}
	if r.Prefix != nil {
		verifier, err := note.NewVerifier(r.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := r.Prefix.Check(note.VerifierList(verifier)); err != nil || r.Prefix.From.Size > size {
			w.t.Errorf("the prefix of %d records is not proven: %v", r.Prefix.From.Size, err)
		}
	}
	// A backup made before an erasure has what was erased since.
	checkRestored(w.t, disk, backed[:size])
	return forked
}

// TestARunCopiesWhatIsNew counts what runs read and copy.
func TestARunCopiesWhatIsNew(t *testing.T) {
	w, target := newWorld(t, 1), faultfs.New()
	defer func() { w.stop() }()
	w.fill(200)
	first := w.backUp(target)
	if !first.First || first.Segments != len(first.Manifest.Segments) || first.Segments < 4 || first.Deleted > 0 {
		t.Errorf("first run: %+v", first)
	}
	again := w.backUp(target)
	if again.First || again.Objects != 0 || again.Bytes != 0 || again.Segments != 1 || again.Manifest.Run != 2 {
		t.Errorf("a run with nothing new: %+v", again)
	}
	w.fill(40)
	more := w.backUp(target)
	if grown := len(more.Manifest.Segments) - len(first.Manifest.Segments); more.Segments != grown+1 || more.Objects > grown+2 || more.Deleted == 0 {
		t.Errorf("a run after some commits: %+v", more)
	}
	w.erase(7)
	erased := w.backUp(target)
	if erased.Replaced != len(more.Manifest.Segments)-1 || erased.Deleted < erased.Replaced {
		t.Errorf("a run after a compaction: %+v", erased)
	}
	names, err := target.List(targetDir + "/chunks")
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, s := range erased.Manifest.Segments {
		want += len(s.Chunks)
	}
	for _, f := range erased.Manifest.Files {
		want += len(f.Chunks)
	}
	if len(names) != want {
		t.Errorf("the target has %d chunks, and %d are needed", len(names), want)
	}
	if runs := openBackup(t, target).Runs; len(runs) != 4 || runs[3].Records != uint64(len(w.model)) {
		t.Errorf("runs: %+v", runs)
	}
}

// TestErasedBodiesLeaveTheTarget looks through all objects.
func TestErasedBodiesLeaveTheTarget(t *testing.T) {
	w, target := newWorld(t, 1), faultfs.New()
	defer func() { w.stop() }()
	w.fill(100)
	w.backUp(target)
	segments := func() (ids []string) {
		for _, s := range openBackup(t, target).Segments {
			ids = append(ids, s.ID)
		}
		return ids
	}
	before := segments()
	w.erase(1)
	w.backUp(target)
	for i, id := range segments() {
		if i < len(before) && id == before[i] {
			t.Errorf("segment %d is the one from before the compaction", i+1)
		}
	}
	checked, err := openBackup(t, target).Check(background, checkOptions)
	bodies := uint64(0)
	for _, m := range w.model {
		if m.erased {
			bodies++
		}
	}
	if err != nil || checked.Erased != bodies || bodies == 0 {
		t.Errorf("check: %+v, %v; %d bodies are erased", checked, err, bodies)
	}
}

// TestOtherLogsAreRefused: a target holds one log, and one that only grows.
func TestOtherLogsAreRefused(t *testing.T) {
	w, target := newWorld(t, 1), faultfs.New()
	w.fill(120)
	w.backUp(target)
	early := faultfs.New()
	if _, err := openBackup(t, target).Restore(background, restoreOptions(early, moment(t, "20"))); err != nil {
		t.Fatal(err)
	}
	defer func() { w.stop() }()
	refused := func(name string, s backup.Source, want string) {
		t.Helper()
		before := len(openBackup(t, target).Runs)
		if _, err := tryBackUp(s, target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if _, err := openBackup(t, target).Check(background, checkOptions); err != nil || len(openBackup(t, target).Runs) != before {
			t.Errorf("%s: the backup is not what it was: %v", name, err)
		}
	}
	fork := backup.Source{FS: early, Dir: restoredDir, Identity: "two", Log: logOptions(early)}
	refused("another identity", fork, "this is two")
	fork.Identity = "one"
	refused("an earlier copy", fork, "the folder only")
	other := newWorld(t, 2)
	other.fill(300)
	refused("another log", other.source(), "not a continuation")
	other.stop()
	// A fork that has grown: the same log until position 20, others from there on.
	log, _, err := eventlog.Open(restoredDir+"/log", logOptions(early))
	if err != nil {
		t.Fatal(err)
	}
	forked := &world{t: t, disk: early, random: w.random, log: log, now: w.now, model: make([]modelRecord, log.Durable()), ended: make(chan error, 1)}
	go func() { forked.ended <- log.Run(background) }()
	forked.fill(200)
	if err := log.Close(); err != nil || <-forked.ended != nil {
		t.Fatal(err)
	}
	refused("a fork that has grown", fork, "not a continuation")
}

// TestWhatIsRestored: keys, and what is refused.
func TestWhatIsRestored(t *testing.T) {
	w, target := newWorld(t, 1), faultfs.New()
	w.fill(100)
	w.sign()
	w.stop()
	source := w.source()
	source.WithKey = true
	if _, err := tryBackUp(source, target); err != nil {
		t.Fatal(err)
	}
	private, err := w.disk.OpenRead(dataDir + "/proof/key")
	if err != nil {
		t.Fatal(err)
	}
	size, _ := private.Size()
	key := make([]byte, size)
	if _, err := private.ReadAt(key, 0); err != nil {
		t.Fatal(err)
	}
	disk := faultfs.New()
	r, err := openBackup(t, target).Restore(background, restoreOptions(disk, feed.Now))
	if err != nil || !r.WithKey || r.Forked || r.Prefix == nil || r.Prefix.From.Size != uint64(len(w.model)) {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	// It goes on as the same log, signed with the same key.
	restored := &world{t: t, disk: disk, random: w.random, now: w.now, model: slices.Clone(w.model)}
	moveAll(t, disk, restoredDir, dataDir)
	restored.start()
	restored.fill(3)
	restored.sign()
	restored.stop()

	forkDisk := faultfs.New()
	o := restoreOptions(forkDisk, feed.Now)
	o.Fork = true
	if r, err = openBackup(t, target).Restore(background, o); err != nil || !r.Forked || r.WithKey {
		t.Fatalf("restore a fork: %+v, %v", r, err)
	}
	if _, err := forkDisk.OpenRead(restoredDir + "/proof/key"); err == nil {
		t.Error("a fork has got the private key")
	}
	if _, err := openBackup(t, target).Restore(background, o); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restore to a folder with a log: %v", err)
	}
	o = restoreOptions(faultfs.New(), moment(t, "1970-01-02T00:00:00Z"))
	if _, err := openBackup(t, target).Restore(background, o); err == nil || !strings.Contains(err.Error(), "nothing had been written") {
		t.Errorf("restore before the beginning: %v", err)
	}
	o = restoreOptions(faultfs.New(), moment(t, "100000"))
	if _, err := openBackup(t, target).Restore(background, o); err == nil || !strings.Contains(err.Error(), "not reached position") {
		t.Errorf("restore beyond the end: %v", err)
	}
	o = restoreOptions(faultfs.New(), feed.Now)
	o.Key = "another+00000000+key"
	if _, err := openBackup(t, target).Restore(background, o); err == nil || !strings.Contains(err.Error(), "not with the one given") {
		t.Errorf("restore with another key: %v", err)
	}

	// A run without the key deletes it.
	if _, err := tryBackUp(w.source(), target); err != nil {
		t.Fatal(err)
	}
	for _, name := range list(t, target, targetDir+"/chunks") {
		if bytes.Contains(content(t, target, targetDir+"/chunks/"+name), key) {
			t.Errorf("chunk %s still has the private key", name)
		}
	}
	if _, err := tryBackUp(backup.Source{FS: faultfs.New(), Dir: dataDir}, faultfs.New()); err == nil {
		t.Error("a backup of nothing")
	}
}

func list(t testing.TB, disk eventlog.FileSystem, dir string) []string {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func content(t testing.TB, disk eventlog.FileSystem, path string) []byte {
	t.Helper()
	file, err := disk.OpenRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, err := file.Size()
	text := make([]byte, size)
	if n, failed := file.ReadAt(text, 0); err != nil || n < len(text) {
		t.Fatal(err, failed)
	}
	return text
}

// moveAll renames a folder.
func moveAll(t testing.TB, disk *faultfs.FS, from, to string) {
	t.Helper()
	for _, sub := range []string{"", "/log", "/proof"} {
		for _, name := range list(t, disk, from+sub) {
			if err := disk.Rename(from+sub+"/"+name, to+sub+"/"+name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// meddled is a target that another run writes to in the middle.
type meddled struct {
	backup.Target
	meddle func()
}

func (m *meddled) Put(ctx context.Context, name string, content []byte) error {
	if m.meddle != nil {
		meddle := m.meddle
		m.meddle = nil
		meddle()
	}
	return m.Target.Put(ctx, name, content)
}

// TestTwoRunsAtOnce: where nothing locks a target, the run that ends last says so, and
// the backup of the first is whole.
func TestTwoRunsAtOnce(t *testing.T) {
	early, late := twoStates(t, false)
	disk := faultfs.New()
	if _, err := tryBackUp(early.source(), disk); err != nil {
		t.Fatal(err)
	}
	target := &meddled{Target: backup.OpenFolder(disk, targetDir), meddle: func() {
		if _, err := tryBackUp(late.source(), disk); err != nil {
			t.Error(err)
		}
	}}
	if _, err := backup.Run(background, late.source(), target, backup.Options{}); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("the other run: %v", err)
	}
	checkTarget(t, disk, early, late, nil)
	held, err := backup.OpenFolderToWrite(disk, targetDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tryBackUp(late.source(), disk); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("a run while another has the folder: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
}
