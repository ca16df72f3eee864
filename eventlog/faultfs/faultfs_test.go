package faultfs

import (
	"errors"
	"math/rand/v2"
	"testing"

	"fhirlog/eventlog"
)

func create(t *testing.T, fs *FS, path, content string) eventlog.File {
	t.Helper()
	f, err := fs.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPowerCut_keeps_only_what_was_synced(t *testing.T) {
	fs := New()
	synced := create(t, fs, "d/synced", "synced")
	synced.SyncData()
	create(t, fs, "d/unsynced", "unsynced")
	fs.SyncDir("d")
	unnamed := create(t, fs, "d/unnamed", "content without a name")
	unnamed.SyncData()
	synced.WriteAt([]byte("SYN"), 0)
	fs.PowerCut(Nothing, nil)
	if got := string(fs.Content("d/synced")); got != "synced" {
		t.Errorf("synced: %q", got)
	}
	if got := fs.Content("d/unsynced"); got == nil || len(got) != 0 {
		t.Errorf("unsynced: %q, want an empty file", got)
	}
	if got := fs.Content("d/unnamed"); got != nil {
		t.Errorf("unnamed: %q, want no file", got)
	}
	if _, err := synced.Size(); !errors.Is(err, ErrHalted) {
		t.Errorf("a handle of the dead process works: %v", err)
	}
}

func TestPowerCut_may_keep_pieces(t *testing.T) {
	some := false
	for seed := range uint64(20) {
		fs := New()
		f := create(t, fs, "d/f", string(make([]byte, 5000)))
		f.SyncData()
		fs.SyncDir("d")
		ones := make([]byte, 5000)
		for i := range ones {
			ones[i] = 1
		}
		f.WriteAt(ones, 0)
		fs.PowerCut(Pieces, rand.New(rand.NewPCG(seed, 0)))
		sum := 0
		for _, b := range fs.Content("d/f") {
			sum += int(b)
		}
		some = some || sum > 0 && sum < 5000
	}
	if !some {
		t.Error("never were there pieces")
	}
}

func TestSync_that_fails_takes_the_bytes_for_clean(t *testing.T) {
	fs := New()
	f := create(t, fs, "d/f", "old")
	f.SyncData()
	fs.SyncDir("d")
	f.WriteAt([]byte("new"), 0)
	fs.FailAt(1, None)
	if err := f.SyncData(); !errors.Is(err, ErrInjected) {
		t.Fatalf("SyncData = %v", err)
	}
	if err := f.SyncData(); err != nil {
		t.Fatalf("second SyncData = %v", err)
	}
	if got := string(fs.Content("d/f")); got != "new" {
		t.Errorf("readable is %q", got)
	}
	fs.PowerCut(Everything, nil)
	if got := string(fs.Content("d/f")); got != "old" {
		t.Errorf("after the power cut: %q, want what was synced before", got)
	}
}

func TestFailAt_has_the_effect_that_was_asked_for(t *testing.T) {
	for effect, want := range map[Effect]string{None: "....", Partial: "ab..", Full: "abcd"} {
		fs := New()
		f := create(t, fs, "f", "....")
		fs.FailAt(2, effect)
		f.Size()
		if _, err := f.WriteAt([]byte("abcd"), 0); !errors.Is(err, ErrInjected) {
			t.Errorf("WriteAt = %v", err)
		}
		if got := string(fs.Content("f")); got != want {
			t.Errorf("effect %d left %q, want %q", effect, got, want)
		}
		if _, err := f.Size(); err != nil {
			t.Errorf("the operation after it = %v", err)
		}
	}
}

func TestHaltAt_ends_the_process_until_restart(t *testing.T) {
	fs := New()
	lock, err := fs.Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	f := create(t, fs, "f", "content")
	if _, err := fs.Lock("lock"); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("second Lock = %v", err)
	}
	fs.HaltAt(1, None)
	for range 3 {
		if err := f.SyncData(); err == nil {
			t.Error("the dead process syncs")
		}
	}
	fs.Restart()
	if _, err := fs.Lock("lock"); err != nil {
		t.Errorf("Lock after the restart = %v", err)
	}
	lock.Close() // of the dead process: must not release the new one
	if _, err := fs.Lock("lock"); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("Lock after the dead process closed its own = %v", err)
	}
	if got := string(fs.Content("f")); got != "content" {
		t.Errorf("a restart changed the file to %q", got)
	}
}

func TestAllocate_refuses_more_than_there_is(t *testing.T) {
	fs := New()
	fs.SetCapacity(100)
	f := create(t, fs, "f", "1234567890")
	if err := f.Allocate(10, 91); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Allocate = %v, want ErrNoSpace", err)
	}
	if err := f.Allocate(10, 90); err != nil {
		t.Errorf("Allocate = %v", err)
	}
	if free, _ := fs.Free("."); free != 0 {
		t.Errorf("Free = %d", free)
	}
	if _, err := f.WriteAt([]byte("x"), 100); !errors.Is(err, ErrNoSpace) {
		t.Errorf("WriteAt = %v, want ErrNoSpace", err)
	}
}

func TestTruncate_and_extend_leave_zeros(t *testing.T) {
	fs := New()
	f := create(t, fs, "d/f", "12345678")
	f.SyncData()
	fs.SyncDir("d")
	f.Truncate(3)
	f.Allocate(3, 5)
	f.SyncData()
	fs.PowerCut(Nothing, nil)
	if got := string(fs.Content("d/f")); got != "123\x00\x00\x00\x00\x00" {
		t.Errorf("got %q", got)
	}
}
