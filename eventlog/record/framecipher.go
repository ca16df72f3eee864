package record

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// Scheme says how the records frames of a segment are encrypted.
type Scheme uint8

// The schemes.
const (
	Plain     Scheme = 0
	AES256GCM Scheme = 1
)

// Sizes in bytes.
const (
	CipherKeySize = 32
	NonceSize     = 12
	// SealedOverhead is what encryption adds to a payload.
	SealedOverhead = NonceSize + 16
)

// Cipher encrypts the records frames of one file. Safe for concurrent use.
type Cipher struct {
	gcm     cipher.AEAD
	segment [8]byte
}

// NewCipher makes that of the file with such an id. The key is that file's alone.
func NewCipher(key [CipherKeySize]byte, segment [8]byte) *Cipher {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of this size is always one
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return &Cipher{gcm: gcm, segment: segment}
}

// SealedRunSize is RunSize of an encrypted frame.
func SealedRunSize(entries, block int) int {
	return FrameSize(SealedOverhead + runHeaderSize + entries + block)
}

// AppendRun appends the records frame of r, encrypted, as it stands at that offset of the
// file. A nonce serves once.
func (c *Cipher) AppendRun(dst []byte, r *Run, key Key, offset int64, nonce [NonceSize]byte) []byte {
	dst, start := beginFrame(dst)
	dst = append(dst, nonce[:]...)
	from := len(dst)
	dst = r.appendPayload(dst)
	additional := c.additional(offset, KindRecords, r.Flags)
	dst = c.gcm.Seal(dst[:from], nonce[:], dst[from:], additional[:])
	return finishFrame(dst, start, KindRecords, r.Flags, key)
}

// Open decrypts a records frame that stands at that offset, in place: what its payload
// shared memory with is overwritten.
func (c *Cipher) Open(f Frame, offset int64) (Frame, error) {
	if len(f.Payload) < SealedOverhead {
		return Frame{}, fmt.Errorf("%w: encrypted frame of %d bytes", ErrMalformed, len(f.Payload))
	}
	sealed := f.Payload[NonceSize:]
	additional := c.additional(offset, f.Kind, f.Flags)
	plain, err := c.gcm.Open(sealed[:0], f.Payload[:NonceSize], sealed, additional[:])
	if err != nil {
		return Frame{}, fmt.Errorf("%w: what is encrypted is not what was written here", ErrMalformed)
	}
	f.Payload, f.Length = plain, len(plain)
	return f, nil
}

// additional is what is authenticated with a frame, and not encrypted.
func (c *Cipher) additional(offset int64, kind FrameKind, flags uint8) (a [20]byte) {
	copy(a[:], c.segment[:])
	binary.LittleEndian.PutUint64(a[8:], uint64(offset))
	a[16], a[17], a[18] = frameMagic, byte(kind), flags
	return a
}
