package backup_test

import (
	"errors"
	"strings"
	"testing"

	"fhirlog/domain/feed"
	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/replay/backup"
)

// overwrite changes a file in place.
func overwrite(t testing.TB, disk *faultfs.FS, path string, content []byte) {
	t.Helper()
	if err := disk.Remove(path); err != nil {
		t.Fatal(err)
	}
	writeFile(t, disk, path, string(content))
}

// TestEveryDamageOfATargetIsNamed changes, cuts, empties and removes each object: a
// check and a restore name it, or do without it; and when it is gone, the next run
// brings it back.
func TestEveryDamageOfATargetIsNamed(t *testing.T) {
	_, late := twoStates(t, true)
	target := faultfs.New()
	if _, err := tryBackUp(late.source(), target); err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(content []byte) []byte{
		"a bit":       func(c []byte) []byte { c[len(c)/2] ^= 4; return c },
		"cut":         func(c []byte) []byte { return c[:len(c)-1] },
		"longer":      func(c []byte) []byte { return append(c, 0) },
		"emptied":     func([]byte) []byte { return nil },
		"of another":  func([]byte) []byte { return []byte(`{"format":"fhirlog-backup/1"}`) },
		"is not here": nil,
	}
	for _, sub := range []string{"chunks/", "manifests/"} {
		for _, name := range list(t, target, targetDir+"/"+strings.TrimSuffix(sub, "/")) {
			path := targetDir + "/" + sub + name
			whole := content(t, target, path)
			for damage, change := range damages {
				if change == nil {
					if err := target.Remove(path); err != nil {
						t.Fatal(err)
					}
				} else {
					overwrite(t, target, path, change(append([]byte(nil), whole...)))
				}
				s, err := backup.Open(background, backup.OpenFolder(target, targetDir))
				if err != nil {
					t.Fatalf("%s%s %s: %v", sub, name, damage, err)
				}
				_, checked := s.Check(background, checkOptions)
				disk := faultfs.New()
				_, restored := s.Restore(background, restoreOptions(disk, feed.Now))
				if sub == "manifests/" {
					// There is another copy.
					if checked != nil || restored != nil || change != nil && strings.HasSuffix(name, "-1.json") && len(s.Damaged) != 1 {
						t.Errorf("%s%s %s: check %v, restore %v; damaged %v", sub, name, damage, checked, restored, s.Damaged)
					}
				} else {
					names(t, sub+name, damage, checked)
					names(t, sub+name, damage, restored)
				}
				if change == nil {
					if _, err := tryBackUp(late.source(), target); err != nil {
						t.Errorf("%s%s %s: the next run: %v", sub, name, damage, err)
					}
					if _, err := openBackup(t, target).Check(background, checkOptions); err != nil {
						t.Errorf("%s%s %s: after the next run: %v", sub, name, damage, err)
					}
					if sub == "chunks/" {
						overwrite(t, target, path, whole)
					}
					break // a map has no order: each damage comes first at some object
				}
				overwrite(t, target, path, whole)
			}
			if sub == "manifests/" {
				break // the names are others after a run
			}
		}
	}
}

func names(t *testing.T, object, damage string, err error) {
	t.Helper()
	d, ok := errors.AsType[*backup.DamagedError](err)
	if !ok || d.Object != object {
		t.Errorf("%s %s: %v", object, damage, err)
	}
}

// TestBothManifestsDamaged: nothing is restored by guessing, and the next run begins
// anew with the chunks that are whole.
func TestBothManifestsDamaged(t *testing.T) {
	early, late := twoStates(t, false)
	target := faultfs.New()
	if _, err := tryBackUp(early.source(), target); err != nil {
		t.Fatal(err)
	}
	for _, name := range list(t, target, targetDir+"/manifests") {
		overwrite(t, target, targetDir+"/manifests/"+name, []byte("nothing"))
	}
	if _, err := backup.Open(background, backup.OpenFolder(target, targetDir)); err == nil {
		t.Fatal("a damaged manifest was taken")
	} else if _, damaged := errors.AsType[*backup.DamagedError](err); !damaged {
		t.Fatal(err)
	}
	report, err := tryBackUp(late.source(), target)
	if err != nil || !report.First || report.Manifest.Run != 2 || len(report.Damaged) == 0 {
		t.Fatalf("the next run: %+v, %v", report, err)
	}
	checkTarget(t, target, early, late, nil)
}

// TestDamageOfTheSourceIsNamed changes single bytes of the log: no backup is made of
// them, and the one before stays.
func TestDamageOfTheSourceIsNamed(t *testing.T) {
	early, late := twoStates(t, false)
	target := faultfs.New()
	if _, err := tryBackUp(early.source(), target); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"00000001.seg", "00000002.seg"} {
		path := dataDir + "/log/" + name
		whole := content(t, late.disk, path)
		step := len(whole)/23 + 1
		for at := 0; at < len(whole); at += step {
			changed := append([]byte(nil), whole...)
			changed[at] ^= 1
			overwrite(t, late.disk, path, changed)
			_, err := tryBackUp(late.source(), target)
			if c, damaged := errors.AsType[*eventlog.CorruptError](err); !damaged || eventlog.SegmentPath("", c.Segment) != name {
				if err == nil || !strings.Contains(err.Error(), "segment") {
					t.Errorf("%s, byte %d: %v", name, at, err)
				}
			}
			if c, err := openBackup(t, target).Check(background, checkOptions); err != nil || int(c.Records) != len(early.model) {
				t.Fatalf("%s, byte %d: the backup before: %+v, %v", name, at, c, err)
			}
		}
		overwrite(t, late.disk, path, whole)
	}
	if err := late.disk.Remove(dataDir + "/log/00000001.seg"); err != nil {
		t.Fatal(err)
	}
	if _, err := tryBackUp(late.source(), target); err == nil || !strings.Contains(err.Error(), "segment is missing") {
		t.Errorf("without its first segment: %v", err)
	}
}
