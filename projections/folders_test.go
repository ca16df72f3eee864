package projections

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// folderState is what a stop leaves of the two folders. In a folder stands the
// file "whole", "half" or nothing but what the state names.
type folderState struct {
	name       string
	dir        string // content of dir: whole, half, or "" for no folder
	successor  string
	tookOver   bool // the successor has the file
	staleInDir bool // dir has it, left over from a rename
	want       string
}

// TestSettleAfterEveryStop goes through all states that a stop can leave, in the
// order in which they come up: what is in force must stand in dir afterwards, and
// nothing else be there.
func TestSettleAfterEveryStop(t *testing.T) {
	for _, s := range []folderState{
		{name: "nothing at all"},
		{name: "no rebuild", dir: "old", want: "old"},
		{name: "a rebuild has begun", dir: "old", successor: "half", want: "old"},
		{name: "it has caught up", dir: "old", successor: "new", want: "old"},
		{name: "it takes over", dir: "old", successor: "new", tookOver: true, want: "new"},
		{name: "the old one is half removed", dir: "half", successor: "new", tookOver: true, want: "new"},
		{name: "the old one is removed", successor: "new", tookOver: true, want: "new"},
		{name: "a start has renamed it", dir: "new", staleInDir: true, want: "new"},
		{name: "a second rebuild has begun in the first folder", dir: "half", successor: "old", tookOver: true, want: "old"},
		{name: "the second has caught up", dir: "new", successor: "old", tookOver: true, want: "old"},
		{name: "the second takes over", dir: "new", successor: "old", want: "new"},
		{name: "its former one is half removed", dir: "new", successor: "half", want: "new"},
		{name: "a rebuild is given up", dir: "old", successor: "half", want: "old"},
		{name: "the second is given up", dir: "half", successor: "old", tookOver: true, want: "old"},
		{name: "the folder was deleted by hand", successor: "half"},
	} {
		t.Run(s.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "projections")
			s.make(t, dir)
			for range 2 { // and a second time
				if err := Settle(dir); err != nil {
					t.Fatalf("Settle: %v", err)
				}
				checkSettled(t, dir, s.want)
			}
		})
	}
}

func (s *folderState) make(t *testing.T, dir string) {
	t.Helper()
	put := func(dir, content string, inForce bool) {
		if content == "" {
			return
		}
		err := os.MkdirAll(dir, 0o700)
		err = errors.Join(err, createFile(filepath.Join(dir, content)))
		if inForce {
			err = errors.Join(err, createFile(filepath.Join(dir, tookOver)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(dir, s.dir, s.staleInDir)
	put(SuccessorOf(dir), s.successor, s.tookOver)
}

func checkSettled(t *testing.T, dir, want string) {
	t.Helper()
	if there, err := exists(SuccessorOf(dir)); there || err != nil {
		t.Errorf("the successor is still there, %v", err)
	}
	files, err := os.ReadDir(dir)
	if want == "" {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("there are %v, %v", files, err)
		}
		return
	}
	if err != nil || len(files) != 1 || files[0].Name() != want {
		t.Errorf("there are %v, %v; want only %s", files, err, want)
	}
}

// TestTookOverIsTakenBack as it must be before a folder is removed.
func TestTookOverIsTakenBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "projections")
	(&folderState{dir: "old", successor: "new"}).make(t, dir)
	for _, inForce := range []bool{true, true, false, false, true} {
		if err := setTookOver(dir, inForce); err != nil {
			t.Fatal(err)
		}
		if there, err := exists(filepath.Join(SuccessorOf(dir), tookOver)); there != inForce || err != nil {
			t.Errorf("setTookOver(%t): %t, %v", inForce, there, err)
		}
	}
	if err := Install(Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	checkSettled(t, dir, "new")
}
