package record

import (
	"encoding/binary"
	"fmt"
)

// Flags of an entry.
const (
	EntryHasBody uint8 = 1 // the record has, or had, a body
	EntryErased  uint8 = 2 // the body was erased: Seed is the metadata salt
	// EntryMetadataErased: the metadata were erased, and the body with them if there
	// was one. What stands in their place is not committed to; Seed is zero.
	EntryMetadataErased uint8 = 4

	knownEntryFlags = EntryHasBody | EntryErased | EntryMetadataErased
)

// MaxStub bounds what stands in the place of erased metadata.
const MaxStub = 1 << 16

const (
	runHeaderSize     = 24
	entryFixedSize    = 1 + SeedSize + 2*CommitmentSize
	minimalEntrySize  = entryFixedSize + 2
	maxLengthOfBodies = 1 << 31
)

// Entry is one record of a Run.
type Entry struct {
	Flags    uint8
	Body     int // length of the uncompressed body; 0 when absent or erased
	Metadata []byte
	Seed     [SeedSize]byte
	// The commitments, metadata first, as they stand in the frame.
	Commitments [2 * CommitmentSize]byte
}

// HasBody reports whether the body can be read.
func (e *Entry) HasBody() bool { return e.Flags&(EntryHasBody|EntryErased) == EntryHasBody }

// Erased reports whether the body was erased.
func (e *Entry) Erased() bool { return e.Flags&EntryErased != 0 }

// MetadataErased reports whether the metadata were erased: Metadata is what stands in
// their place then.
func (e *Entry) MetadataErased() bool { return e.Flags&EntryMetadataErased != 0 }

// MetadataCommitment is the first of the two commitments.
func (e *Entry) MetadataCommitment() [CommitmentSize]byte {
	return [CommitmentSize]byte(e.Commitments[:CommitmentSize])
}

// BodyCommitment is the second of the two commitments.
func (e *Entry) BodyCommitment() [CommitmentSize]byte {
	return [CommitmentSize]byte(e.Commitments[CommitmentSize:])
}

// MetadataSalt is what the metadata commitment was salted with; nobody has it any
// more when the metadata were erased.
func (e *Entry) MetadataSalt() [SaltSize]byte {
	if e.Erased() {
		return e.Seed
	}
	return MetadataSalt(e.Seed)
}

// Run is the content of a records frame: consecutive records of one commit.
type Run struct {
	First   uint64 // position of the first record
	Instant int64  // milliseconds since 1970
	Flags   uint8  // of the frame
	Entries []Entry
	Block   []byte // as stored
}

// Next is the position after the last record.
func (r *Run) Next() uint64 { return r.First + uint64(len(r.Entries)) }

// Compressed reports whether Block has to be decompressed.
func (r *Run) Compressed() bool { return r.Flags&FlagCompressed != 0 }

// BlockLength is the length of the block when decompressed.
func (r *Run) BlockLength() int {
	total := 0
	for i := range r.Entries {
		total += r.Entries[i].Body
	}
	return total
}

// EntrySize is what a record adds to a frame, its metadata included and its
// share of the block not.
func EntrySize(metadata, body int) int {
	return entryFixedSize + uvarintSize(uint64(metadata)) + uvarintSize(uint64(body)) + metadata
}

// RunSize is the size of a records frame whose entries take so much (the sum of
// EntrySize) and whose block takes so much.
func RunSize(entries, block int) int { return FrameSize(runHeaderSize + entries + block) }

// AppendRun appends the records frame of r.
func AppendRun(dst []byte, r *Run, key Key) []byte {
	dst, start := beginFrame(dst)
	return finishFrame(r.appendPayload(dst), start, KindRecords, r.Flags, key)
}

func (r *Run) appendPayload(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, r.First)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Instant))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.Entries)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.Block)))
	for i := range r.Entries {
		e := &r.Entries[i]
		dst = append(dst, e.Flags)
		dst = binary.AppendUvarint(dst, uint64(len(e.Metadata)))
		dst = binary.AppendUvarint(dst, uint64(e.Body))
		dst = append(dst, e.Seed[:]...)
		dst = append(dst, e.Commitments[:]...)
	}
	for i := range r.Entries {
		dst = append(dst, r.Entries[i].Metadata...)
	}
	return append(dst, r.Block...)
}

// DecodeRun reads a records frame into r and reuses its Entries. Metadata and
// Block share memory with the frame.
func DecodeRun(f Frame, r *Run) error {
	if f.Kind != KindRecords || len(f.Payload) < runHeaderSize {
		return fmt.Errorf("%w: not a records frame", ErrMalformed)
	}
	p := f.Payload
	r.First = binary.LittleEndian.Uint64(p)
	r.Instant = int64(binary.LittleEndian.Uint64(p[8:]))
	count := int(binary.LittleEndian.Uint32(p[16:]))
	block := int(binary.LittleEndian.Uint32(p[20:]))
	r.Flags = f.Flags
	p = p[runHeaderSize:]
	if count < 1 || block > len(p) || count > (len(p)-block)/minimalEntrySize || r.First > r.First+uint64(count) {
		return fmt.Errorf("%w: %d records in %d bytes", ErrMalformed, count, len(f.Payload))
	}
	if cap(r.Entries) < count {
		r.Entries = make([]Entry, count)
	}
	r.Entries = r.Entries[:count]
	r.Block = p[len(p)-block:]
	return r.decodeEntries(p[:len(p)-block])
}

func (r *Run) decodeEntries(p []byte) error {
	rest, bodies := p, 0
	for i := range r.Entries {
		e := &r.Entries[i]
		if len(rest) < minimalEntrySize {
			return fmt.Errorf("%w: descriptor %d is cut", ErrMalformed, i)
		}
		e.Flags = rest[0]
		metadata, n := binary.Uvarint(rest[1:])
		if n <= 0 || metadata > uint64(len(p)) {
			return fmt.Errorf("%w: metadata length of descriptor %d", ErrMalformed, i)
		}
		rest = rest[1+n:]
		body, n := binary.Uvarint(rest)
		if n <= 0 || body > maxLengthOfBodies-uint64(bodies) || (body > 0 && !e.HasBody()) {
			return fmt.Errorf("%w: body length of descriptor %d", ErrMalformed, i)
		}
		rest = rest[n:]
		if len(rest) < SeedSize+2*CommitmentSize {
			return fmt.Errorf("%w: descriptor %d is cut", ErrMalformed, i)
		}
		e.Body = int(body)
		bodies += e.Body
		copy(e.Seed[:], rest)
		copy(e.Commitments[:], rest[SeedSize:])
		if !e.sound(metadata) {
			return fmt.Errorf("%w: descriptor %d, of flags %#x", ErrMalformed, i, e.Flags)
		}
		rest = rest[SeedSize+2*CommitmentSize:]
		// The length only, for now: the metadata follow all descriptors.
		e.Metadata = p[:metadata]
	}
	for i := range r.Entries {
		length := len(r.Entries[i].Metadata)
		if length > len(rest) {
			return fmt.Errorf("%w: metadata %d is cut", ErrMalformed, i)
		}
		r.Entries[i].Metadata = rest[:length:length]
		rest = rest[length:]
	}
	if len(rest) != 0 || (!r.Compressed() && len(r.Block) != bodies) {
		return fmt.Errorf("%w: lengths do not add up", ErrMalformed)
	}
	return nil
}

// sound reports whether flags, seed and the length of the metadata go together.
func (e *Entry) sound(metadata uint64) bool {
	if e.Flags&^knownEntryFlags != 0 {
		return false
	}
	return !e.MetadataErased() || !e.HasBody() && e.Seed == [SeedSize]byte{} && metadata <= MaxStub
}

func uvarintSize(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}
