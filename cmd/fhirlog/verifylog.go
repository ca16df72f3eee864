package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
	"fhirlog/replay"
)

// logAudit takes what eventlog.Verify reads, and compares it with what was signed,
// with the stored tree, and with the erasures on the log.
type logAudit struct {
	// Owned by whoever joins the segments:
	audit    *merkle.Audit
	erasures replay.ErasureAudit
	stored   *notary.Stored
	out      merkle.Levels
	damaged  error // of the stored tree: the first one
}

// segment takes the records of one segment. Segments are read side by side.
func (l *logAudit) segment(eventlog.Position) eventlog.SegmentVisitor { return &segmentAudit{log: l} }

// segmentAudit remembers of the records of a segment what has to be looked at in
// the order of the log.
type segmentAudit struct {
	log      *logAudit
	leaves   []byte
	erasures []replay.Erasure
}

// Record hashes a record to its leaf.
func (s *segmentAudit) Record(r *eventlog.Record) error {
	leaf := merkle.Leaf{CommitEnd: r.CommitEnd, Metadata: r.MetadataCommitment, Body: r.BodyCommitment}
	hash := leaf.Hash()
	s.leaves = append(s.leaves, hash[:]...)
	erasure, matters, err := replay.ErasureOf(r)
	if err != nil {
		return fmt.Errorf("record %d: %w", r.Position, err)
	}
	if matters {
		s.erasures = append(s.erasures, erasure)
	}
	return nil
}

// Done adds the segment to the tree.
func (s *segmentAudit) Done() error {
	l := s.log
	for i := 0; i < len(s.leaves); i += merkle.HashSize {
		if err := l.audit.Add(merkle.Hash(s.leaves[i:]), &l.out); err != nil {
			return err
		}
	}
	for i := range s.erasures {
		l.erasures.Add(&s.erasures[i])
	}
	if l.damaged == nil {
		l.damaged = l.stored.Compare(&l.out)
	}
	for i := range l.out {
		l.out[i] = l.out[i][:0]
	}
	return nil
}

// end says what the whole log lacks.
func (l *logAudit) end() error {
	if err := l.audit.End(); err != nil {
		return err
	}
	if position, ok := l.erasures.Unnamed(); ok {
		return fmt.Errorf("the body or the id of record %d is erased, and no event on the log has taken it: it was removed by hand", position)
	}
	return nil
}

// tree says what is wrong with the stored tree, up to the last checkpoint.
func (l *logAudit) tree() error {
	if l.damaged != nil {
		return l.damaged
	}
	if len(l.stored.Signed) == 0 {
		return nil
	}
	last, err := merkle.CheckpointOf(l.stored.Signed[len(l.stored.Signed)-1])
	if err != nil {
		return err
	}
	return l.stored.Compared(last.Size)
}

// bytesProgress shows a bar on a terminal, and nothing elsewhere.
func bytesProgress(description string) func(done, total int64) {
	if !isTerminal(os.Stderr) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(total,
				progressbar.OptionSetDescription(description),
				progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowBytes(true),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(),
				progressbar.OptionSetPredictTime(true),
			)
		}
		_ = bar.Set64(done) // a terminal that cannot be written is no reason to stop
	}
}
