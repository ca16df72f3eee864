package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

var (
	testCipherKey = [CipherKeySize]byte{1, 2, 3}
	testSegment   = [8]byte{4, 5, 6}
	testNonce     = [NonceSize]byte{7, 8, 9}
)

func TestCipher_round_trip(t *testing.T) {
	c := NewCipher(testCipherKey, testSegment)
	const offset = 12345 * Alignment
	for i, r := range sampleRuns() {
		src := c.AppendRun([]byte("before"), &r, testKey, offset, testNonce)[6:]
		entries := 0
		for _, e := range r.Entries {
			entries += EntrySize(len(e.Metadata), e.Body)
		}
		if len(src) != SealedRunSize(entries, len(r.Block)) {
			t.Errorf("run %d takes %d bytes, SealedRunSize says %d", i, len(src), SealedRunSize(entries, len(r.Block)))
		}
		for _, secret := range [][]byte{r.Block, r.Entries[0].Metadata, r.Entries[0].Seed[:], r.Entries[0].Commitments[:]} {
			if len(secret) > 2 && bytes.Contains(src, secret) {
				t.Errorf("run %d: %q is in the frame", i, secret)
			}
		}
		frame, err := DecodeFrame(src, testKey)
		if err == nil {
			frame, err = c.Open(frame, offset)
		}
		var decoded Run
		if err == nil {
			err = DecodeRun(frame, &decoded)
		}
		if err != nil || !sameRun(&decoded, &r) {
			t.Errorf("run %d: got %+v, %v, want %+v", i, decoded, err, r)
		}
	}
}

// TestCipher_opens_a_frame_nowhere_else: a frame is valid in its file, at its place, with
// its flags.
func TestCipher_opens_a_frame_nowhere_else(t *testing.T) {
	const offset = 96
	r := sampleRuns()[2]
	sealed := NewCipher(testCipherKey, testSegment).AppendRun(nil, &r, testKey, offset, testNonce)
	for name, c := range map[string]struct {
		key     [CipherKeySize]byte
		segment [8]byte
		offset  int64
		flags   uint8
		changed int // of the payload
	}{
		"another key":                  {key: [CipherKeySize]byte{1, 2, 4}, segment: testSegment, offset: offset, flags: r.Flags, changed: -1},
		"another file":                 {key: testCipherKey, segment: [8]byte{4, 5, 7}, offset: offset, flags: r.Flags, changed: -1},
		"another place":                {key: testCipherKey, segment: testSegment, offset: offset + Alignment, flags: r.Flags, changed: -1},
		"other flags":                  {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags ^ FlagLast, changed: -1},
		"a changed nonce":              {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags, changed: 0},
		"a changed byte":               {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags, changed: 40},
		"a changed tag":                {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags, changed: len(sealed) - FrameHeaderSize - Alignment - 1},
		"nothing changed (the check)":  {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags, changed: -1},
		"a payload shorter than a tag": {key: testCipherKey, segment: testSegment, offset: offset, flags: r.Flags, changed: -2},
	} {
		frame, err := DecodeFrame(bytes.Clone(sealed), testKey)
		if err != nil {
			t.Fatal(err)
		}
		frame.Flags = c.flags
		if c.changed >= 0 {
			frame.Payload[c.changed] ^= 1
		} else if c.changed == -2 {
			frame.Payload = frame.Payload[:SealedOverhead-1]
		}
		_, err = NewCipher(c.key, c.segment).Open(frame, c.offset)
		if name == "nothing changed (the check)" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestHeader_has_the_oldest_version_that_will_do(t *testing.T) {
	for name, c := range map[string]struct {
		header  Header
		version uint16
	}{
		"plain":           {Header{Number: 1}, 1},
		"encrypted":       {Header{Number: 1, Scheme: AES256GCM, SegmentID: testSegment}, 2},
		"metadata erased": {Header{Number: 1, MetadataErased: true}, 2},
		"written in place of another": {Header{
			Number: 1, Scheme: AES256GCM, MetadataErased: true, SegmentID: testSegment, Replaced: [8]byte{1, 2, 3, 4, 5, 6, 7, 8},
		}, 2},
	} {
		src := AppendHeader(nil, &c.header)
		got, err := DecodeHeader(src)
		if version := binary.LittleEndian.Uint16(src[8:]); err != nil || got != c.header || version != c.version || len(src) != HeaderSize {
			t.Errorf("%s: got %+v in version %d, %v", name, got, version, err)
		}
	}
}

// TestDecodeHeader_refuses_what_it_does_not_know: a later program's segment is told from
// damage.
func TestDecodeHeader_refuses_what_it_does_not_know(t *testing.T) {
	for name, change := range map[string]func(src []byte){
		"version 0":         func(src []byte) { src[8] = 0 },
		"version 3":         func(src []byte) { src[8] = 3 },
		"encryption 2":      func(src []byte) { src[72] = 2 },
		"an unknown flag":   func(src []byte) { src[73] |= 2 },
		"more unknown ones": func(src []byte) { src[73] = 0x80 },
	} {
		src := AppendHeader(nil, &Header{Number: 1, Scheme: AES256GCM})
		change(src)
		binary.LittleEndian.PutUint32(src[HeaderSize-4:], crc32.Checksum(src[:HeaderSize-4], castagnoli))
		if _, err := DecodeHeader(src); !errors.Is(err, ErrFormatVersion) {
			t.Errorf("%s: %v, want ErrFormatVersion", name, err)
		}
	}
}

// FuzzCipher_Open opens any bytes: nothing that was not sealed here opens.
func FuzzCipher_Open(f *testing.F) {
	c := NewCipher(testCipherKey, testSegment)
	sealed := map[string]bool{}
	for _, r := range sampleRuns() {
		src := c.AppendRun(nil, &r, testKey, 96, testNonce)
		frame, err := DecodeFrame(src, testKey)
		if err != nil {
			f.Fatal(err)
		}
		sealed[string(frame.Payload)] = true
		f.Add(byte(r.Flags), int64(96), bytes.Clone(frame.Payload))
		f.Add(byte(r.Flags), int64(96), bytes.Clone(frame.Payload[:len(frame.Payload)-1]))
	}
	f.Fuzz(func(t *testing.T, flags byte, offset int64, payload []byte) {
		known := sealed[string(payload)]
		frame := Frame{FrameHeader{KindRecords, flags, len(payload)}, payload}
		opened, err := c.Open(frame, offset)
		if err == nil && (!known || offset != 96) {
			t.Fatal("it opens")
		}
		if err == nil && (opened.Length != len(payload)-SealedOverhead || len(opened.Payload) != opened.Length) {
			t.Fatalf("%d bytes are %d", len(payload), opened.Length)
		}
	})
}

func BenchmarkCipher(b *testing.B) {
	r := sampleRuns()[2]
	r.Block = make([]byte, 3000)
	c := NewCipher(testCipherKey, testSegment)
	for name, seal := range map[string]func(dst []byte) []byte{
		"plain":  func(dst []byte) []byte { return AppendRun(dst, &r, testKey) },
		"sealed": func(dst []byte) []byte { return c.AppendRun(dst, &r, testKey, 96, testNonce) },
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				dst = seal(dst[:0])
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}
