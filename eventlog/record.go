package eventlog

import (
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
	// What was committed to; see package record.
	MetadataCommitment, BodyCommitment [32]byte
	CommitEnd                          bool // the last record of its commit
}

// makeRecord describes entry i of a run. Its metadata is not copied.
func makeRecord(run *record.Run, i int) Record {
	e := &run.Entries[i]
	return Record{
		Position: Position(run.First) + Position(i), Instant: run.Instant,
		Metadata: e.Metadata, HasBody: e.HasBody(), Erased: e.Erased(),
		MetadataCommitment: e.MetadataCommitment(), BodyCommitment: e.BodyCommitment(),
		CommitEnd: run.Flags&record.FlagLast != 0 && i == len(run.Entries)-1,
	}
}
