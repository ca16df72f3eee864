package backup_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/replay/backup"
)

// frozen is a data folder that nobody writes to.
type frozen struct {
	disk  *faultfs.FS
	model []modelRecord
}

func (f frozen) source() backup.Source {
	return backup.Source{FS: f.disk, Dir: dataDir, Identity: "one", Log: withoutKeys(f.disk), OpenKeys: openKeys}
}

// twoStates gives a folder, and the same one later, with an erasure in between.
func twoStates(t testing.TB, encrypted bool) (early, late frozen) {
	t.Helper()
	w := newWorld(t, 3)
	if encrypted {
		w.stop()
		w.encrypt()
		w.start()
	}
	w.fill(30)
	w.sign()
	w.stop()
	early = frozen{copyOf(t, w.disk), append([]modelRecord(nil), w.model...)}
	w.start()
	w.erase(3)
	w.fill(20)
	w.stop()
	return early, frozen{w.disk, w.model}
}

func copyOf(t testing.TB, from eventlog.FileSystem) *faultfs.FS {
	t.Helper()
	to := faultfs.New()
	for _, dir := range []string{dataDir, dataDir + "/log", dataDir + "/proof"} {
		for _, name := range list(t, from, dir) {
			writeFile(t, to, dir+"/"+name, string(content(t, from, dir+"/"+name)))
			if file, err := to.OpenRead(dir + "/" + name); err == nil {
				_ = file.Close()
			}
		}
		if err := to.SyncDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// eachFault calls attempt with every operation of a disk failing once, with and without
// its effect, and with the process ending there; attempt arms the disk that it is told
// to and says how many operations there were.
func eachFault(t *testing.T, attempt func(t *testing.T, arm func(*faultfs.FS), halts bool) (operations int)) {
	effects := []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full}
	for i, name := range []string{"without effect", "half done", "done", "the process ends"} {
		t.Run(name, func(t *testing.T) {
			n := 1
			for ; !t.Failed(); n++ {
				arm := func(disk *faultfs.FS) {
					if i < len(effects) {
						disk.FailAt(n, effects[i])
					} else {
						disk.HaltAt(n, effects[n%len(effects)])
					}
				}
				if attempt(t, arm, i == len(effects)) < n {
					break
				}
			}
			if n < 20 {
				t.Errorf("only %d operations: that shows little", n)
			}
			t.Logf("%d operations", n-1)
		})
	}
}

// TestFaultsOfTheTarget: whatever fails while a backup is made, one that is whole is
// there, and the next run makes it complete.
func TestFaultsOfTheTarget(t *testing.T) {
	early, late := twoStates(t, false)
	random := rand.New(rand.NewPCG(1, 1))
	eachFault(t, func(t *testing.T, arm func(*faultfs.FS), halts bool) int {
		target := faultfs.New()
		if _, err := tryBackUp(early.source(), target); err != nil {
			t.Fatal(err)
		}
		arm(target)
		_, err := tryBackUp(late.source(), target)
		operations := target.Operations()
		target.FailAt(0, faultfs.Full)
		target.Restart()
		if halts {
			target.PowerCut(faultfs.Pieces, random)
		}
		checkTarget(t, target, early, late, err)
		return operations
	})
}

// checkTarget checks that a whole backup is there after a run that ended so, and that
// another run completes it.
func checkTarget(t *testing.T, target *faultfs.FS, early, late frozen, err error) {
	t.Helper()
	checked, damage := openBackup(t, target).Check(background, checkOptions)
	if n := int(checked.Records); damage != nil || n != len(late.model) && (n != len(early.model) || err == nil) {
		t.Fatalf("after %v the backup has %d records, %v; want %d or %d", err, n, damage, len(early.model), len(late.model))
	}
	report, err := tryBackUp(late.source(), target)
	if err != nil {
		t.Fatalf("the run after it: %v", err)
	}
	checked, err = openBackup(t, target).Check(background, checkOptions)
	if err != nil || int(checked.Records) != len(late.model) {
		t.Fatalf("the backup after it: %+v, %v", checked, err)
	}
	needed := 0
	for _, f := range report.Manifest.Files {
		needed += len(f.Chunks)
	}
	for _, s := range report.Manifest.Segments {
		needed += len(s.Chunks)
	}
	if left := list(t, target, targetDir+"/chunks"); len(left) != needed {
		t.Fatalf("%d chunks are left of %d: %v", len(left), needed, left)
	}
	if left := list(t, target, targetDir+"/manifests"); len(left) != 2 {
		t.Fatalf("manifests left: %v", left)
	}
}

// TestFaultsOfTheSource: what cannot be read is an error, and no backup of less.
func TestFaultsOfTheSource(t *testing.T) {
	early, late := twoStates(t, true)
	eachFault(t, func(t *testing.T, arm func(*faultfs.FS), _ bool) int {
		target := faultfs.New()
		if _, err := tryBackUp(early.source(), target); err != nil {
			t.Fatal(err)
		}
		arm(late.disk)
		_, err := tryBackUp(late.source(), target)
		operations := late.disk.Operations()
		late.disk.FailAt(0, faultfs.Full)
		late.disk.Restart()
		checkTarget(t, target, early, late, err)
		return operations
	})
}

// TestFaultsOfARestore: whatever fails, no folder looks whole that is not, and the next
// restore makes it whole; and what is whole stays so.
func TestFaultsOfARestore(t *testing.T) {
	_, late := twoStates(t, true)
	target, random := faultfs.New(), rand.New(rand.NewPCG(1, 1))
	if _, err := tryBackUp(late.source(), target); err != nil {
		t.Fatal(err)
	}
	until, size := moment(t, "50"), late.model[50].commitEnd
	eachFault(t, func(t *testing.T, arm func(*faultfs.FS), halts bool) int {
		disk := faultfs.New()
		arm(disk)
		_, err := openBackup(t, target).Restore(background, restoreOptions(disk, until))
		operations := disk.Operations()
		disk.FailAt(0, faultfs.Full)
		disk.Restart()
		if halts || err == nil {
			disk.PowerCut(faultfs.Pieces, random)
		}
		names, errList := disk.List(restoredDir)
		whole := false
		for _, name := range names {
			whole = whole || name == "fhirlog.json"
			if name == backup.RestoringFile {
				whole = false
				break
			}
		}
		if errList != nil || err == nil && !whole {
			t.Fatalf("restore: %v, and there is %v, %v", err, names, errList)
		}
		if !whole {
			if _, err := openBackup(t, target).Restore(background, restoreOptions(disk, until)); err != nil {
				t.Fatalf("the restore after it: %v", err)
			}
		}
		checkRestored(t, disk, late.model[:size])
		return operations
	})
}

// TestFaultsOfReadingABackup: what cannot be read is an error.
func TestFaultsOfReadingABackup(t *testing.T) {
	_, late := twoStates(t, true)
	target := faultfs.New()
	if _, err := tryBackUp(late.source(), target); err != nil {
		t.Fatal(err)
	}
	eachFault(t, func(t *testing.T, arm func(*faultfs.FS), _ bool) int {
		disk := faultfs.New()
		arm(target)
		s, err := backup.Open(background, backup.OpenFolder(target, targetDir))
		if err == nil {
			_, err = s.Restore(background, restoreOptions(disk, feed.Now))
		}
		operations := target.Operations()
		target.FailAt(0, faultfs.Full)
		target.Restart()
		if err == nil {
			checkRestored(t, disk, late.model)
		} else if _, damaged := errors.AsType[*backup.DamagedError](err); !damaged && !errors.Is(err, faultfs.ErrInjected) && !errors.Is(err, faultfs.ErrHalted) {
			t.Fatalf("restore: %v", err)
		}
		return operations
	})
}
