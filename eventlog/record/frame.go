package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Key seeds the checksums of one segment file.
type Key uint32

// FrameKind says what a frame's payload is.
type FrameKind uint8

// The kinds of frame.
const (
	KindRecords FrameKind = 1
	KindCommit  FrameKind = 2
	KindIndex   FrameKind = 3
	KindTrailer FrameKind = 4
)

// Flags of a records frame.
const (
	FlagFirst      uint8 = 1 // first frame of its commit
	FlagLast       uint8 = 2 // last frame of its commit
	FlagCompressed uint8 = 4 // the block is compressed
)

// Alignment of frames in a segment.
const Alignment = 8

// FrameHeaderSize is what a frame takes beside its payload and padding.
const FrameHeaderSize = 16

// MaxPayload bounds the length of a frame's payload.
const MaxPayload = 1<<31 - 1 - 4096

const frameMagic = 0xE7

// ErrInvalid says that no valid frame stands at the start of the bytes given.
var ErrInvalid = errors.New("no valid frame")

// ErrMalformed says that the checksum of a frame is right and its content makes
// no sense: a fault of the writer, not of the disk.
var ErrMalformed = errors.New("malformed frame")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FrameHeader is the start of a frame. Its length may be trusted: the header
// has a checksum of its own.
type FrameHeader struct {
	Kind   FrameKind
	Flags  uint8
	Length int // of the payload
}

// Size is the number of bytes that the frame takes in the file.
func (h FrameHeader) Size() int { return FrameSize(h.Length) }

// FrameSize is the number of bytes that a frame with such a payload takes.
func FrameSize(payload int) int {
	return (FrameHeaderSize + payload + Alignment - 1) &^ (Alignment - 1)
}

// Frame is one decoded frame. Payload shares memory with the source.
type Frame struct {
	FrameHeader
	Payload []byte
}

// DecodeFrameHeader reads the header of the frame at the start of src.
func DecodeFrameHeader(src []byte, key Key) (FrameHeader, error) {
	if len(src) < FrameHeaderSize || src[8] != frameMagic || src[11] != 0 {
		return FrameHeader{}, ErrInvalid
	}
	if crc32.Update(uint32(key), castagnoli, src[4:12]) != binary.LittleEndian.Uint32(src[12:]) {
		return FrameHeader{}, ErrInvalid
	}
	h := FrameHeader{Kind: FrameKind(src[9]), Flags: src[10]}
	length := binary.LittleEndian.Uint32(src[4:])
	if length > MaxPayload || h.Kind < KindRecords || h.Kind > KindTrailer {
		return FrameHeader{}, ErrInvalid
	}
	h.Length = int(length)
	return h, nil
}

// DecodeFrame reads the frame at the start of src, which may be longer than it.
func DecodeFrame(src []byte, key Key) (Frame, error) {
	h, err := DecodeFrameHeader(src, key)
	if err != nil {
		return Frame{}, err
	}
	size := h.Size()
	if size > len(src) {
		return Frame{}, ErrInvalid
	}
	if crc32.Update(uint32(key), castagnoli, src[4:size]) != binary.LittleEndian.Uint32(src) {
		return Frame{}, ErrInvalid
	}
	end := FrameHeaderSize + h.Length
	return Frame{FrameHeader: h, Payload: src[FrameHeaderSize:end:end]}, nil
}

// AppendFrame appends a decoded frame as it is, under the key of another file.
func AppendFrame(dst []byte, f Frame, key Key) []byte {
	dst, start := beginFrame(dst)
	return finishFrame(append(dst, f.Payload...), start, f.Kind, f.Flags, key)
}

// beginFrame reserves the header; finishFrame completes it.
func beginFrame(dst []byte) (grown []byte, start int) {
	return append(dst, make([]byte, FrameHeaderSize)...), len(dst)
}

func finishFrame(dst []byte, start int, kind FrameKind, flags uint8, key Key) []byte {
	length := len(dst) - start - FrameHeaderSize
	for (len(dst)-start)%Alignment != 0 {
		dst = append(dst, 0)
	}
	f := dst[start:]
	binary.LittleEndian.PutUint32(f[4:], uint32(length))
	f[8], f[9], f[10], f[11] = frameMagic, byte(kind), flags, 0
	binary.LittleEndian.PutUint32(f[12:], crc32.Update(uint32(key), castagnoli, f[4:12]))
	binary.LittleEndian.PutUint32(f, crc32.Update(uint32(key), castagnoli, f[4:]))
	return dst
}
