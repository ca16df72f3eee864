package eventlog

import (
	"fmt"

	"fhirlog/eventlog/record"
)

// Record is one record as read. Its slices must not be changed.
type Record struct {
	Position Position
	Instant  int64 // of its commit, milliseconds since 1970
	Metadata []byte
	Body     []byte // nil without a body, or when bodies were not asked for
	HasBody  bool   // there is a body to read
	Erased   bool   // there was a body, and it was erased
	// MetadataErased: the metadata were erased, and the body with them if there was
	// one. Metadata is what stands in their place, which nothing was committed to.
	MetadataErased bool
	CommitEnd      bool // the last record of its commit
	// What was committed to, and the seed of the salts (the metadata salt when the
	// body was erased, zeros when the metadata were); see package record. Verify checks
	// them.
	MetadataCommitment, BodyCommitment [record.CommitmentSize]byte
	Seed                               [record.SeedSize]byte
}

// Verify recomputes the commitments: that of the metadata, and that of the body
// if it was read or there never was one. There is nothing to compute them of when the
// metadata were erased.
func (r *Record) Verify() error {
	if r.MetadataErased {
		return nil
	}
	salt := r.Seed
	if !r.Erased {
		salt = record.MetadataSalt(r.Seed)
	}
	if record.CommitMetadata(salt, uint64(r.Position), r.Instant, r.Metadata) != r.MetadataCommitment {
		return fmt.Errorf("metadata of record %d is not what was committed to", r.Position)
	}
	if r.Erased || r.HasBody && r.Body == nil {
		return nil
	}
	if record.CommitBody(record.BodySalt(r.Seed), r.Body) != r.BodyCommitment {
		return fmt.Errorf("body of record %d is not what was committed to", r.Position)
	}
	return nil
}

// makeRecord describes entry i of a run. Its metadata is not copied.
func makeRecord(run *record.Run, i int) Record {
	e := &run.Entries[i]
	return Record{
		Position: Position(run.First) + Position(i), Instant: run.Instant,
		Metadata: e.Metadata, HasBody: e.HasBody(), Erased: e.Erased(), MetadataErased: e.MetadataErased(),
		MetadataCommitment: e.MetadataCommitment(), BodyCommitment: e.BodyCommitment(),
		Seed:      e.Seed,
		CommitEnd: run.Flags&record.FlagLast != 0 && i == len(run.Entries)-1,
	}
}
