package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
)

// TestCompact_does_not_launder_damage flips bytes of a sealed segment: whatever
// is hit, Compact names the segment, and the file stays as it was.
func TestCompact_does_not_launder_damage(t *testing.T) {
	whole := t.TempDir()
	l, stop := start(t, whole, small())
	fillSmall(t, l, 200)
	stop()
	name := "00000001.seg"
	src, err := os.ReadFile(filepath.Join(whole, name))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(src); at += 131 {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		damaged := bytes.Clone(src)
		damaged[at] ^= 4
		_ = os.Chmod(path, 0o600)
		l, stop := start(t, dir, small())
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := l.Compact(background, these(3), eventlog.CompactOptions{})
		corrupt, ok := errors.AsType[*eventlog.CorruptError](err)
		if !ok || corrupt.Segment != 1 {
			t.Errorf("byte %d: Compact = %v, want a CorruptError of segment 1", at, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
			t.Errorf("byte %d: the damaged file was changed", at)
		}
		stop()
	}
}

func TestCompact_without_room(t *testing.T) {
	fs := faultfs.New()
	l, stop := start(t, faultDir, faultOptions(fs))
	defer stop()
	fillSmall(t, l, 200)
	before := snapshot(t, l)
	free, _ := fs.Free(faultDir) // of a disk without end
	fs.SetCapacity(int64(1<<63-1) - free + 3000)
	if _, err := l.Compact(background, these(3), eventlog.CompactOptions{}); !errors.Is(err, eventlog.ErrDiskFull) {
		t.Fatalf("Compact = %v, want ErrDiskFull", err)
	}
	checkErased(t, l, before, nil)
	fs.SetCapacity(1 << 40)
	if done := mustCompact(t, l, these(3)); done.Records != 1 {
		t.Errorf("with room again: %+v", done)
	}
	mustCommit(t, l, "it goes on")
}

func TestCompact_ends(t *testing.T) {
	l, stop := start(t, t.TempDir(), small())
	fillSmall(t, l, 1000)
	end := l.Durable()
	ctx, cancel := context.WithCancel(background)
	_, err := l.Compact(ctx, every(1, 0, end), eventlog.CompactOptions{Progress: func(p eventlog.Position) {
		if p > end/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Compact with a context that ends = %v", err)
	}
	before := snapshot(t, l)
	if !before[0].Erased || !before[end-2].HasBody {
		t.Errorf("erased are the first: %t, the last: %t; want the first only", before[0].Erased, !before[end-2].HasBody)
	}
	done := make(chan error)
	go func() {
		_, err := l.Compact(background, every(1, 0, end), eventlog.CompactOptions{Progress: func(p eventlog.Position) { time.Sleep(time.Millisecond) }})
		done <- err
	}()
	time.Sleep(2 * time.Millisecond)
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Errorf("Run, Close = %v, %v", ran, closed)
	}
	if err := <-done; !errors.Is(err, eventlog.ErrClosed) && err != nil {
		t.Errorf("Compact of a log that is closed meanwhile = %v", err)
	}
	if _, err := l.Compact(background, these(), eventlog.CompactOptions{}); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Compact of a closed log = %v", err)
	}
}

func TestCompact_removes_what_was_set_aside(t *testing.T) {
	dir := t.TempDir()
	l, stop := start(t, dir, small())
	mustCommit(t, l, "one")
	stop()
	for _, name := range []string{"torn-00000001-96-1.bin", "torn-00000007-4096-2.bin", "compact-3.tmp", "prepared-9.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("somebody's name"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, recovery, err := eventlog.Open(dir, small())
	if err != nil || recovery.Prepared != 2 {
		t.Fatalf("Open = %+v, %v, want 2 leftovers removed", recovery, err)
	}
	stop = run(l)
	defer stop()
	if done := mustCompact(t, l, these()); done.TornFiles != 2 {
		t.Errorf("Compact = %+v, want 2 torn files removed", done)
	}
	for _, path := range namesLike(t, dir, "", "") {
		if name := filepath.Base(path); strings.HasPrefix(name, "torn") || strings.HasPrefix(name, "compact") {
			t.Errorf("%s is left", name)
		}
	}
}
