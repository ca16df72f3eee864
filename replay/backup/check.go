package backup

import (
	"context"
	"errors"
	"fmt"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// CheckOptions of a check. The zero value works, but for the dictionaries of the log.
type CheckOptions struct {
	Log      eventlog.Options // Keys excepted
	OpenKeys OpenKeys         // needed if the log is encrypted
	// Key is the public key that checkpoints must be signed with, from elsewhere; empty
	// for the one in the backup.
	Key string
	// Progress, if set, is told now and then how many bytes have been read.
	Progress func(done, total int64)
}

// Checked tells what a check has found.
type Checked struct {
	Records, Erased uint64
	Checkpoints     int
	Signed          uint64 // records, by the last checkpoint
	Root            merkle.Hash
	Key             string // of the checkpoints
}

// Check reads all of a backup, and verifies it as eventlog.Verify does a folder: every
// hash, frame, commitment, the chain, and the tree against all signed checkpoints. The
// first damage is the error: a *DamagedError for an object, an
// *eventlog.CorruptError for what is wrong in the log, a *merkle.AlteredError for a log
// that is not the one that was signed.
func (s *Stored) Check(ctx context.Context, o CheckOptions) (Checked, error) {
	signed, err := s.signed(ctx, o.Key)
	if err != nil {
		return Checked{}, err
	}
	audit, err := merkle.NewAudit(signed.all)
	if err != nil {
		return Checked{}, err
	}
	for i := range s.Files {
		if _, err := s.small(ctx, s.Files[i].Path); err != nil {
			return Checked{}, err
		}
	}
	if o.Log.Keys, err = s.openKeys(ctx, o.OpenKeys); err != nil {
		return Checked{}, err
	}
	segments, err := eventlog.NewSegmentReader(o.Log)
	if err != nil {
		return Checked{}, err
	}
	leaves := &leafVisitor{audit: audit}
	done, total := int64(0), s.Bytes()
	var previous *eventlog.SegmentInfo
	for i := range s.Segments {
		described, err := s.Segments[i].info(s.LogID)
		if err != nil {
			return Checked{}, err
		}
		found, err := segments.Check(ctx, s.segment(ctx, i), described.Number, leaves)
		if err == nil && found != described {
			err = &eventlog.CorruptError{Segment: described.Number, Err: errors.New("it is not what the manifest says of it")}
		}
		if err == nil {
			err = found.Continues(previous)
		}
		if err != nil {
			return Checked{}, err
		}
		previous = &found
		if done += found.Bytes; o.Progress != nil {
			o.Progress(done, total)
		}
	}
	if err := audit.End(); err != nil {
		return Checked{}, err
	}
	c := Checked{Records: s.Records, Erased: leaves.erased, Checkpoints: len(signed.all), Root: audit.Root(), Key: signed.key}
	if n := len(signed.all); n > 0 {
		c.Signed = signed.all[n-1].Size
	}
	return c, nil
}

// leafVisitor hashes records to the tree.
type leafVisitor struct {
	audit  *merkle.Audit
	out    merkle.Levels
	erased uint64
}

// Record takes the next record.
func (v *leafVisitor) Record(r *eventlog.Record) error {
	if r.Erased {
		v.erased++
	}
	leaf := merkle.Leaf{CommitEnd: r.CommitEnd, Metadata: r.MetadataCommitment, Body: r.BodyCommitment}
	if err := v.audit.Add(leaf.Hash(), &v.out); err != nil {
		return err
	}
	for i := range v.out { // nobody wants them
		v.out[i] = v.out[i][:0]
	}
	return nil
}

// Done has nothing to do.
func (v *leafVisitor) Done() error { return nil }

// timeline is what a manifest knows of the time: a segment's worth too late at most.
type timeline struct{ *Manifest }

// Applied is the number of records.
func (t timeline) Applied() uint64 { return t.Records }

// Before is no less than the number of records before an instant.
func (t timeline) Before(instant int64) (uint64, error) {
	before := uint64(0)
	for i := range t.Segments {
		if t.Segments[i].FirstInstant < instant {
			before = t.Segments[i].Next
		}
	}
	return before, nil
}

// CommitEnd is no less than the end of the commit that a position belongs to.
func (t timeline) CommitEnd(position uint64) (uint64, error) {
	for i := range t.Segments {
		if position < t.Segments[i].Next {
			return t.Segments[i].Next, nil
		}
	}
	return 0, fmt.Errorf("position %d is not in the backup", position)
}
