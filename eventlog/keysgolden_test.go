package eventlog_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fhirlog/eventlog"
	"fhirlog/eventlog/keyring"
	"fhirlog/eventlog/record"
)

// goldenEncryptedDir has an encrypted log of two segments, the first of which a compaction
// has written anew without a body, and its keyring.
const goldenEncryptedDir = "../testdata/log/v2-encrypted"

// goldenGone is the position of the record whose body is gone.
const goldenGone = 2

func writeGoldenEncrypted(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ring := filepath.Join(dir, keyring.File)
	for _, name := range []string{ring, eventlog.SegmentPath(dir, 1), eventlog.SegmentPath(dir, 2)} {
		_ = os.Remove(name)
	}
	keys, err := keyring.Create(background, keyring.Options{Path: ring, Operator: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	clock := time.UnixMilli(1_700_000_000_000)
	l, stop := start(t, dir, eventlog.Options{
		SegmentBytes: 4 << 10, Keys: keys, Clock: func() time.Time { clock = clock.Add(time.Second); return clock },
	})
	for _, names := range goldenCommits() {
		mustCommit(t, l, names...)
	}
	mustCompact(t, l, these(goldenGone))
	stop()
	_ = os.Remove(filepath.Join(dir, "lock"))
	for _, n := range []eventlog.SegmentNumber{1, 2} {
		if err := os.Chmod(eventlog.SegmentPath(dir, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// copyGoldenEncrypted gives a copy of the golden folder, and its keys.
func copyGoldenEncrypted(t *testing.T) (dir string, keys *keyring.Ring) {
	t.Helper()
	if *update {
		writeGoldenEncrypted(t, goldenEncryptedDir)
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(goldenEncryptedDir)); err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(background, keyring.Options{Path: filepath.Join(dir, keyring.File), Operator: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	return dir, keys
}

func TestGolden_encrypted_log_is_readable(t *testing.T) {
	dir, keys := copyGoldenEncrypted(t)
	l, recovery, err := eventlog.Open(dir, eventlog.Options{Keys: keys})
	if err != nil || recovery.Segments != 2 || recovery.Unclean {
		t.Fatalf("Open = %+v, %v", recovery, err)
	}
	defer l.Close()
	if err := l.Scrub(background, 0); err != nil {
		t.Errorf("Scrub = %v", err)
	}
	next := eventlog.Position(0)
	for i, names := range goldenCommits() {
		for _, name := range names {
			r, err := l.Read(next)
			if err == nil {
				err = r.Verify()
			}
			want := bodyOf(name)
			if next == goldenGone {
				want = nil
			}
			if err != nil || string(r.Metadata) != name || string(r.Body) != string(want) || r.Erased != (next == goldenGone) {
				t.Errorf("commit %d, record %d = %+v, %v, want %q", i, next, r, err, name)
			}
			next++
		}
	}
	stop := run(l)
	mustCommit(t, l, "and it can be continued")
	stop()
}

// TestEncrypted_frame_is_as_drawn opens the first frame by what package record says, with
// nothing of fhirlog but the key.
func TestEncrypted_frame_is_as_drawn(t *testing.T) {
	dir, keys := copyGoldenEncrypted(t)
	file, err := os.ReadFile(eventlog.SegmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	if version := binary.LittleEndian.Uint16(file[8:]); version != 2 || file[72] != 1 || bytes.Equal(file[80:88], make([]byte, 8)) {
		t.Errorf("version %d, encryption %d, in place of %x", version, file[72], file[80:88])
	}
	key, err := keys.Key(eventlog.SegmentKey([8]byte(file[40:48])))
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	frame := file[96:]
	payload := frame[16 : 16+binary.LittleEndian.Uint32(frame[4:])]
	additional := append(bytes.Clone(file[40:48]), 96, 0, 0, 0, 0, 0, 0, 0)
	additional = append(additional, frame[8:12]...)
	plain, err := gcm.Open(nil, payload[:12], payload[12:], additional)
	if err != nil {
		t.Fatal(err)
	}
	position, count := binary.LittleEndian.Uint64(plain), binary.LittleEndian.Uint32(plain[16:])
	if position != 0 || count != 1 || !bytes.Contains(plain, []byte(goldenCommits()[0][0])) {
		t.Errorf("position %d, %d records, %q", position, count, plain)
	}
	if flags := record.FlagFirst | record.FlagLast; frame[10]&flags != flags {
		t.Errorf("flags %d", frame[10])
	}
}
