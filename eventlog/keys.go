package eventlog

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"fhirlog/eventlog/record"
)

// Keys are what a log is encrypted with; *keyring.Ring has them. Safe for concurrent use.
type Keys interface {
	// Key gives the key of that name, or an error that says why it cannot be had.
	Key(name string) ([32]byte, error)
	// New makes a random key, which is durable when New returns. A name serves once.
	New(name string) ([32]byte, error)
	// Drop forgets keys, durably; those that are not there are passed over.
	Drop(names ...string) error
}

// fileID is the id of a segment's file.
type fileID [8]byte

// keyPrefix begins the names of the keys of segments.
const keyPrefix = "segment-"

// SegmentKey names the key that the file with an id is encrypted with.
func SegmentKey(id [8]byte) string { return keyPrefix + hex.EncodeToString(id[:]) }

// cipherOf gives what opens the records of a segment; nil if they are not encrypted.
func cipherOf(keys Keys, h *record.Header) (*record.Cipher, error) {
	if h.Scheme == record.Plain {
		return nil, nil
	}
	if keys == nil {
		return nil, fmt.Errorf("segment %d: %w", h.Number, ErrEncrypted)
	}
	key, err := keys.Key(SegmentKey(h.SegmentID))
	if err != nil {
		return nil, fmt.Errorf("key of segment %d: %w", h.Number, err)
	}
	return record.NewCipher(key, h.SegmentID), nil
}

// newCipher makes the key of a new file, durably; nil if the log is not encrypted.
func (l *Log) newCipher(id fileID) (*record.Cipher, error) {
	if l.options.Keys == nil {
		return nil, nil
	}
	key, err := l.options.Keys.New(SegmentKey(id))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNewKey, err)
	}
	return record.NewCipher(key, id), nil
}

// newFileID makes the id of a new file.
func (l *Log) newFileID() (id fileID, err error) {
	if _, err := io.ReadFull(l.options.Random, id[:]); err != nil {
		return id, fmt.Errorf("make segment id: %w", err)
	}
	return id, nil
}

// scheme is how new segments are encrypted.
func (l *Log) scheme() record.Scheme {
	if l.options.Keys == nil {
		return record.Plain
	}
	return record.AES256GCM
}

// temporaryName is the name of a file before it is a segment. It has the id, if the file
// has one yet, so that the key of one that a crash has left goes with it.
func temporaryName(kind string, n int, id fileID) string {
	if id == (fileID{}) {
		return fmt.Sprintf("%s-%d.tmp", kind, n)
	}
	return fmt.Sprintf("%s-%d-%s.tmp", kind, n, hex.EncodeToString(id[:]))
}

// temporaryID reads the id out of such a name.
func temporaryID(name string) (id fileID, ok bool) {
	name = strings.TrimSuffix(name, ".tmp")
	digits := name[strings.LastIndexByte(name, '-')+1:]
	if len(digits) != hex.EncodedLen(len(id)) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}

// dropKeys forgets the keys of files that are not there any more: of some that are known
// to be gone, and of all that others were written in place of. A file that is merely
// missing keeps its key. The names in the folder are made durable first, as the key of a
// file that a power cut brings back is needed.
func (l *Log) dropKeys(gone ...fileID) error {
	if l.options.Keys == nil {
		return nil
	}
	there := map[fileID]bool{}
	for _, seg := range *l.segments.Load() {
		there[seg.header.SegmentID] = true
		gone = append(gone, seg.header.Replaced)
	}
	var names []string
	for _, id := range gone {
		if id != (fileID{}) && !there[id] {
			names = append(names, SegmentKey(id))
		}
	}
	if len(names) == 0 {
		return nil
	}
	err := l.fs.SyncDir(l.dir)
	if err == nil {
		err = l.options.Keys.Drop(names...)
	}
	if err != nil {
		return fmt.Errorf("drop the keys of files that are gone: %w", err)
	}
	return nil
}

// decodeRun reads the records frame at an offset into run. What the frame shares memory
// with may be overwritten.
func (s *segment) decodeRun(frame record.Frame, at int64, run *record.Run) error {
	if s.cipher != nil && frame.Kind == record.KindRecords {
		var err error
		if frame, err = s.cipher.Open(frame, at); err != nil {
			return err
		}
	}
	return record.DecodeRun(frame, run)
}

// appendRun appends the records frame of a run that stands at an offset of a file; c is
// nil if that is not encrypted.
func appendRun(dst []byte, run *record.Run, at int64, key record.Key, c *record.Cipher, random io.Reader) ([]byte, error) {
	if c == nil {
		return record.AppendRun(dst, run, key), nil
	}
	var nonce [record.NonceSize]byte
	if _, err := io.ReadFull(random, nonce[:]); err != nil {
		return dst, fmt.Errorf("make a nonce: %w", err)
	}
	return c.AppendRun(dst, run, key, at, nonce), nil
}

// plainFrom gives the first position from one on whose record is to be encrypted, and is
// not.
func (l *Log) plainFrom(from Position) (Position, bool) {
	if l.options.Keys == nil {
		return 0, false
	}
	for _, seg := range *l.segments.Load() {
		if next := seg.view.Load().next; next > from && seg.header.Scheme == record.Plain {
			return max(from, seg.first), true
		}
	}
	return 0, false
}

// runSize is the size of a records frame in new segments.
func (l *Log) runSize(entries, block int) int {
	if l.options.Keys == nil {
		return record.RunSize(entries, block)
	}
	return record.SealedRunSize(entries, block)
}
