package merkle

import "fmt"

// Audit compares a log, given leaf by leaf, with checkpoints of it.
type Audit struct {
	Edge
	checkpoints []Checkpoint
	agreed      uint64 // the size of the last checkpoint that agrees
}

// NewAudit compares with checkpoints, whose sizes do not decrease.
func NewAudit(checkpoints []Checkpoint) (*Audit, error) {
	for i := 1; i < len(checkpoints); i++ {
		if checkpoints[i].Size < checkpoints[i-1].Size {
			return nil, fmt.Errorf("checkpoint %d, of %d records, comes after one of %d", i+1, checkpoints[i].Size, checkpoints[i-1].Size)
		}
	}
	a := &Audit{checkpoints: checkpoints}
	return a, a.compare()
}

// Add takes the next leaf.
func (a *Audit) Add(leaf Hash, out *Levels) error {
	a.Append(leaf, out)
	return a.compare()
}

// compare looks at the checkpoints of the size that is reached.
func (a *Audit) compare() error {
	for ; len(a.checkpoints) > 0 && a.checkpoints[0].Size == a.Size(); a.checkpoints = a.checkpoints[1:] {
		if a.Root() != a.checkpoints[0].Root {
			return &AlteredError{From: a.agreed, Until: a.Size()}
		}
		a.agreed = a.Size()
	}
	return nil
}

// End says what is missing: a log that is shorter than a checkpoint of it.
func (a *Audit) End() error {
	if len(a.checkpoints) > 0 {
		return &ShorterError{Size: a.Size(), Signed: a.checkpoints[len(a.checkpoints)-1].Size}
	}
	return nil
}

// AlteredError says that records are not those that were signed: at least one
// from From up to, not including, Until.
type AlteredError struct{ From, Until uint64 }

// Error names the positions.
func (e *AlteredError) Error() string {
	if e.Until == e.From {
		return fmt.Sprintf("two signed checkpoints of %d records contradict each other", e.Until)
	}
	if e.Until == e.From+1 {
		return fmt.Sprintf("the log was altered: record %d is not the one that was signed", e.From)
	}
	return fmt.Sprintf("the log was altered: among the records from %d to %d at least one is not as it was signed", e.From, e.Until-1)
}

// ShorterError says that records which were signed are missing.
type ShorterError struct{ Size, Signed uint64 }

// Error names both sizes.
func (e *ShorterError) Error() string {
	return fmt.Sprintf("the log was cut: it has %d records, and a signed checkpoint says that it had %d", e.Size, e.Signed)
}
