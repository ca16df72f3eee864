package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/record"
)

// small makes logs of many segments.
func small() eventlog.Options { return eventlog.Options{SegmentBytes: 8 << 10, MinFreeBytes: -1} }

// these is a sequence of positions.
func these(positions ...eventlog.Position) iter.Seq[eventlog.Position] {
	return slices.Values(positions)
}

// every gives the positions from first on, below end, in steps.
func every(step, first, end eventlog.Position) iter.Seq[eventlog.Position] {
	return func(yield func(eventlog.Position) bool) {
		for p := first; p < end; p += step {
			if !yield(p) {
				return
			}
		}
	}
}

func mustCompact(t testing.TB, l *eventlog.Log, gone iter.Seq[eventlog.Position]) eventlog.Compaction {
	t.Helper()
	done, err := l.Compact(background, gone, eventlog.CompactOptions{})
	if err != nil {
		t.Fatalf("Compact = %v", err)
	}
	return done
}

// snapshot is all that can be read of a log but the bodies.
func snapshot(t testing.TB, l *eventlog.Log) (records []eventlog.Record) {
	t.Helper()
	if err := l.Scan(background, 0, false, func(r eventlog.Record) error {
		r.Metadata = bytes.Clone(r.Metadata)
		records = append(records, r)
		return nil
	}); err != nil {
		t.Fatalf("Scan = %v", err)
	}
	return records
}

// checkErased reads everything in every way: some bodies are gone, and nothing
// else has changed.
func checkErased(t testing.TB, l *eventlog.Log, before []eventlog.Record, gone map[eventlog.Position]bool) {
	t.Helper()
	n := 0
	check := func(r eventlog.Record, withBody bool) {
		want := before[r.Position]
		if gone[r.Position] && want.HasBody {
			want.HasBody, want.Erased = false, true
			want.Seed = record.MetadataSalt(want.Seed)
		}
		if err := r.Verify(); err != nil {
			t.Error(err)
		}
		if body := r.Body; withBody && want.HasBody && string(body) != string(bodyOf(string(want.Metadata))) || !want.HasBody && body != nil {
			t.Errorf("record %d has the body %.40q", r.Position, body)
		}
		r.Body, r.Metadata = nil, bytes.Clone(r.Metadata)
		if !reflect.DeepEqual(r, want) {
			t.Errorf("record %d is\n%+v, want\n%+v", r.Position, r, want)
		}
	}
	if err := l.Scan(background, 0, true, func(r eventlog.Record) error { check(r, true); n++; return nil }); err != nil || n != len(before) {
		t.Fatalf("Scan = %d records, %v, want %d", n, err, len(before))
	}
	for p := range before {
		r, err := l.Read(eventlog.Position(p))
		if err != nil {
			t.Fatalf("Read(%d) = %v", p, err)
		}
		check(r, true)
		at, ok, err := l.PositionAt(before[p].Instant)
		if err != nil || !ok || at < eventlog.Position(p) || before[at].Instant != before[p].Instant {
			t.Fatalf("PositionAt(%d) = %d, %t, %v", before[p].Instant, at, ok, err)
		}
	}
	followed, enough := 0, errors.New("enough")
	if err := l.Follow(background, 0, func(records []eventlog.Record) error {
		for _, r := range records {
			// What was appended lately comes from memory, as it was.
			if string(r.Metadata) != string(before[followed].Metadata) {
				t.Errorf("Follow gives %q at %d", r.Metadata, followed)
			}
			if followed++; followed == len(before) {
				return enough
			}
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Fatalf("Follow = %v", err)
	}
	if err := l.Scrub(background, 0); err != nil {
		t.Errorf("Scrub = %v", err)
	}
}

// fillSmall makes a log of about n records in commits of changing size.
func fillSmall(t testing.TB, l *eventlog.Log, n int) {
	t.Helper()
	for i := 0; int(l.Next()) < n; i++ {
		var names []string
		for r := range 1 + i%40 {
			names = append(names, fmt.Sprintf("commit %d record %d %*s", i, r, (i+r)%9, ""))
		}
		mustCommit(t, l, names...)
	}
}

func TestCompact_removes_bodies_and_nothing_else(t *testing.T) {
	for name, gone := range map[string]func(end eventlog.Position) iter.Seq[eventlog.Position]{
		"nothing":              func(eventlog.Position) iter.Seq[eventlog.Position] { return these() },
		"one":                  func(eventlog.Position) iter.Seq[eventlog.Position] { return these(100) },
		"the first":            func(eventlog.Position) iter.Seq[eventlog.Position] { return these(0) },
		"the last":             func(end eventlog.Position) iter.Seq[eventlog.Position] { return these(end - 1) },
		"neighbours":           func(eventlog.Position) iter.Seq[eventlog.Position] { return every(1, 90, 130) },
		"every third":          func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(3, 0, end) },
		"all":                  func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(1, 0, end) },
		"what is not there":    func(end eventlog.Position) iter.Seq[eventlog.Position] { return these(end, end+1, 1<<60) },
		"half, and not there":  func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(1, end/2, end+9) },
		"one without its body": func(eventlog.Position) iter.Seq[eventlog.Position] { return these(without(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, stop := start(t, dir, small())
			fillSmall(t, l, 1000)
			before := snapshot(t, l)
			end := l.Durable()
			marked := map[eventlog.Position]bool{}
			want := eventlog.Compaction{}
			for p := range gone(end) {
				if p < end && before[p].HasBody {
					want.Records++
					want.BodyBytes += int64(len(bodyOf(string(before[p].Metadata))))
					marked[p] = true
				}
			}
			done := mustCompact(t, l, gone(end))
			if done.Records != want.Records || done.BodyBytes != want.BodyBytes || (done.Segments > 0) != (want.Records > 0) {
				t.Errorf("Compact = %+v, want %+v", done, want)
			}
			if done.BytesAfter > done.BytesBefore {
				t.Errorf("the log has grown: %+v", done)
			}
			checkErased(t, l, before, marked)
			if again := mustCompact(t, l, gone(end)); again != (eventlog.Compaction{}) {
				t.Errorf("a second time: %+v", again)
			}
			if left := namesLike(t, dir, ".tmp", "compact-"); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
			mustCommit(t, l, "it can be", "continued")
			if ran, closed := stop(); ran != nil || closed != nil {
				t.Fatalf("Run, Close = %v, %v", ran, closed)
			}
			l, recovery, err := eventlog.Open(dir, small())
			if err != nil || recovery.Unclean || recovery.TornFile != "" {
				t.Fatalf("Open = %+v, %v", recovery, err)
			}
			defer l.Close()
			checkErased(t, l, snapshotOf(l, before), marked)
		})
	}
}

// without finds the position of a record of fillSmall that has no body.
func without(t testing.TB) eventlog.Position {
	l, stop := start(t, t.TempDir(), small())
	defer stop()
	fillSmall(t, l, 1000)
	for _, r := range snapshot(t, l) {
		if !r.HasBody {
			return r.Position
		}
	}
	t.Fatal("all records have bodies")
	return 0
}

// snapshotOf adds to what is known the records that came since.
func snapshotOf(l *eventlog.Log, before []eventlog.Record) []eventlog.Record {
	all := slices.Clone(before)
	_ = l.Scan(background, eventlog.Position(len(before)), false, func(r eventlog.Record) error { // checkErased scans again
		r.Metadata = bytes.Clone(r.Metadata)
		all = append(all, r)
		return nil
	})
	return all
}

func namesLike(t testing.TB, dir, suffix, prefix string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, prefix+"*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestCompact_leaves_no_bytes looks for the bodies in the files: they cannot be
// compressed, so they stand there as they are.
func TestCompact_leaves_no_bytes(t *testing.T) {
	dir := t.TempDir()
	l, stop := start(t, dir, small())
	defer stop()
	random := rand.NewChaCha8([32]byte{1})
	secret, other := make([]byte, 1000), make([]byte, 1000)
	random.Read(secret)
	random.Read(other)
	pack := l.Pack([][]byte{secret, other, secret})
	a, err := l.Append(background, eventlog.Batch{Metadata: [][]byte{{1}, {2}, {3}}, Bodies: pack})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.WaitDurable(background, a.First+3); err != nil {
		t.Fatal(err)
	}
	holds := func(text []byte) bool {
		for _, path := range namesLike(t, dir, "", "") {
			content, err := os.ReadFile(path)
			if err == nil && bytes.Contains(content, text[500:510]) {
				return true
			}
		}
		return false
	}
	if !holds(secret) || !holds(other) {
		t.Fatal("the bodies are not found while they are there")
	}
	mustCompact(t, l, these(0, 2))
	if holds(secret) || !holds(other) {
		t.Errorf("after it the secret is there: %t, the other: %t", holds(secret), holds(other))
	}
}

func TestCompact_seals_the_active_segment(t *testing.T) {
	dir := t.TempDir()
	l, stop := start(t, dir, eventlog.Options{})
	mustCommit(t, l, "a record", "another")
	before := snapshot(t, l)
	// While nothing is appended, and while much is.
	if done := mustCompact(t, l, these(0)); done.Records != 1 || l.Stats().Segments != 1 {
		t.Errorf("Compact = %+v with %d segments", done, l.Stats().Segments)
	}
	appending, quit := context.WithCancel(background)
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			for k := 0; appending.Err() == nil; k++ {
				if _, err := commit(l, fmt.Sprintf("%d by %d", k, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for l.Durable() < 100 {
		time.Sleep(time.Millisecond)
	}
	at := l.Durable() - 1
	done := mustCompact(t, l, these(at))
	quit()
	group.Wait()
	if done.Segments > 1 { // none if that one has no body
		t.Errorf("Compact under load = %+v", done)
	}
	stop()
	l = open(t, dir, eventlog.Options{})
	defer l.Close()
	checkErased(t, l, snapshotOf(l, before), map[eventlog.Position]bool{0: true})
}

// TestCompact_with_readers reads and follows while everything is erased, bit by
// bit: a body is there, or erased, and whole in any case.
func TestCompact_with_readers(t *testing.T) {
	o := small()
	o.OpenSegments, o.CacheBytes = 3, 32<<10
	l, stop := start(t, t.TempDir(), o)
	defer stop()
	fillSmall(t, l, 500)
	end := l.Durable()
	reading, quit := context.WithCancel(background)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for p := eventlog.Position(i); reading.Err() == nil; p = (p + 7) % end {
				r, err := l.Read(p)
				if err == nil && !r.Erased {
					err = checkRecord(r)
				}
				if err == nil {
					_, _, err = l.PositionAt(r.Instant)
				}
				if err != nil {
					t.Errorf("Read(%d) = %v", p, err)
					return
				}
			}
		})
	}
	group.Go(func() {
		for reading.Err() == nil {
			if err := l.Scan(background, 0, true, func(r eventlog.Record) error {
				if r.Erased {
					return r.Verify()
				}
				return checkRecord(r)
			}); err != nil {
				t.Errorf("Scan = %v", err)
				return
			}
			if err := l.Scrub(background, 0); err != nil {
				t.Errorf("Scrub = %v", err)
			}
		}
	})
	segments := 0
	for first := range eventlog.Position(8) {
		segments += mustCompact(t, l, every(8, first, end)).Segments
		mustCommit(t, l, "meanwhile")
	}
	quit()
	group.Wait()
	if segments < 16 {
		t.Errorf("only %d segments were written anew: that shows little", segments)
	}
}

func TestCompact_keeps_the_dictionary_of_a_segment(t *testing.T) {
	dir := t.TempDir()
	l, stop := start(t, dir, small())
	fillSmall(t, l, 300)
	before := snapshot(t, l)
	stop()
	o := small()
	o.Dictionary = dictionary(t, 100)
	l, stop = start(t, dir, o)
	defer stop()
	fillSmall(t, l, 600)
	before = snapshotOf(l, before)
	gone := map[eventlog.Position]bool{}
	for p := range every(2, 0, l.Durable()) {
		gone[p] = true
	}
	mustCompact(t, l, slices.Values(slices.Sorted(maps.Keys(gone))))
	checkErased(t, l, before, gone)
}
