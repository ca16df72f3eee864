package eventlog_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/record"
)

// smallLog makes a log of one sealed and one active segment and gives what it
// holds. With clean it was closed; else the process was killed after the last
// commit was durable.
func smallLog(t *testing.T, clean, encrypted bool) (fs *faultfs.FS, commits [][]string) {
	t.Helper()
	fs = newDisk(t, encrypted)
	l := open(t, faultDir, faultOptions(fs))
	stop := run(l)
	for i := 0; l.Stats().Segments < 2 || i%8 != 0; i++ {
		mustCommit(t, l, commitNames(i)...)
		commits = append(commits, commitNames(i))
	}
	killed := fs.Clone()
	stop()
	if !clean {
		fs = killed
	}
	return fs, commits
}

// everyByte is the step of the tests below.
func everyByte() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// smallLogs are those of every sort, and how large the step through their bytes is.
var smallLogs = []struct {
	clean, encrypted bool
	step             int
}{{true, false, 1}, {false, false, 1}, {true, true, 5}, {false, true, 5}}

func segmentName(n string) string { return filepath.Join(faultDir, n+".seg") }

// mustBePrefixOrDamage opens a log that was tampered with: it may hold a prefix
// of the commits or report damage, at Open or when read; nothing else.
func mustBePrefixOrDamage(t *testing.T, fs *faultfs.FS, commits [][]string, what string, at int) (seen int, damaged bool) {
	t.Helper()
	l, _, err := eventlog.Open(faultDir, faultOptions(fs))
	if err == nil {
		defer l.Close()
		var got [][]string
		got, err = contents(l)
		if len(got) > len(commits) || len(got) > 0 && !reflect.DeepEqual(got, commits[:len(got)]) {
			t.Fatalf("%s at %d: the log holds %q", what, at, got)
		}
		seen = len(got)
	}
	if err == nil {
		return seen, false
	}
	corrupt, ok := errors.AsType[*eventlog.CorruptError](err)
	if !ok {
		t.Fatalf("%s at %d: error %v, want a CorruptError", what, at, err)
	}
	if corrupt.Segment < 1 || corrupt.Segment > 2 {
		t.Fatalf("%s at %d: error names segment %d: %v", what, at, corrupt.Segment, err)
	}
	return seen, true
}

func TestOpen_of_a_segment_cut_at_every_byte(t *testing.T) {
	for _, c := range smallLogs {
		whole, commits := smallLog(t, c.clean, c.encrypted)
		for _, name := range []string{"00000001", "00000002"} {
			content := whole.Content(segmentName(name))
			prefixes := map[int]bool{}
			for cut := 0; cut < len(content); cut += c.step * everyByte() {
				fs := whole.Clone()
				fs.SetContent(segmentName(name), content[:cut])
				seen, damaged := mustBePrefixOrDamage(t, fs, commits, "cut of "+name, cut)
				if name == "00000001" && !damaged {
					t.Fatalf("a sealed segment cut at %d was not noticed", cut)
				}
				if !damaged {
					prefixes[seen] = true
				}
			}
			if name == "00000002" && len(prefixes) < 7 {
				t.Errorf("%+v: only the prefixes %v were found", c, prefixes)
			}
		}
	}
}

func TestOpen_of_the_last_segment_cut_when_it_is_sealed(t *testing.T) {
	whole, commits := smallLog(t, true, false)
	first := whole.Content(segmentName("00000001"))
	for cut := 0; cut < len(first); cut += 3 {
		fs := faultfs.New()
		fs.SetContent(segmentName("00000001"), first[:cut])
		mustBePrefixOrDamage(t, fs, commits, "cut of the last sealed segment", cut)
	}
}

// With a clean end every byte of the records is protected, and no flip can
// lose any. Without, the last group may pass for torn.
func TestOpen_of_a_segment_with_a_flipped_byte(t *testing.T) {
	for _, c := range smallLogs {
		whole, commits := smallLog(t, c.clean, c.encrypted)
		lastGroup := len(commits) - 1
		for _, name := range []string{"00000001", "00000002"} {
			for at := 0; at < len(whole.Content(segmentName(name))); at += c.step * everyByte() {
				fs := whole.Clone()
				fs.Flip(segmentName(name), at, 1<<(at%8))
				seen, damaged := mustBePrefixOrDamage(t, fs, commits, "flip in "+name, at)
				switch {
				case damaged, seen == len(commits):
				case name == "00000001":
					t.Fatalf("a flip at %d of a sealed segment lost commits unnoticed: %d of %d are there", at, seen, len(commits))
				case c.clean || seen < lastGroup:
					t.Fatalf("%+v: a flip at %d lost acknowledged commits unnoticed: %d of %d are there", c, at, seen, len(commits))
				}
			}
		}
	}
}

func TestScrub_finds_every_flipped_byte_of_a_sealed_segment(t *testing.T) {
	fs, _ := smallLog(t, true, false)
	l := open(t, faultDir, faultOptions(fs))
	defer l.Close()
	if err := l.Scrub(background, 0); err != nil {
		t.Fatalf("Scrub of a whole log = %v", err)
	}
	// The trailer is read at Open, and tested there.
	for at := range len(fs.Content(segmentName("00000001"))) - record.TrailerSize {
		fs.Flip(segmentName("00000001"), at, 0x10)
		err := l.Scrub(background, 0)
		if damage, ok := errors.AsType[*eventlog.CorruptError](err); !ok || damage.Segment != 1 {
			t.Fatalf("Scrub with a flip at %d = %v, want a CorruptError of segment 1", at, err)
		}
		fs.Flip(segmentName("00000001"), at, 0x10)
	}
}

func TestOpen_refuses_a_folder_that_is_not_one_log(t *testing.T) {
	whole, _ := smallLog(t, true, false)
	other, _ := smallLog(t, true, false)
	tests := map[string]func(fs *faultfs.FS) eventlog.SegmentNumber{
		"first segment is missing": func(fs *faultfs.FS) eventlog.SegmentNumber {
			fs.Remove(segmentName("00000001"))
			return 1
		},
		"segment of another log": func(fs *faultfs.FS) eventlog.SegmentNumber {
			fs.SetContent(segmentName("00000002"), other.Content(segmentName("00000002")))
			return 2
		},
		"segment under another number": func(fs *faultfs.FS) eventlog.SegmentNumber {
			fs.SetContent(segmentName("00000002"), whole.Content(segmentName("00000001")))
			return 2
		},
		"number in the middle is missing": func(fs *faultfs.FS) eventlog.SegmentNumber {
			fs.Rename(segmentName("00000002"), segmentName("00000003"))
			return 2
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			fs := whole.Clone()
			want := tamper(fs)
			_, _, err := eventlog.Open(faultDir, faultOptions(fs))
			if damage, ok := errors.AsType[*eventlog.CorruptError](err); !ok || damage.Segment != want {
				t.Errorf("Open = %v, want a CorruptError of segment %d", err, want)
			}
		})
	}
}

func TestOpen_sets_a_torn_tail_aside_and_says_so(t *testing.T) {
	whole, commits := smallLog(t, false, false)
	name := segmentName("00000002")
	content := whole.Content(name)
	// The last commit frame ends with the data; break the byte before it.
	end := len(content)
	for content[end-1] == 0 {
		end--
	}
	torn := whole.Clone()
	torn.Flip(name, end-1, 0xFF)
	l, recovery, err := eventlog.Open(faultDir, faultOptions(torn))
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	defer l.Close()
	if recovery.TornSegment != 2 || recovery.TornFile == "" || !recovery.Unclean || recovery.TornOffset <= 96 {
		t.Errorf("Recovery = %+v", recovery)
	}
	content[end-1] ^= 0xFF
	kept := torn.Content(filepath.Join(faultDir, recovery.TornFile))
	if want := content[recovery.TornOffset:end]; string(kept) != string(want) {
		t.Errorf("%d bytes were set aside, want %d", len(kept), len(want))
	}
	if got, err := contents(l); err != nil || len(got) != len(commits)-1 {
		t.Errorf("%d commits are left, %v, want %d", len(got), err, len(commits)-1)
	}
}

func TestRead_reports_a_segment_damaged_while_open(t *testing.T) {
	fs, _ := smallLog(t, true, false)
	o := faultOptions(fs)
	o.CacheBytes = -1
	l := open(t, faultDir, o)
	defer l.Close()
	if _, err := l.Read(0); err != nil {
		t.Fatal(err)
	}
	fs.Flip(segmentName("00000001"), 200, 1)
	_, errRead := l.Read(0)
	_, errMetadata := l.ReadMetadata(0)
	_, errScan := contents(l)
	for _, err := range []error{errRead, errMetadata, errScan} {
		if damage, ok := errors.AsType[*eventlog.CorruptError](err); !ok || damage.Segment != 1 || damage.Offset != 96 {
			t.Errorf("read of a damaged record = %v, want a CorruptError of segment 1 at 96", err)
		}
	}
}
