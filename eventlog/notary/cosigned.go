package notary

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fhirlog/eventlog/merkle"
)

// CosignedFile is the name of the file of the checkpoints that witnesses cosigned.
const CosignedFile = "cosigned"

// ErrRefused says that what was brought is not a checkpoint of this log, cosigned by a
// witness that is known.
var ErrRefused = errors.New("not a checkpoint of this log that a known witness has cosigned")

// cosigned keeps what witnesses bring back.
type cosigned struct {
	witnesses []*merkle.Witness
	latest    atomic.Pointer[Cosigned]

	mu      sync.Mutex // held while one is added, its sync included: nothing else waits for it
	history *history
}

// Cosigned is a checkpoint that witnesses have cosigned.
type Cosigned struct {
	Published
	By []merkle.Cosignature
}

// openCosigned opens the file if there are witnesses.
func (n *Notary) openCosigned() error {
	c := &n.cosigned
	c.witnesses = n.options.Witnesses
	if len(c.witnesses) == 0 {
		return nil
	}
	var err error
	if c.history, _, err = openHistory(n.options.FS, n.options.Dir, CosignedFile); err != nil {
		return err
	}
	last, _, err := c.history.last(n.key.known)
	if err != nil || last == nil {
		return err
	}
	_, _, by, err := merkle.OpenCosigned(last.Signed, n.key.known, c.witnesses)
	if err != nil {
		return fmt.Errorf("%s: %w", c.history.path, err)
	}
	c.latest.Store(&Cosigned{*last, by})
	return nil
}

// Cosigned is the newest checkpoint with cosignatures, nil if there is none.
func (n *Notary) Cosigned() *Cosigned { return n.cosigned.latest.Load() }

// Cosign takes a checkpoint that was published and that witnesses have cosigned
// since, and keeps it if it is newer than the one there is, or has more cosignatures.
// Signatures of others are left out. Anything else is ErrRefused.
func (n *Notary) Cosign(signed []byte) error {
	c := &n.cosigned
	if len(c.witnesses) == 0 {
		return fmt.Errorf("%w: no witness is known here", ErrRefused)
	}
	checkpoint, clean, by, err := merkle.OpenCosigned(signed, n.key.known, c.witnesses)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case len(by) == 0:
		return fmt.Errorf("%w: there is no cosignature by any of them", ErrRefused)
	case checkpoint.Size > n.Latest().size():
		return fmt.Errorf("%w: it is of %d records", ErrRefused, checkpoint.Size)
	}
	if root, err := merkle.RootAt(n.levels, checkpoint.Size); err != nil {
		return err
	} else if root != checkpoint.Root {
		return fmt.Errorf("%w: its root is another, and still it is signed with the key of this log: somebody else has the key", ErrRefused)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.latest.Load(); now != nil && (now.Size > checkpoint.Size || now.Size == checkpoint.Size && len(now.By) >= len(by)) {
		return nil
	}
	if err := c.history.append(clean); err != nil {
		return err
	}
	c.latest.Store(&Cosigned{Published{checkpoint, clean}, by})
	return nil
}
