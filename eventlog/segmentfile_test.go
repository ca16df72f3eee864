package eventlog_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/record"
)

func segmentReader(t testing.TB, o eventlog.Options) *eventlog.SegmentReader {
	t.Helper()
	r, err := eventlog.NewSegmentReader(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkSegments checks every segment of a folder by itself.
func checkSegments(t testing.TB, dir string, o eventlog.Options, n int) {
	t.Helper()
	r := segmentReader(t, o)
	var previous *eventlog.SegmentInfo
	for i := 1; i <= n; i++ {
		file, err := o.FS.OpenRead(eventlog.SegmentPath(dir, eventlog.SegmentNumber(i)))
		if err != nil {
			t.Fatal(err)
		}
		peeked, err := r.Peek(file, eventlog.SegmentNumber(i))
		if err != nil {
			t.Fatal(err)
		}
		info, err := r.Check(t.Context(), file, eventlog.SegmentNumber(i), nil)
		if err == nil {
			err = info.Continues(previous)
		}
		if err != nil || info.Sealed != peeked.Sealed || info.Sealed && info != peeked || info.Bytes > peeked.Bytes {
			t.Fatalf("segment %d: %+v, %v; at a glance %+v", i, info, err, peeked)
		}
		previous = &info
		file.Close()
	}
}

// TestSegmentsAreReadWhileTheyAreWritten reads the active segment of a log that is
// appended to: each time it ends with a whole commit, and with no less than was
// acknowledged before.
func TestSegmentsAreReadWhileTheyAreWritten(t *testing.T) {
	encrypted := newDisk(t, true)
	for name, o := range map[string]eventlog.Options{
		"disk":      {FS: eventlog.Disk(), SegmentBytes: 4 << 20},
		"memory":    {FS: faultfs.New(), SegmentBytes: 4 << 20, MinFreeBytes: -1},
		"encrypted": {FS: encrypted, SegmentBytes: 4 << 20, MinFreeBytes: -1, Keys: keysOn(encrypted)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			log, stop := start(t, dir, o)
			mustCommit(t, log, "first")
			var acknowledged atomic.Uint64
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := range 300 {
					a, err := commit(log, commitNames(i)...)
					if err != nil {
						t.Error(err)
						return
					}
					acknowledged.Store(uint64(a.First) + uint64(a.Count))
				}
			}()
			r, looked := segmentReader(t, o), 0
			for running := true; running; looked++ {
				select {
				case <-done:
					running = false
				default:
				}
				before := acknowledged.Load()
				file, err := o.FS.OpenRead(eventlog.SegmentPath(dir, 1))
				if err != nil {
					t.Fatal(err)
				}
				info, err := r.Check(t.Context(), file, 1, nil)
				if err != nil || uint64(info.Next) < before {
					t.Fatalf("%d records acknowledged before, and then %+v, %v", before, info, err)
				}
				if chain, err := r.ChainAt(file, 1, info.Next); err != nil || chain != info.Chain {
					t.Fatalf("chain %d, %v; want %d", chain, err, info.Chain)
				}
				file.Close()
			}
			if looked < 2 {
				t.Errorf("looked %d times: that shows little", looked)
			}
			if ran, closed := stop(); ran != nil || closed != nil {
				t.Fatal(ran, closed)
			}
		})
	}
}

// TestDamageOfASegmentIsNoEnd: a changed byte in what is durable is an error, and not a
// shorter log, sealed or not.
func TestDamageOfASegmentIsNoEnd(t *testing.T) {
	o := faultOptions(faultfs.New())
	log, stop := start(t, faultDir, o)
	for i := range 60 {
		mustCommit(t, log, commitNames(i)...)
	}
	if ran, closed := stop(); ran != nil || closed != nil {
		t.Fatal(ran, closed)
	}
	checkSegments(t, faultDir, o, 3)
	active := 0
	for n := 1; ; n++ {
		file, err := o.FS.OpenRead(eventlog.SegmentPath(faultDir, eventlog.SegmentNumber(n)))
		if err != nil {
			break
		}
		if info, err := segmentReader(t, o).Peek(file, eventlog.SegmentNumber(n)); err == nil && !info.Sealed {
			active = n
		}
		file.Close()
	}
	if active < 4 {
		t.Fatalf("the active segment is %d", active)
	}
	r := segmentReader(t, o)
	for _, n := range []int{1, active} {
		path := eventlog.SegmentPath(faultDir, eventlog.SegmentNumber(n))
		content := fileContent(t, o.FS, path)
		whole, err := checkContent(t, r, n, content, n != active)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < int(whole.Bytes); at++ {
			content[at] ^= 0x40
			info, err := checkContent(t, r, n, content, n != active)
			// A changed mark at the end of an active segment cannot be told from one that
			// was being written; no record is lost by it.
			mark := int64(at) >= whole.Bytes-record.CommitFrameSize && !whole.Sealed
			if _, damaged := errors.AsType[*eventlog.CorruptError](err); !damaged && !errors.Is(err, record.ErrFormatVersion) && (!mark || info.Next != whole.Next) {
				t.Fatalf("segment %d, byte %d changed: %+v, %v", n, at, info, err)
			}
			content[at] ^= 0x40
		}
	}
}

func fileContent(t testing.TB, disk eventlog.FileSystem, path string) []byte {
	t.Helper()
	file, err := disk.OpenRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, _ := file.Size()
	content := make([]byte, size)
	if n, err := file.ReadAt(content, 0); n < len(content) {
		t.Fatal(err)
	}
	return content
}

// checkContent checks a segment of such bytes, which is read-only if it was sealed.
func checkContent(t testing.TB, r *eventlog.SegmentReader, n int, content []byte, sealed bool) (eventlog.SegmentInfo, error) {
	t.Helper()
	disk := faultfs.New()
	file, err := disk.Create("x/segment")
	if err == nil {
		_, err = file.WriteAt(content, 0)
	}
	if err == nil && sealed {
		err = file.Protect()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.Check(t.Context(), file, eventlog.SegmentNumber(n), nil)
}

// TestCut cuts segments, sealed or not, at every commit; what is left is a log that is
// written to again.
func TestCut(t *testing.T) {
	for _, commits := range []int{3, 14} {
		var ends []eventlog.Position
		for at := 0; at == 0 || at < len(ends); at++ {
			o := faultOptions(faultfs.New())
			log, stop := start(t, faultDir, o)
			ends = nil
			for i := range commits {
				a := mustCommit(t, log, commitNames(i)...)
				ends = append(ends, a.First+eventlog.Position(a.Count))
			}
			stop()
			cut := ends[at]
			r := segmentReader(t, o)
			// The segment that holds the position; those after it go.
			n := eventlog.SegmentNumber(1)
			for ; ; n++ {
				file, err := o.FS.OpenRead(eventlog.SegmentPath(faultDir, n))
				if err != nil {
					t.Fatal(err)
				}
				info, err := r.Check(t.Context(), file, n, nil)
				file.Close()
				if err != nil {
					t.Fatal(err)
				}
				if info.Next >= cut {
					break
				}
			}
			for later := n + 1; o.FS.Remove(eventlog.SegmentPath(faultDir, later)) == nil; later++ {
			}
			if err := r.Cut(faultDir, n, cut); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			log, stop = start(t, faultDir, o)
			if log.Durable() != cut {
				t.Fatalf("cut at %d, and there are %d", cut, log.Durable())
			}
			mustCommit(t, log, "and on")
			stop()
			if _, err := eventlog.Verify(t.Context(), faultDir, o, eventlog.VerifyOptions{}); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
		if len(ends) != commits {
			t.Fatal(ends)
		}
	}
	// Within a commit there is nothing to cut.
	o := faultOptions(faultfs.New())
	log, stop := start(t, faultDir, o)
	mustCommit(t, log, "one", "two", "three")
	stop()
	if err := segmentReader(t, o).Cut(faultDir, 1, 2); err == nil {
		t.Error("a commit was cut in the middle")
	}
}
