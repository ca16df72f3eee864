package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// FormatVersion is the latest version of the format. A segment that needs nothing of it
// is written in the first one.
const FormatVersion = 2

// HeaderSize is the size of a segment's header; its first frame follows.
const HeaderSize = 96

var headerMagic = []byte("evlogseg")

// ErrFormatVersion says that a segment was written by a later program.
var ErrFormatVersion = errors.New("unknown format version")

// Header opens a segment file.
type Header struct {
	Number          uint32
	Dictionary      uint32 // id of the zstd dictionary, 0 for none
	PreviousChain   Chain  // at the end of the previous segment
	LogID           [16]byte
	SegmentID       [8]byte
	First           uint64 // position of the first record
	Created         int64  // milliseconds since 1970
	PreviousInstant int64  // instant of the last record before, 0 if there is none
	// What only version 2 can say:
	Scheme         Scheme  // how records frames are encrypted
	MetadataErased bool    // entries may have the flag EntryMetadataErased
	Replaced       [8]byte // id of the file that an encrypted one was written in place of
}

// version is the oldest format version that has all of it.
func (h *Header) version() uint16 {
	if h.Scheme == Plain && !h.MetadataErased && h.Replaced == [8]byte{} {
		return 1
	}
	return FormatVersion
}

// flags of the header.
func (h *Header) flags() byte {
	if h.MetadataErased {
		return headerMetadataErased
	}
	return 0
}

const headerMetadataErased = 1

// Key seeds the checksums of the segment's frames.
func (h *Header) Key() Key {
	crc := crc32.Update(0, castagnoli, h.SegmentID[:])
	var number [4]byte
	binary.LittleEndian.PutUint32(number[:], h.Number)
	return Key(crc32.Update(crc, castagnoli, number[:]))
}

// AppendHeader appends the HeaderSize bytes of h.
func AppendHeader(dst []byte, h *Header) []byte {
	start := len(dst)
	dst = append(dst, headerMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, h.version())
	dst = binary.LittleEndian.AppendUint16(dst, HeaderSize)
	dst = binary.LittleEndian.AppendUint32(dst, h.Number)
	dst = binary.LittleEndian.AppendUint32(dst, h.Dictionary)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.PreviousChain))
	dst = append(dst, h.LogID[:]...)
	dst = append(dst, h.SegmentID[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, h.First)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.Created))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.PreviousInstant))
	dst = append(dst, byte(h.Scheme), h.flags(), 0, 0, 0, 0, 0, 0)
	dst = append(dst, h.Replaced[:]...)
	dst = append(dst, make([]byte, HeaderSize-4-(len(dst)-start))...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// DecodeHeader reads the header at the start of src.
func DecodeHeader(src []byte) (Header, error) {
	if len(src) < HeaderSize || !bytes.HasPrefix(src, headerMagic) {
		return Header{}, fmt.Errorf("%w: not a segment header", ErrInvalid)
	}
	if crc32.Checksum(src[:HeaderSize-4], castagnoli) != binary.LittleEndian.Uint32(src[HeaderSize-4:]) {
		return Header{}, fmt.Errorf("%w: checksum of the segment header", ErrInvalid)
	}
	v := binary.LittleEndian.Uint16(src[8:])
	if v < 1 || v > FormatVersion {
		return Header{}, fmt.Errorf("%w %d", ErrFormatVersion, v)
	}
	h := Header{
		Number:          binary.LittleEndian.Uint32(src[12:]),
		Dictionary:      binary.LittleEndian.Uint32(src[16:]),
		PreviousChain:   Chain(binary.LittleEndian.Uint32(src[20:])),
		LogID:           [16]byte(src[24:40]),
		SegmentID:       [8]byte(src[40:48]),
		First:           binary.LittleEndian.Uint64(src[48:]),
		Created:         int64(binary.LittleEndian.Uint64(src[56:])),
		PreviousInstant: int64(binary.LittleEndian.Uint64(src[64:])),
	}
	if v == 1 {
		return h, nil
	}
	h.Scheme, h.MetadataErased, h.Replaced = Scheme(src[72]), src[73] == headerMetadataErased, [8]byte(src[80:88])
	if h.Scheme > AES256GCM || src[73] > headerMetadataErased {
		return Header{}, fmt.Errorf("%w: encryption %d, flags %d", ErrFormatVersion, src[72], src[73])
	}
	return h, nil
}

const trailerPayload = 80

// TrailerSize is the size of the trailer frame.
const TrailerSize = FrameHeaderSize + trailerPayload

// Trailer closes a sealed segment.
type Trailer struct {
	First, Next               uint64
	FirstInstant, LastInstant int64
	Index                     int64 // offset of the index frame
	Chain                     Chain
	SHA256                    [sha256.Size]byte // of the file up to the trailer
}

// AppendTrailer appends the trailer frame of t.
func AppendTrailer(dst []byte, t *Trailer, key Key) []byte {
	dst, start := beginFrame(dst)
	dst = binary.LittleEndian.AppendUint64(dst, t.First)
	dst = binary.LittleEndian.AppendUint64(dst, t.Next)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.FirstInstant))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.LastInstant))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.Index))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t.Chain))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = append(dst, t.SHA256[:]...)
	return finishFrame(dst, start, KindTrailer, 0, key)
}

// DecodeTrailer reads a trailer frame.
func DecodeTrailer(f Frame) (Trailer, error) {
	if f.Kind != KindTrailer || len(f.Payload) != trailerPayload {
		return Trailer{}, fmt.Errorf("%w: not a trailer", ErrMalformed)
	}
	p := f.Payload
	t := Trailer{
		First:        binary.LittleEndian.Uint64(p),
		Next:         binary.LittleEndian.Uint64(p[8:]),
		FirstInstant: int64(binary.LittleEndian.Uint64(p[16:])),
		LastInstant:  int64(binary.LittleEndian.Uint64(p[24:])),
		Index:        int64(binary.LittleEndian.Uint64(p[32:])),
		Chain:        Chain(binary.LittleEndian.Uint32(p[40:])),
		SHA256:       [sha256.Size]byte(p[48:80]),
	}
	if t.Next <= t.First || t.LastInstant < t.FirstInstant || t.Index < HeaderSize {
		return Trailer{}, fmt.Errorf("%w: trailer of positions %d to %d", ErrMalformed, t.First, t.Next)
	}
	return t, nil
}

// IndexEntrySize is what the index keeps per record.
const IndexEntrySize = 4

// IndexFrameSize is the size of the index frame of so many records.
func IndexFrameSize(records int64) int64 {
	return (FrameHeaderSize + records*IndexEntrySize + Alignment - 1) &^ (Alignment - 1)
}

// AppendIndex appends the index frame. Offsets are divided by Alignment.
func AppendIndex(dst []byte, offsets []uint32, key Key) []byte {
	dst, start := beginFrame(dst)
	for _, o := range offsets {
		dst = binary.LittleEndian.AppendUint32(dst, o)
	}
	return finishFrame(dst, start, KindIndex, 0, key)
}

// IndexEntryAt is the place, within the index frame, of a record's entry.
func IndexEntryAt(ordinal uint64) int64 { return FrameHeaderSize + int64(ordinal)*IndexEntrySize }

// DecodeIndexEntry reads one entry as a file offset.
func DecodeIndexEntry(src []byte) int64 {
	return int64(binary.LittleEndian.Uint32(src)) * Alignment
}
