package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
	"fhirlog/replay/backup"
)

// newEncryptedWorld makes a world that is encrypted from its first record on.
func newEncryptedWorld(t testing.TB, seed uint64) *world {
	w := newWorld(t, seed)
	w.stop()
	w.encrypt()
	w.start()
	return w
}

// TestABackupOfAnEncryptedLogIsEncrypted looks for what is in the log in all objects, and
// first finds it in a backup of one that is not encrypted.
func TestABackupOfAnEncryptedLogIsEncrypted(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		w, target := newWorld(t, 1), faultfs.New()
		if encrypted {
			w = newEncryptedWorld(t, 1)
		}
		w.fill(60)
		w.sign()
		source := w.source()
		source.WithKey = true
		if _, err := tryBackUp(source, target); err != nil {
			t.Fatal(err)
		}
		w.stop()
		found, private := 0, 0
		for _, name := range target.Names() {
			found += bytes.Count(target.Content(name), []byte("metadata "))
			private += bytes.Count(target.Content(name), []byte("PRIVATE"))
		}
		if encrypted != (found == 0) || encrypted != (private == 0) {
			t.Errorf("encrypted %t: metadata are found %d times, the private key %d times", encrypted, found, private)
		}
	}
}

// TestABackupNeedsTheKey: without it, or with another, it fails, and says so.
func TestABackupNeedsTheKey(t *testing.T) {
	w, target := newEncryptedWorld(t, 1), faultfs.New()
	w.fill(20)
	w.sign()
	w.stop()
	other := func(text []byte) (eventlog.Keys, error) {
		return keyring.Detached(background, text, keyring.NewLocal([keyring.KeySize]byte{9}))
	}
	for name, c := range map[string]struct {
		open backup.OpenKeys
		want error
	}{"no key": {nil, eventlog.ErrEncrypted}, "another key": {other, keyring.ErrWrongKey}} {
		source := w.source()
		source.OpenKeys = c.open
		if _, err := tryBackUp(source, faultfs.New()); !errors.Is(err, c.want) {
			t.Errorf("%s: backup = %v, want %v", name, err, c.want)
		}
		w.backUp(target)
		if _, err := openBackup(t, target).Check(background, backup.CheckOptions{OpenKeys: c.open}); !errors.Is(err, c.want) {
			t.Errorf("%s: check = %v, want %v", name, err, c.want)
		}
		o := restoreOptions(faultfs.New(), feed.Now)
		o.OpenKeys = c.open
		if _, err := openBackup(t, target).Restore(background, o); !errors.Is(err, c.want) {
			t.Errorf("%s: restore = %v, want %v", name, err, c.want)
		}
	}
}

// TestABackupSaysThatAKeyIsMissing: a keyring that is older than the log is none for it.
func TestABackupSaysThatAKeyIsMissing(t *testing.T) {
	for _, first := range []bool{true, false} {
		w, target := newEncryptedWorld(t, 1), faultfs.New()
		path := dataDir + "/" + keyring.File
		early := w.disk.Content(path)
		w.fill(40)
		if !first {
			w.backUp(target) // then its segments are known, and not read again
		}
		w.stop()
		w.disk.SetContent(path, early)
		_, err := tryBackUp(w.source(), target)
		if _, damaged := errors.AsType[*eventlog.CorruptError](err); !errors.Is(err, keyring.ErrNoKey) || damaged {
			t.Errorf("first run %t: %v, want ErrNoKey", first, err)
		}
	}
}

// meddling is a target that lets something happen while a run writes to it.
type meddling struct {
	backup.Target
	at   int // counts down the objects until then
	then func()
}

func (m *meddling) Put(ctx context.Context, name string, content []byte) error {
	if m.at--; m.at == 0 {
		m.then()
	}
	return m.Target.Put(ctx, name, content)
}

// TestARunIsWholeWhateverTheServerDoesMeanwhile: it compacts, which drops keys of segments
// that are copied already, and writes new segments, which have new keys, and the operator
// changes the key.
func TestARunIsWholeWhateverTheServerDoesMeanwhile(t *testing.T) {
	meanwhile := map[string]func(w *world){
		"a compaction":     func(w *world) { w.erase(1) },
		"new segments":     func(w *world) { w.fill(60) },
		"all of it, twice": func(w *world) { w.erase(2); w.fill(30); w.erase(1); w.fill(30) },
		"a rotation":       func(w *world) { w.rotate(); w.erase(1) },
	}
	for name, meddle := range meanwhile {
		for at := 1; at <= 7; at++ {
			t.Run(fmt.Sprintf("%s at object %d", name, at), func(t *testing.T) {
				w, disk := newEncryptedWorld(t, 5), faultfs.New()
				defer func() { w.stop() }()
				w.fill(60)
				w.sign()
				folder, err := backup.OpenFolderToWrite(disk, targetDir)
				if err != nil {
					t.Fatal(err)
				}
				happened := false
				target := &meddling{folder, at, func() { meddle(w); happened = true }}
				_, err = backup.Run(background, w.source(), target, backup.Options{})
				if err := errors.Join(err, folder.Close()); err != nil || !happened {
					t.Fatalf("backup: %v; it has happened: %t", err, happened)
				}
				stored := openBackup(t, disk)
				if _, err := stored.Check(background, checkOptions); err != nil {
					t.Errorf("check: %v", err)
				}
				if i := slices.IndexFunc(stored.Files, func(f backup.File) bool { return f.Path == keyring.File }); i < 0 {
					t.Error("there is no keyring")
				}
				restored := faultfs.New()
				if _, err := stored.Restore(background, restoreOptions(restored, feed.Now)); err != nil {
					t.Fatalf("restore: %v", err)
				}
				if _, err := eventlog.Verify(background, restoredDir+"/log", logOptions(restored), eventlog.VerifyOptions{}); err != nil {
					t.Errorf("verify: %v", err)
				}
			})
		}
	}
}

// rotate puts the keyring under a new folder key.
func (w *world) rotate() {
	if err := w.keys.(*keyring.Ring).Rotate(background, operatorKey); err != nil {
		w.t.Fatal(err)
	}
}
