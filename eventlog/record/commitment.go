package record

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// Sizes in bytes.
const (
	SeedSize       = 16
	SaltSize       = 16
	CommitmentSize = sha256.Size
)

// Domain separation: no two kinds of hash ever have the same input.
const (
	tagMetadata     = 0x01
	tagBody         = 0x02
	tagNoBody       = 0x03
	tagMetadataSalt = 0x11
	tagBodySalt     = 0x12
)

// MetadataSalt derives the salt of the metadata commitment from a seed.
func MetadataSalt(seed [SeedSize]byte) [SaltSize]byte { return deriveSalt(tagMetadataSalt, seed) }

// BodySalt derives the salt of the body commitment from a seed.
func BodySalt(seed [SeedSize]byte) [SaltSize]byte { return deriveSalt(tagBodySalt, seed) }

func deriveSalt(tag byte, seed [SeedSize]byte) [SaltSize]byte {
	var in [1 + SeedSize]byte
	in[0] = tag
	copy(in[1:], seed[:])
	sum := sha256.Sum256(in[:])
	return [SaltSize]byte(sum[:SaltSize])
}

// CommitMetadata computes a metadata commitment.
func CommitMetadata(salt [SaltSize]byte, position uint64, instant int64, metadata []byte) [CommitmentSize]byte {
	var stack [512]byte
	in := append(stack[:0], tagMetadata)
	in = append(in, salt[:]...)
	in = binary.LittleEndian.AppendUint64(in, position)
	in = binary.LittleEndian.AppendUint64(in, uint64(instant))
	in = append(in, metadata...)
	return sha256.Sum256(in)
}

// CommitBody computes a body commitment. A nil body is no body; an empty one is
// a body of length 0.
func CommitBody(salt [SaltSize]byte, body []byte) [CommitmentSize]byte {
	tag := byte(tagBody)
	if body == nil {
		tag = tagNoBody
	}
	var stack [2048]byte
	in := append(append(stack[:0], tag), salt[:]...)
	if len(in)+len(body) <= len(stack) { // most are: one call without allocations
		return sha256.Sum256(append(in, body...))
	}
	h := sha256.New()
	h.Write(in)
	h.Write(body)
	var sum [CommitmentSize]byte
	h.Sum(sum[:0])
	return sum
}

// Chain links each commit to all before it. See the package documentation.
type Chain uint32

// ChainBuilder computes the chain value of one commit.
type ChainBuilder struct{ crc uint32 }

// Begin starts the next commit after the one with chain value c.
func (c Chain) Begin() ChainBuilder {
	var previous [4]byte
	binary.LittleEndian.PutUint32(previous[:], uint32(c))
	return ChainBuilder{crc32.Update(0, castagnoli, previous[:])}
}

// Add takes the next record of the commit.
func (b *ChainBuilder) Add(e *Entry) {
	b.crc = crc32.Update(b.crc, castagnoli, e.Commitments[:])
}

// End gives the chain value; next is the position after the commit.
func (b *ChainBuilder) End(next uint64) Chain {
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], next)
	return Chain(crc32.Update(b.crc, castagnoli, last[:]))
}
