package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
)

func TestOpen_of_a_folder_in_use_is_refused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, eventlog.Options{})
	if _, _, err := eventlog.Open(dir, eventlog.Options{}); !errors.Is(err, eventlog.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, eventlog.Options{}).Close()
}

func TestOpen_names_every_mistake_in_its_options(t *testing.T) {
	_, _, err := eventlog.Open(t.TempDir(), eventlog.Options{
		SegmentBytes: 1, BlockBytes: -1, QueueBytes: -1, MaxGather: -1, OpenSegments: -1,
		MaxCommitBytes: -1, TailBytes: -1, Dictionary: []byte("not one"),
	})
	for _, name := range []string{"SegmentBytes", "BlockBytes", "QueueBytes", "MaxGather", "OpenSegments", "MaxCommitBytes", "TailBytes", "dictionary 0"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Open = %v, does not name %s", err, name)
		}
	}
}

func TestAppend_refuses_a_full_disk_and_goes_on_when_there_is_room(t *testing.T) {
	fs := faultfs.New()
	fs.SetCapacity(20_000)
	o := faultOptions(fs)
	o.MinFreeBytes = 2_000
	l, stop := start(t, faultDir, o)
	accepted := 0
	var err error
	for ; err == nil && accepted < 1000; accepted++ {
		_, err = commit(l, commitNames(accepted)...)
	}
	accepted--
	if !errors.Is(err, eventlog.ErrDiskFull) {
		t.Fatalf("commit %d on a full disk = %v, want ErrDiskFull", accepted, err)
	}
	if free, _ := fs.Free(""); free < 2_000 {
		t.Errorf("%d bytes are left free, want 2000", free)
	}
	if got, err := contents(l); err != nil || len(got) != accepted {
		t.Errorf("%d commits, %v, want %d", len(got), err, accepted)
	}
	if l.Next() != l.Durable() {
		t.Errorf("a refused commit left Next() = %d, Durable() = %d", l.Next(), l.Durable())
	}
	fs.SetCapacity(1 << 20)
	for i := range 50 {
		mustCommit(t, l, commitNames(accepted+i)...)
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Errorf("Run, Close = %v, %v", ran, closed)
	}
}

func TestAppend_of_a_commit_larger_than_a_segment_gets_one_of_its_own(t *testing.T) {
	fs := faultfs.New()
	l, stop := start(t, faultDir, faultOptions(fs))
	mustCommit(t, l, "small")
	random := rand.New(rand.NewPCG(1, 1))
	large := make([]byte, 30_000)
	for i := range large {
		large[i] = byte(random.Uint32())
	}
	a, err := l.Append(background, eventlog.Batch{Metadata: [][]byte{[]byte("large")}, Bodies: l.Pack([][]byte{large})})
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, l, "small again")
	if r, err := l.Read(a.First); err != nil || !bytes.Equal(r.Body, large) {
		t.Errorf("Read = %d bytes, %v", len(r.Body), err)
	}
	if s := l.Stats(); s.Segments != 3 {
		t.Errorf("%d segments, want 3", s.Segments)
	}
	stop()
	for _, name := range []string{"00000001", "00000003"} {
		if size := len(fs.Content(segmentName(name))); size > 4096 {
			t.Errorf("segment %s has %d bytes", name, size)
		}
	}
}

func TestAppend_refuses_a_commit_beyond_the_limit(t *testing.T) {
	o := faultOptions(faultfs.New())
	o.MaxCommitBytes = 1000
	l, stop := start(t, faultDir, o)
	defer stop()
	_, err := commit(l, strings.Repeat("metadata", 200))
	if large, ok := errors.AsType[*eventlog.TooLargeError](err); !ok || large.What != "commit" || large.Limit != 1000 {
		t.Errorf("commit = %v, want a TooLargeError", err)
	}
	mustCommit(t, l, "small")
}

func TestAppend_gives_instants_that_never_go_back(t *testing.T) {
	clock := time.UnixMilli(1000)
	o := faultOptions(faultfs.New())
	o.Clock = func() time.Time { return clock }
	l, stop := start(t, faultDir, o)
	var got []int64
	for _, now := range []int64{1000, 1005, 900, 1005, 1004, 1010} {
		clock = time.UnixMilli(now)
		got = append(got, mustCommit(t, l, "a", "b").Instant)
	}
	stop()
	clock = time.UnixMilli(1)
	l, stop = start(t, faultDir, o)
	defer stop()
	got = append(got, mustCommit(t, l, "after reopening").Instant)
	if want := "[1000 1005 1005 1005 1005 1010 1010]"; fmt.Sprint(got) != want {
		t.Errorf("instants %v, want %s", got, want)
	}
	for instant, want := range map[int64]int{999: -1, 1000: 1, 1004: 1, 1005: 9, 1009: 9, 1010: 12, 5000: 12} {
		if p, ok, err := l.PositionAt(instant); err != nil || ok != (want >= 0) || ok && int(p) != want {
			t.Errorf("PositionAt(%d) = %d, %v, want %d", instant, p, ok, want)
		}
	}
}

func TestRun_ends_cleanly_with_its_context(t *testing.T) {
	fs := faultfs.New()
	l := open(t, faultDir, faultOptions(fs))
	ctx, cancel := context.WithCancel(background)
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	mustCommit(t, l, "a")
	if err := l.Run(ctx); err == nil {
		t.Error("a second Run was let run")
	}
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run = %v", err)
	}
	if _, err := commit(l, "b"); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Append after Run ended = %v, want ErrClosed", err)
	}
	if _, err := l.Read(0); err != nil {
		t.Errorf("Read before Close = %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := l.Read(0); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Read after Close = %v, want ErrClosed", err)
	}
}

func TestClose_trims_what_was_allocated_ahead(t *testing.T) {
	dir := t.TempDir()
	l, stop := start(t, dir, eventlog.Options{})
	mustCommit(t, l, "a")
	if s := l.Stats(); s.BytesAllocated < 1<<20 || s.BytesAllocated > 3<<20 || s.BytesUsed > 4096 {
		t.Errorf("running: %+v", s)
	}
	stop()
	l = open(t, dir, eventlog.Options{})
	defer l.Close()
	if s := l.Stats(); s.BytesAllocated != s.BytesUsed || s.BytesUsed > 4096 {
		t.Errorf("reopened: %+v", s)
	}
}

func dictionary(t *testing.T, id uint32) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(id), 0))
	sample := func() []byte {
		var b []byte
		for range 20 {
			b = fmt.Appendf(b, `{"resourceType":"Patient","id":"%d","name":[{"family":"%x"}]}`, random.Uint64(), random.Uint64())
		}
		return b
	}
	var samples [][]byte
	for range 100 {
		samples = append(samples, sample())
	}
	history := sample()
	d, err := zstd.BuildDict(zstd.BuildDictOptions{ID: id, Contents: samples, History: history, Offsets: [3]int{1, 4, 8}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpen_with_another_dictionary_starts_a_new_segment(t *testing.T) {
	fs := faultfs.New()
	first, second := dictionary(t, 100), dictionary(t, 200)
	live := func(current []byte, older ...[]byte) {
		t.Helper()
		o := faultOptions(fs)
		o.SegmentBytes, o.Dictionary, o.Dictionaries = 1<<20, current, older
		l, stop := start(t, faultDir, o)
		for i := range 20 {
			mustCommit(t, l, commitNames(i)...)
		}
		if _, err := contents(l); err != nil {
			t.Errorf("Scan = %v", err)
		}
		stop()
	}
	live(nil)
	live(first)
	live(first)
	live(second, first)
	l := open(t, faultDir, eventlog.Options{FS: fs, Dictionaries: [][]byte{first, second}})
	if got, err := contents(l); err != nil || len(got) != 80 {
		t.Errorf("%d commits, %v, want 80", len(got), err)
	}
	if s := l.Stats(); s.Segments != 3 {
		t.Errorf("%d segments, want 3: one per dictionary", s.Segments)
	}
	l.Close()
	if _, _, err := eventlog.Open(faultDir, eventlog.Options{FS: fs, Dictionary: second}); err == nil || !strings.Contains(err.Error(), "dictionary 100") {
		t.Errorf("Open without an older dictionary = %v, want its id named", err)
	}
}

func TestAppend_blocks_while_too_much_is_queued(t *testing.T) {
	o := faultOptions(faultfs.New())
	o.QueueBytes = 1
	l := open(t, faultDir, o)
	stop := run(l)
	mustCommit(t, l, "makes a segment")
	stop()
	l = open(t, faultDir, o) // nobody runs it
	ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
	defer cancel()
	appended := 0
	var err error
	for ; err == nil && appended < 10; appended++ {
		_, err = l.Append(ctx, batch(l, "waits"))
	}
	if !errors.Is(err, context.DeadlineExceeded) || appended > 2 {
		t.Errorf("append %d = %v, want to wait for room in the queue", appended, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A commit larger than what is written at once is still one commit.
func TestAppend_of_a_commit_in_several_writes_is_atomic(t *testing.T) {
	fs := faultfs.New()
	o := eventlog.Options{FS: fs, MinFreeBytes: -1}
	l, stop := start(t, faultDir, o)
	mustCommit(t, l, "before")
	random := rand.New(rand.NewPCG(1, 1))
	var b eventlog.Batch
	var bodies [][]byte
	for range 700 {
		body := make([]byte, 16_000)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		b.Metadata, bodies = append(b.Metadata, []byte("part")), append(bodies, body)
	}
	b.Bodies = l.Pack(bodies)
	before := fs.Operations()
	a, err := l.Append(background, b)
	if err == nil {
		err = l.WaitDurable(background, a.First+eventlog.Position(a.Count))
	}
	if err != nil {
		t.Fatal(err)
	}
	if writes := fs.Operations() - before; writes < 4 {
		t.Errorf("%d operations: the commit was written at once, and this test shows nothing", writes)
	}
	killed := fs.Clone()
	stop()
	for _, cut := range []bool{false, true} {
		disk := killed.Clone()
		want := uint64(701)
		if cut { // lose the commit frame
			content := disk.Content(segmentName("00000001"))
			end := len(content)
			for content[end-1] == 0 {
				end--
			}
			clear(content[end-20 : end])
			disk.SetContent(segmentName("00000001"), content)
			want = 1
		}
		o.FS = disk
		l, recovery, err := eventlog.Open(faultDir, o)
		if err != nil || recovery.Records != want {
			t.Fatalf("cut %v: Open = %+v, %v, want %d records", cut, recovery, err, want)
		}
		if !cut {
			if r, err := l.Read(500); err != nil || !bytes.Equal(r.Body, bodies[499]) {
				t.Errorf("Read = %d bytes, %v", len(r.Body), err)
			}
		}
		l.Close()
	}
}

func TestClose_leaves_the_files_of_a_log_that_was_only_read(t *testing.T) {
	live := t.TempDir()
	l, stop := start(t, live, eventlog.Options{})
	mustCommit(t, l, "a", "b")
	mustCommit(t, l, "c")
	dir := filepath.Join(t.TempDir(), "log") // as a crash leaves it: no mark, room allocated ahead
	if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	stop()
	segment := filepath.Join(dir, "00000001.seg")
	before, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l, recovery, err := eventlog.Open(dir, eventlog.Options{})
		if err != nil || !recovery.Unclean || recovery.Records != 3 {
			t.Fatalf("Open = %+v, %v", recovery, err)
		}
		if got, err := contents(l); err != nil || len(got) != 2 {
			t.Errorf("%v, %v", got, err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if after, err := os.ReadFile(segment); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v; %d bytes, and %d before", err, len(after), len(before))
		}
	}
	l, stop = start(t, dir, eventlog.Options{})
	mustCommit(t, l, "d")
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Errorf("Run, Close = %v, %v", ran, closed)
	}
	if l, recovery, err := eventlog.Open(dir, eventlog.Options{}); err != nil || recovery.Unclean || recovery.Records != 4 {
		t.Errorf("Open after a commit = %+v, %v", recovery, err)
	} else if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestRoom_tells_what_is_left(t *testing.T) {
	fs := faultfs.New()
	fs.SetCapacity(100_000)
	o := faultOptions(fs)
	o.MinFreeBytes = 2_000
	l, stop := start(t, faultDir, o)
	defer stop()
	mustCommit(t, l, commitNames(0)...)
	room, err := l.Room()
	free, _ := fs.Free("")
	if err != nil || room.Free != free || room.Reserve != 2_000 || room.Left() != free-2_000 {
		t.Errorf("Room = %+v, %v; %d bytes are free", room, err, free)
	}
	if room := (eventlog.Room{Free: 5}); room.Left() != 5 {
		t.Errorf("Left without a reserve = %d", room.Left())
	}
}

// TestAppend_refuses_when_others_fill_the_disk, although there is room allocated: what
// follows the log has none.
func TestAppend_refuses_when_others_fill_the_disk(t *testing.T) {
	fs := faultfs.New()
	o := faultOptions(fs)
	o.SegmentBytes, o.MinFreeBytes = 1<<20, 2_000
	l, stop := start(t, faultDir, o)
	mustCommit(t, l, commitNames(0)...)
	if ahead := l.Stats().BytesAllocated - l.Stats().BytesUsed; ahead < 100_000 {
		t.Fatalf("%d bytes are allocated ahead: the test has lost its grip", ahead)
	}
	const large = 1 << 40
	fs.SetCapacity(large)
	free, _ := fs.Free("")
	fs.SetCapacity(large - free + 2_000)
	time.Sleep(60 * time.Millisecond) // what is known of the disk gets old
	for range 2 {
		if _, err := commit(l, commitNames(1)...); !errors.Is(err, eventlog.ErrDiskFull) || !strings.Contains(err.Error(), "2000 bytes free, 2000 to be left") {
			t.Fatalf("commit = %v, want ErrDiskFull", err)
		}
	}
	fs.SetCapacity(1 << 30)
	mustCommit(t, l, commitNames(2)...)
	if got, err := contents(l); err != nil || len(got) != 2 {
		t.Errorf("%d commits, %v", len(got), err)
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Errorf("Run, Close = %v, %v", ran, closed)
	}
}
