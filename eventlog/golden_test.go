package eventlog_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldenDir = "../testdata/log/v1"

// counter is a source of seeds and ids that is always the same.
type counter struct{ n atomic.Uint64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.n.Add(1))
	}
	return len(p), nil
}

// goldenCommits is what the golden log holds.
func goldenCommits() (commits [][]string) {
	for i := range 12 {
		commits = append(commits, commitNames(i))
	}
	return append(commits, []string{"the record whose body will be erased"}, []string{"the last one"})
}

const goldenErased = 30 // position of the record whose body was erased

// writeGolden writes the golden log: one sealed and one active segment, of
// which one body is erased as a rewrite would do it.
func writeGolden(t *testing.T, dir string) {
	t.Helper()
	clock := time.UnixMilli(1_700_000_000_000)
	l, stop := start(t, dir, eventlog.Options{
		SegmentBytes: 4 << 10, Random: &counter{}, Clock: func() time.Time { clock = clock.Add(time.Second); return clock },
	})
	for _, names := range goldenCommits() {
		mustCommit(t, l, names...)
	}
	stop()
	path := filepath.Join(dir, "00000002.seg")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, eraseBody(t, src, goldenErased), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eraseBody writes an unsealed segment anew, without the body of one record.
func eraseBody(t *testing.T, src []byte, position uint64) []byte {
	t.Helper()
	header, err := record.DecodeHeader(src)
	if err != nil {
		t.Fatal(err)
	}
	dst := bytes.Clone(src[:record.HeaderSize])
	for src = src[record.HeaderSize:]; len(src) > 0; {
		frame, err := record.DecodeFrame(src, header.Key())
		if err != nil {
			t.Fatal(err)
		}
		var run record.Run
		if frame.Kind == record.KindCommit {
			c, err := record.DecodeCommit(frame)
			if err != nil {
				t.Fatal(err)
			}
			c.SyncedThrough = int64(len(dst))
			dst = record.AppendCommit(dst, c, header.Key())
		} else if err := record.DecodeRun(frame, &run); err != nil {
			t.Fatal(err)
		} else {
			if run.First == position && len(run.Entries) == 1 {
				e := &run.Entries[0]
				e.Seed = record.MetadataSalt(e.Seed)
				e.Flags |= record.EntryErased
				e.Body, run.Block, run.Flags = 0, nil, run.Flags&^record.FlagCompressed
			}
			dst = record.AppendRun(dst, &run, header.Key())
		}
		src = src[frame.Size():]
	}
	return dst
}

// A new version of the zstd library may choose other bytes for the same blocks:
// then, and only then, -update is right without a new format version. The old
// files must be readable in any case, which the next test proves.
func TestFormat_is_that_of_the_golden_files(t *testing.T) {
	fresh := t.TempDir()
	writeGolden(t, fresh)
	for _, name := range []string{"00000001.seg", "00000002.seg"} {
		got, err := os.ReadFile(filepath.Join(fresh, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join(goldenDir, name)
		if *update {
			if err := os.MkdirAll(goldenDir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s at byte %d: the format has changed (see -update)", name, golden, firstDifference(got, want))
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestGolden_log_is_readable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"00000001.seg", "00000002.seg"} {
		src, err := os.ReadFile(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, recovery, err := eventlog.Open(dir, eventlog.Options{})
	if err != nil || recovery.Segments != 2 || recovery.Unclean {
		t.Fatalf("Open = %+v, %v", recovery, err)
	}
	defer l.Close()
	if err := l.Scrub(background, 0); err != nil {
		t.Errorf("Scrub = %v", err)
	}
	next := eventlog.Position(0)
	for i, names := range goldenCommits() {
		for j, name := range names {
			r, err := l.Read(next)
			if err != nil {
				t.Fatalf("Read(%d) = %v", next, err)
			}
			if err := r.Verify(); err != nil {
				t.Error(err)
			}
			want := bodyOf(name)
			if next == goldenErased {
				if !r.Erased || r.HasBody || r.Body != nil {
					t.Errorf("record %d is not erased: %+v", next, r)
				}
				want = nil
			}
			if string(r.Metadata) != name || string(r.Body) != string(want) || r.CommitEnd != (j == len(names)-1) {
				t.Errorf("commit %d record %d = %+v, want %q", i, j, r, name)
			}
			if next == 0 && (r.Instant != 1_700_000_001_000 || binary.LittleEndian.Uint64(r.Seed[:]) == 0) {
				t.Errorf("instant %d, seed %x", r.Instant, r.Seed)
			}
			next++
		}
	}
	if l.Next() != next {
		t.Errorf("Next() = %d, want %d", l.Next(), next)
	}
	stop := run(l)
	mustCommit(t, l, fmt.Sprint("and it can be ", "continued"))
	stop()
}
