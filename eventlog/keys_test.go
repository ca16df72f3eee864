package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/record"
)

// keyringOn is where a disk of these tests has its keyring, if it has one.
const keyringOn = "data/keyring"

var operatorKey = keyring.NewLocal([keyring.KeySize]byte{1, 2, 3})

// newDisk makes an empty disk; one with a keyring is a disk whose log is encrypted.
func newDisk(t testing.TB, encrypted bool) *faultfs.FS {
	t.Helper()
	disk := faultfs.New()
	if encrypted {
		addKeyring(t, disk)
	}
	return disk
}

// addKeyring turns encryption on.
func addKeyring(t interface{ Fatal(...any) }, disk *faultfs.FS) {
	if _, err := keyring.Create(background, keyring.Options{FS: disk, Path: keyringOn, Operator: operatorKey}); err != nil {
		t.Fatal(err)
	}
}

// keysOn opens the keyring of a disk that has one.
func keysOn(disk *faultfs.FS) eventlog.Keys {
	if !slices.Contains(disk.Names(), keyringOn) {
		return nil
	}
	r, err := keyring.Open(background, keyring.Options{FS: disk, Path: keyringOn, Operator: operatorKey})
	if err != nil {
		return noKeys{err}
	}
	return r
}

// noKeys are keys that cannot be had.
type noKeys struct{ err error }

func (n noKeys) Key(string) ([32]byte, error) { return [32]byte{}, n.err }
func (n noKeys) New(string) ([32]byte, error) { return [32]byte{}, n.err }
func (n noKeys) Drop(...string) error         { return n.err }

// headersOn reads the headers of all segments on a disk.
func headersOn(t testing.TB, disk *faultfs.FS) (headers []record.Header) {
	t.Helper()
	names := disk.Names()
	slices.Sort(names)
	for _, name := range names {
		if filepath.Ext(name) != ".seg" {
			continue
		}
		h, err := record.DecodeHeader(disk.Content(name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		headers = append(headers, h)
	}
	return headers
}

// checkKeys sees that the keys of a disk are those of its files.
func checkKeys(t testing.TB, disk *faultfs.FS, headers []record.Header) {
	t.Helper()
	if !slices.Contains(disk.Names(), keyringOn) {
		return
	}
	names, err := keyring.Names(disk.Content(keyringOn))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, h := range headers {
		if h.Scheme == record.AES256GCM {
			want = append(want, eventlog.SegmentKey(h.SegmentID))
		}
	}
	if slices.Sort(want); !slices.Equal(names, want) {
		t.Errorf("the keyring has the keys %q, and the files need %q", names, want)
	}
}

// TestEncrypted_log_has_nothing_readable_in_its_files looks for what was written in every
// file, and first finds it where nothing is encrypted.
func TestEncrypted_log_has_nothing_readable_in_its_files(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("encrypted %t", encrypted), func(t *testing.T) {
			disk := newDisk(t, encrypted)
			o := faultOptions(disk)
			l, stop := start(t, faultDir, o)
			for i := range 40 {
				// Too short to be compressed, so that it would be there word by word.
				mustCommit(t, l, fmt.Sprintf("marked-%d", i), fmt.Sprintf("marked-%d and more", i))
			}
			stop()
			tear(disk)
			l = open(t, faultDir, faultOptions(disk)) // sets a torn tail aside
			if r, err := l.Read(3); err != nil || r.Verify() != nil || string(r.Metadata) != "marked-1 and more" {
				t.Errorf("Read = %q, %v", r.Metadata, err)
			}
			l.Close()
			found, torn := 0, 0
			for _, name := range disk.Names() {
				found += bytes.Count(disk.Content(name), []byte("marked-"))
				if strings.Contains(name, "torn-") {
					torn++
				}
			}
			if torn != 1 || encrypted != (found == 0) || !encrypted && found < 80 {
				t.Errorf("found %d times, in files of which %d hold a torn tail", found, torn)
			}
			checkKeys(t, disk, headersOn(t, disk))
		})
	}
}

// tear damages the end of the last segment as a crash would: its last commit was being
// written.
func tear(disk *faultfs.FS) {
	names := slices.DeleteFunc(disk.Names(), func(name string) bool { return filepath.Ext(name) != ".seg" })
	name := slices.Max(names)
	content := disk.Content(name)
	// The mark and the commit frame before it; the records frame is left.
	content = content[:len(content)-2*record.CommitFrameSize]
	disk.SetContent(name, content)
}

func TestEncrypted_log_without_its_keys_tells_so(t *testing.T) {
	disk := newDisk(t, true)
	l, stop := start(t, faultDir, faultOptions(disk))
	mustCommit(t, l, "one")
	mustCommit(t, l, "two")
	stop()
	denied := fmt.Errorf("ask the service: %w", keyring.ErrDenied)
	for name, c := range map[string]struct {
		keys eventlog.Keys
		want error
	}{
		"no keys":                 {nil, eventlog.ErrEncrypted},
		"keys of another folder":  {keysOn(newDisk(t, true)), keyring.ErrNoKey},
		"keys that cannot be had": {noKeys{denied}, keyring.ErrDenied},
	} {
		o := eventlog.Options{FS: disk, MinFreeBytes: -1, Keys: c.keys}
		before := disk.Clone()
		check := func(what string, err error) {
			t.Helper()
			if _, damaged := errors.AsType[*eventlog.CorruptError](err); damaged || !errors.Is(err, c.want) {
				t.Errorf("%s: %s = %v, want %v", name, what, err, c.want)
			}
		}
		_, _, err := eventlog.Open(faultDir, o)
		check("Open", err)
		_, err = eventlog.Verify(background, faultDir, o, eventlog.VerifyOptions{})
		check("Verify", err)
		reader, err := eventlog.NewSegmentReader(o)
		if err != nil {
			t.Fatal(err)
		}
		file, err := disk.OpenRead(eventlog.SegmentPath(faultDir, 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = reader.Check(background, file, 1, nil)
		check("Check", err)
		for _, name := range before.Names() {
			if !bytes.Equal(before.Content(name), disk.Content(name)) {
				t.Errorf("%s has changed", name)
			}
		}
	}
	if v, err := eventlog.Verify(background, faultDir, faultOptions(disk), eventlog.VerifyOptions{}); err != nil || v.Records != 2 {
		t.Errorf("Verify with the keys = %+v, %v", v, err)
	}
}

// someKeys are keys that can be made as long as nothing is in the way.
type someKeys struct {
	eventlog.Keys
	fault atomic.Pointer[error]
}

func (s *someKeys) New(name string) ([32]byte, error) {
	if fault := s.fault.Load(); fault != nil {
		return [32]byte{}, *fault
	}
	return s.Keys.New(name)
}

// TestAppend_is_refused_without_a_key_for_the_next_segment, with the reason, and not as if
// the disk were full; the log goes on when there is one again.
func TestAppend_is_refused_without_a_key_for_the_next_segment(t *testing.T) {
	disk := newDisk(t, true)
	o := faultOptions(disk)
	keys := &someKeys{Keys: o.Keys}
	o.Keys = keys
	l, stop := start(t, faultDir, o)
	mustCommit(t, l, "one")
	fault := fmt.Errorf("write it: %w", keyring.ErrChanged)
	keys.fault.Store(&fault)
	refused := false
	for i := 0; i < 200 && !refused; i++ {
		_, err := commit(l, fmt.Sprint("more ", i))
		if refused = err != nil; refused && (!errors.Is(err, eventlog.ErrNewKey) || !errors.Is(err, keyring.ErrChanged) || errors.Is(err, eventlog.ErrDiskFull)) {
			t.Errorf("commit = %v, want ErrNewKey", err)
		}
	}
	if !refused {
		t.Error("nothing was refused")
	}
	keys.fault.Store(nil)
	mustCommit(t, l, "it goes on")
	stop()
	checkKeys(t, disk, headersOn(t, disk))
}

// TestEncryption_is_turned_on_for_a_log_that_has_none: what is there stays readable, what
// comes is encrypted, and a compaction does the rest.
func TestEncryption_is_turned_on_for_a_log_that_has_none(t *testing.T) {
	disk := newDisk(t, false)
	l, stop := start(t, faultDir, faultOptions(disk))
	fillSmall(t, l, 60)
	before := snapshot(t, l)
	stop()
	plain := len(headersOn(t, disk))
	addKeyring(t, disk)
	l, stop = start(t, faultDir, faultOptions(disk))
	checkErased(t, l, before, nil)
	mustCommit(t, l, "the first that is encrypted")
	before = snapshot(t, l)
	stop()
	headers := headersOn(t, disk)
	for i, h := range headers {
		if (h.Scheme == record.AES256GCM) != (i >= plain) || i >= plain && h.Number != uint32(plain+1) {
			t.Errorf("segment %d has encryption %d", h.Number, h.Scheme)
		}
	}
	checkKeys(t, disk, headers)

	l, stop = start(t, faultDir, faultOptions(disk))
	if done := mustCompact(t, l, these()); done.Segments != plain || done.Records != 0 {
		t.Errorf("Compact = %+v, want %d segments", done, plain)
	}
	checkErased(t, l, before, nil)
	if done := mustCompact(t, l, these()); done.Segments != 0 {
		t.Errorf("a second Compact = %+v, want nothing", done)
	}
	stop()
	headers = headersOn(t, disk)
	for _, h := range headers {
		if h.Scheme != record.AES256GCM {
			t.Errorf("segment %d has encryption %d", h.Number, h.Scheme)
		}
	}
	checkKeys(t, disk, headers)
	disk.Remove(keyringOn)
	if _, _, err := eventlog.Open(faultDir, faultOptions(disk)); !errors.Is(err, eventlog.ErrEncrypted) {
		t.Errorf("Open without keys = %v, want ErrEncrypted", err)
	}
}

// TestCompact_drops_the_key_of_what_it_has_replaced: a copy of the old file is worth
// nothing to whoever has the keyring.
func TestCompact_drops_the_key_of_what_it_has_replaced(t *testing.T) {
	disk := newDisk(t, true)
	l, stop := start(t, faultDir, faultOptions(disk))
	fillSmall(t, l, 60)
	old := headersOn(t, disk)[0]
	oldFile := disk.Content(eventlog.SegmentPath(faultDir, 1))
	mustCompact(t, l, these(0, 1, 2, 3))
	stop()
	keys := keysOn(disk)
	if _, err := keys.Key(eventlog.SegmentKey(old.SegmentID)); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Key of the file that was replaced = %v, want ErrNoKey", err)
	}
	if now := headersOn(t, disk)[0]; now.Replaced != old.SegmentID || now.SegmentID == old.SegmentID {
		t.Errorf("the new file says that it replaced %x, want %x", now.Replaced, old.SegmentID)
	}
	// Somebody puts the copy back.
	disk.SetContent(eventlog.SegmentPath(faultDir, 1), oldFile)
	if _, _, err := eventlog.Open(faultDir, faultOptions(disk)); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Open of the copy = %v, want ErrNoKey", err)
	}
}

// TestOpen_keeps_the_key_of_a_file_that_is_missing: it may come back.
func TestOpen_keeps_the_key_of_a_file_that_is_missing(t *testing.T) {
	disk := newDisk(t, true)
	l, stop := start(t, faultDir, faultOptions(disk))
	fillSmall(t, l, 60)
	before := snapshot(t, l)
	stop()
	last := eventlog.SegmentPath(faultDir, eventlog.SegmentNumber(len(headersOn(t, disk))))
	content := disk.Content(last)
	disk.Remove(last)
	open(t, faultDir, faultOptions(disk)).Close()
	file, err := disk.Create(last)
	if err == nil {
		_, err = file.WriteAt(content, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	l = open(t, faultDir, faultOptions(disk))
	defer l.Close()
	checkErased(t, l, before, nil)
}

// TestEncrypted_frames_stand_only_where_they_were_written: exchanged, or moved, with
// checksums that are right, they are damage, and the place is named.
func TestEncrypted_frames_stand_only_where_they_were_written(t *testing.T) {
	disk := newDisk(t, true)
	l, stop := start(t, faultDir, faultOptions(disk))
	mustCommit(t, l, "the one")
	mustCommit(t, l, "another")
	stop()
	path := eventlog.SegmentPath(faultDir, 1)
	content := disk.Content(path)
	header, err := record.DecodeHeader(content)
	if err != nil {
		t.Fatal(err)
	}
	first, err := record.DecodeFrame(content[record.HeaderSize:], header.Key())
	if err != nil {
		t.Fatal(err)
	}
	size := first.Size()
	secondAt := record.HeaderSize + size + record.CommitFrameSize
	second, err := record.DecodeFrame(content[secondAt:], header.Key())
	if err != nil || second.Size() != size {
		t.Fatalf("the frames are not alike: %v", err)
	}
	damage := func(name string, offset int64, change func(content []byte)) {
		t.Helper()
		changed := bytes.Clone(content)
		change(changed)
		disk.SetContent(path, changed)
		before := disk.Clone()
		for what, err := range map[string]error{
			"Open":   third(eventlog.Open(faultDir, faultOptions(disk))),
			"Verify": second2(eventlog.Verify(background, faultDir, faultOptions(disk), eventlog.VerifyOptions{})),
		} {
			corrupt, ok := errors.AsType[*eventlog.CorruptError](err)
			if !ok || corrupt.Segment != 1 || corrupt.Offset != offset {
				t.Errorf("%s: %s = %v, want damage of segment 1 at %d", name, what, err, offset)
			}
		}
		if !bytes.Equal(before.Content(path), disk.Content(path)) {
			t.Errorf("%s: the file has changed", name)
		}
	}
	damage("two frames exchanged", record.HeaderSize, func(content []byte) {
		copy(content[record.HeaderSize:], record.AppendFrame(nil, second, header.Key()))
		copy(content[secondAt:], record.AppendFrame(nil, first, header.Key()))
	})
	damage("one frame twice", int64(secondAt), func(content []byte) {
		copy(content[secondAt:], record.AppendFrame(nil, first, header.Key()))
	})
	damage("a byte of what is encrypted", int64(secondAt), func(content []byte) {
		frame := second
		frame.Payload = bytes.Clone(frame.Payload)
		frame.Payload[30] ^= 1
		copy(content[secondAt:], record.AppendFrame(nil, frame, header.Key()))
	})
	damage("a byte on the disk", int64(secondAt), func(content []byte) { content[secondAt+40] ^= 1 })
}

func second2[T any](_ T, err error) error       { return err }
func third[T, U any](_ T, _ U, err error) error { return err }
