package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/record"
)

// stubOf is what makeStub leaves of a record of that name.
func stubOf(name string) string { return fmt.Sprintf("stub of %d", len(name)) }

func makeStub(metadata []byte) ([]byte, error) { return []byte(stubOf(string(metadata))), nil }

// sorted gives positions in their order.
func sorted(positions map[eventlog.Position]bool) iter.Seq[eventlog.Position] {
	return slices.Values(slices.Sorted(maps.Keys(positions)))
}

// checkUnknown reads all records: of those that are unknown nothing is left but place,
// instant, commitments and the stub, and nothing else has changed.
func checkUnknown(t testing.TB, l *eventlog.Log, before []eventlog.Record, unknown map[eventlog.Position]bool) {
	t.Helper()
	n := 0
	if err := l.Scan(background, 0, true, func(r eventlog.Record) error {
		want := before[n]
		n++
		got := eventlog.Record{
			Position: r.Position, Instant: r.Instant, CommitEnd: r.CommitEnd,
			MetadataCommitment: r.MetadataCommitment, BodyCommitment: r.BodyCommitment,
		}
		if got.Position != want.Position || got.Instant != want.Instant || got.CommitEnd != want.CommitEnd ||
			got.MetadataCommitment != want.MetadataCommitment || got.BodyCommitment != want.BodyCommitment || r.MetadataErased != (unknown[r.Position] || want.MetadataErased) {
			t.Errorf("record %d is\n%+v, want\n%+v", r.Position, r, want)
		}
		if !unknown[r.Position] {
			if !bytes.Equal(r.Metadata, want.Metadata) || r.Seed != want.Seed || r.Erased != want.Erased {
				t.Errorf("record %d is\n%+v, want\n%+v", r.Position, r, want)
			}
			return r.Verify()
		}
		if string(r.Metadata) != stubOf(string(want.Metadata)) || r.HasBody || r.Body != nil || r.Seed != [record.SeedSize]byte{} || r.Erased != (want.HasBody || want.Erased) {
			t.Errorf("record %d is\n%+v, and unknown", r.Position, r)
		}
		return r.Verify()
	}); err != nil || n != len(before) {
		t.Fatalf("Scan = %d records, %v, want %d", n, err, len(before))
	}
}

func TestCompact_erases_metadata(t *testing.T) {
	for name, c := range map[string]struct {
		bodies, metadata func(end eventlog.Position) iter.Seq[eventlog.Position]
	}{
		"alone": {
			func(eventlog.Position) iter.Seq[eventlog.Position] { return these() },
			func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(3, 0, end) }},
		"of one": {
			func(eventlog.Position) iter.Seq[eventlog.Position] { return these() },
			func(eventlog.Position) iter.Seq[eventlog.Position] { return these(500) }},
		"and bodies": {
			func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(2, 0, end) },
			func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(5, 1, end+9) }},
		"of all": {
			func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(1, 0, end) },
			func(end eventlog.Position) iter.Seq[eventlog.Position] { return every(1, 0, end) }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, stop := start(t, dir, small())
			fillSmall(t, l, 1000)
			end := l.Durable()
			// Some lost their bodies long before.
			mustCompact(t, l, every(7, 0, end))
			before := snapshot(t, l)
			unknown := map[eventlog.Position]bool{}
			for p := range c.metadata(end) {
				if p < end {
					unknown[p] = true
				}
			}
			done, err := l.Compact(background, c.bodies(end), eventlog.CompactOptions{Metadata: c.metadata(end), Stub: makeStub})
			if err != nil || done.Metadata != uint64(len(unknown)) {
				t.Fatalf("Compact = %+v, %v, want %d", done, err, len(unknown))
			}
			for p := range c.bodies(end) {
				if p < end && !unknown[p] && before[p].HasBody {
					before[p].HasBody, before[p].Erased, before[p].Seed = false, true, record.MetadataSalt(before[p].Seed)
				}
			}
			checkUnknown(t, l, before, unknown)
			again, err := l.Compact(background, c.bodies(end), eventlog.CompactOptions{Metadata: c.metadata(end), Stub: makeStub})
			if err != nil || again != (eventlog.Compaction{}) {
				t.Errorf("a second time: %+v, %v", again, err)
			}
			// What was in memory is told as it is on disk.
			told := 0
			_ = l.Follow(background, 0, func(records []eventlog.Record) error {
				for _, r := range records {
					if unknown[r.Position] != r.MetadataErased {
						t.Errorf("Follow gives %q at %d", r.Metadata, r.Position)
					}
					told++
				}
				if told == len(before) {
					return errWrongBody
				}
				return nil
			})
			if ran, closed := stop(); ran != nil || closed != nil {
				t.Fatalf("Run, Close = %v, %v", ran, closed)
			}
			v, err := eventlog.Verify(background, dir, small(), eventlog.VerifyOptions{})
			if err != nil || v.MetadataErased != uint64(len(unknown)) {
				t.Errorf("Verify = %+v, %v, want %d", v, err, len(unknown))
			}
			l = open(t, dir, small())
			defer l.Close()
			checkUnknown(t, l, before, unknown)
		})
	}
}

func TestCompact_refuses_stubs(t *testing.T) {
	for name, stub := range map[string]func([]byte) ([]byte, error){
		"that cannot be made": func([]byte) ([]byte, error) { return nil, errors.New("no idea what that is") },
		"that are too long":   func([]byte) ([]byte, error) { return make([]byte, record.MaxStub+1), nil },
	} {
		l, stop := start(t, t.TempDir(), small())
		fillSmall(t, l, 100)
		before := snapshot(t, l)
		_, err := l.Compact(background, these(), eventlog.CompactOptions{Metadata: these(3), Stub: stub})
		if err == nil || !strings.Contains(err.Error(), "record 3") {
			t.Errorf("%s: Compact = %v", name, err)
		}
		checkUnknown(t, l, before, nil)
		stop()
	}
}

// TestCompact_of_metadata_survives_faults erases metadata across segments while the disk
// fails, or the power, at each operation; what is left is finished by doing it again.
func TestCompact_of_metadata_survives_faults(t *testing.T) {
	w := newCompactWorld(t, faultfs.New())
	metadata := []eventlog.Position{2, 3, 40, 41, eventlog.Position(len(w.before)) - 3, eventlog.Position(len(w.before)) - 1}
	options := eventlog.CompactOptions{Metadata: slices.Values(metadata), Stub: makeStub}
	attempt := func(fs *faultfs.FS, arm func()) (int, error) {
		l, stop := start(t, faultDir, faultOptions(fs))
		arm()
		_, err := l.Compact(background, sorted(w.gone), options)
		operations := fs.Operations()
		fs.FailAt(0, faultfs.None)
		_, _ = stop()
		return operations, err
	}
	whole := w.fs.Clone()
	total, err := attempt(whole, func() { whole.FailAt(0, faultfs.None) })
	if err != nil {
		t.Fatal(err)
	}
	stride, partly := 3, 0
	if testing.Short() {
		stride = 11
	}
	for n := 1; n <= total; n += stride {
		for _, effect := range []faultfs.Effect{faultfs.None, faultfs.Partial, faultfs.Full} {
			fs := w.fs.Clone()
			_, _ = attempt(fs, func() {
				if n%2 == 0 {
					fs.HaltAt(n, effect)
				} else {
					fs.FailAt(n, effect)
				}
			})
			if n%2 == 0 || n%3 == 0 {
				fs.PowerCut(faultfs.Nothing, nil)
			}
			l, _, err := eventlog.Open(faultDir, faultOptions(fs))
			if err != nil {
				t.Fatalf("operation %d, effect %d: Open = %v", n, effect, err)
			}
			unknown, now := map[eventlog.Position]bool{}, snapshot(t, l)
			for _, r := range now[:len(w.before)] {
				if r.MetadataErased {
					unknown[r.Position] = true
				}
				if r.MetadataErased && !slices.Contains(metadata, r.Position) {
					t.Errorf("operation %d: record %d is unknown", n, r.Position)
				}
			}
			if len(unknown) > 0 && len(unknown) < len(metadata) {
				partly++
			}
			stop := run(l)
			if _, err := l.Compact(background, sorted(w.gone), options); err != nil {
				t.Fatalf("operation %d, effect %d: once more: %v", n, effect, err)
			}
			for _, p := range metadata {
				unknown[p] = true
			}
			want := slices.Clone(w.before)
			for p := range w.gone {
				if !unknown[p] {
					want[p].HasBody, want[p].Erased, want[p].Seed = false, true, record.MetadataSalt(want[p].Seed)
				}
			}
			checkUnknown(t, l, want, unknown)
			if ran, closed := stop(); ran != nil || closed != nil {
				t.Fatalf("Run, Close = %v, %v", ran, closed)
			}
		}
	}
	if partly == 0 {
		t.Error("no fault left a part of it: the test has lost its grip")
	}
}

const goldenErasedDir = "../testdata/log/v2-erased"

// TestFormat_without_metadata pins the bytes of a segment of which metadata are erased.
// As of the golden log, another version of the zstd library may choose other bytes.
func TestFormat_without_metadata(t *testing.T) {
	dir := t.TempDir()
	clock := time.UnixMilli(1_700_000_000_000)
	o := eventlog.Options{
		SegmentBytes: 4 << 10, MinFreeBytes: -1, Random: &counter{},
		Clock: func() time.Time { clock = clock.Add(time.Second); return clock },
	}
	l, stop := start(t, dir, o)
	for _, names := range goldenCommits() {
		mustCommit(t, l, names...)
	}
	before := snapshot(t, l)
	if _, err := l.Compact(background, these(4), eventlog.CompactOptions{}); err != nil { // a body that went before
		t.Fatal(err)
	}
	if _, err := l.Compact(background, these(1), eventlog.CompactOptions{Metadata: these(0, 3, 4, 6, 7), Stub: makeStub}); err != nil {
		t.Fatal(err)
	}
	stop()
	got, err := os.ReadFile(filepath.Join(dir, "00000001.seg"))
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join(goldenErasedDir, "00000001.seg")
	if *update {
		if err := errors.Join(os.MkdirAll(goldenErasedDir, 0o755), os.WriteFile(golden, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs at byte %d: the format has changed", golden, firstDifference(got, want))
	}
	read := t.TempDir()
	if err := os.WriteFile(filepath.Join(read, "00000001.seg"), want, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, _, err = eventlog.Open(read, o); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	records := before[:l.Durable()]
	for _, p := range []int{1, 4} {
		records[p].HasBody, records[p].Erased, records[p].Seed = false, true, record.MetadataSalt(records[p].Seed)
	}
	checkUnknown(t, l, records, map[eventlog.Position]bool{0: true, 3: true, 4: true, 6: true, 7: true})
	if header, err := record.DecodeHeader(want); err != nil || !header.MetadataErased {
		t.Errorf("header %+v, %v", header, err)
	}
}
