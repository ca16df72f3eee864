package eventlog

import (
	"fmt"
	"io"
	"sync"

	"fhirlog/eventlog/record"
)

// maxRunRecords bounds the records of one frame, so that reading the metadata
// of one record does not read those of thousands.
const maxRunRecords = 64

// Packed is the bodies of one commit, committed-to and compressed, ready for
// Append. It keeps nothing of what Pack was given and serves for one Append.
type Packed struct {
	records []packedRecord
	blocks  []packedBlock
	// Most commits hold one record: these spare it two allocations.
	oneRecord [1]packedRecord
	oneBlock  [1]packedBlock
}

type packedRecord struct {
	flags  uint8
	length int
	seed   [record.SeedSize]byte
	commit [record.CommitmentSize]byte
}

// packedBlock becomes one records frame.
type packedBlock struct {
	records    int
	compressed bool
	data       []byte
}

// Len is the number of records.
func (p *Packed) Len() int { return len(p.records) }

// scratch holds what Pack needs for a moment.
type scratch struct{ joined, compressed, seeds []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Pack does the work on bodies that needs no order: seeds, commitments,
// compression. One element per record of the commit, nil for a record without a
// body. Safe for concurrent use.
func (l *Log) Pack(bodies [][]byte) *Packed {
	p := &Packed{}
	if len(bodies) == 1 {
		p.records, p.blocks = p.oneRecord[:], p.oneBlock[:0]
	} else {
		p.records = make([]packedRecord, len(bodies))
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	l.commitBodies(p, bodies, s)
	for start := 0; start < len(bodies); {
		start = l.packBlock(p, bodies, start, s)
	}
	const keep = 256 << 10
	if cap(s.joined) > keep || cap(s.compressed) > keep || cap(s.seeds) > keep {
		*s = scratch{}
	}
	return p
}

func (l *Log) commitBodies(p *Packed, bodies [][]byte, s *scratch) {
	s.seeds = grow(s.seeds, len(bodies)*record.SeedSize)
	if _, err := io.ReadFull(l.options.Random, s.seeds); err != nil {
		// crypto/rand never fails; a commitment without a seed would hide nothing.
		panic(fmt.Sprintf("read random seeds: %v", err))
	}
	for i, body := range bodies {
		r := &p.records[i]
		copy(r.seed[:], s.seeds[i*record.SeedSize:])
		r.commit = record.CommitBody(record.BodySalt(r.seed), body)
		if body != nil {
			r.flags, r.length = record.EntryHasBody, len(body)
		}
	}
}

// packBlock packs the bodies from start on that go into one block, and returns
// where the next one starts.
func (l *Log) packBlock(p *Packed, bodies [][]byte, start int, s *scratch) int {
	end, size := start+1, len(bodies[start])
	for end < len(bodies) && end-start < maxRunRecords && size+len(bodies[end]) <= l.options.BlockBytes {
		size += len(bodies[end])
		end++
	}
	content := bodies[start]
	if end-start > 1 {
		s.joined = s.joined[:0]
		for _, b := range bodies[start:end] {
			s.joined = append(s.joined, b...)
		}
		content = s.joined
	}
	block := packedBlock{records: end - start}
	s.compressed, block.compressed = l.codec.compress(s.compressed[:0], content)
	if block.compressed {
		content = s.compressed
	}
	if len(content) > 0 {
		block.data = append(make([]byte, 0, len(content)), content...)
	}
	p.blocks = append(p.blocks, block)
	return end
}

// grow gives a slice of that length with the memory of b, if it suffices.
func grow(b []byte, length int) []byte {
	if cap(b) < length {
		return make([]byte, length)
	}
	return b[:length]
}
