package notary

import (
	"bytes"
	"context"
	"errors"
	"time"

	"fhirlog/eventlog/merkle"
)

// checkStep is how many records are compared between two pauses.
const checkStep = 1 << 12

// Checked tells what a check found.
type Checked struct {
	Records uint64
	// Mended is how many entries of level 0 of the stored tree were not what the log
	// gives, while the log gives the signed root: the tree was damaged, and is mended.
	Mended uint64
}

// Check hashes all records up to the newest checkpoint again, and compares them
// with it and with the tree on disk. A log that was changed is a
// *merkle.AlteredError; damage of the tree alone is mended. It pauses between
// steps of a few thousand records.
func (n *Notary) Check(ctx context.Context, pause time.Duration) (Checked, error) {
	p := n.Latest()
	if p.size() == 0 {
		return Checked{}, nil
	}
	c := &comparison{n: n, known: make([]byte, 0, checkStep*merkle.HashSize)}
	err := n.compare(ctx, p.Size, pause, c)
	if err != nil {
		return Checked{}, err
	}
	if c.Root() != p.Root {
		from, until := c.firstDifference, p.Size
		if c.differ > 0 {
			until = from + 1 // the tree says what was signed, if it leads to the root
			if root, err := merkle.RootAt(n.levels, p.Size); err != nil || root != p.Root {
				from, until = 0, p.Size
			}
		}
		return Checked{}, &merkle.AlteredError{From: from, Until: until}
	}
	result := Checked{Records: p.Size, Mended: c.differ}
	if !c.damaged {
		return result, nil
	}
	again := &comparison{n: n, known: c.known, mend: true}
	return result, errors.Join(n.compare(ctx, p.Size, pause, again), n.levels.mended())
}

// comparison hashes the log again and compares what comes out with the files.
type comparison struct {
	merkle.Edge
	n       *Notary
	mend    bool // write what differs
	known   []byte
	pending merkle.Levels
	done    [merkle.TileLevels]uint64 // entries

	damaged         bool   // anything differs
	differ          uint64 // entries of level 0 that do
	firstDifference uint64
}

func (n *Notary) compare(ctx context.Context, size uint64, pause time.Duration, c *comparison) error {
	err := n.leaves(ctx, 0, size, func(position uint64, leaf merkle.Hash) error {
		c.Append(leaf, &c.pending)
		if (position+1)%checkStep != 0 {
			return nil
		}
		if err := c.step(); err != nil {
			return err
		}
		return sleep(ctx, pause)
	})
	if err != nil {
		return err
	}
	return c.step()
}

// step compares what was computed with what the files say.
func (c *comparison) step() error {
	for level, entries := range c.pending {
		if len(entries) == 0 {
			continue
		}
		c.known = append(c.known[:0], entries...) // for its length
		if err := c.n.levels.ReadLevel(level, c.done[level], c.known); err != nil {
			return err
		}
		if !bytes.Equal(c.known, entries) {
			c.damaged = true
			if level == 0 {
				c.count(entries)
			}
			if c.mend {
				if err := c.n.levels.overwrite(level, c.done[level], entries); err != nil {
					return err
				}
			}
		}
		c.done[level] += uint64(len(entries) / merkle.HashSize)
		c.pending[level] = entries[:0]
	}
	return nil
}

func (c *comparison) count(entries []byte) {
	for i := 0; i < len(entries); i += merkle.HashSize {
		if !bytes.Equal(entries[i:i+merkle.HashSize], c.known[i:i+merkle.HashSize]) {
			if c.differ == 0 {
				c.firstDifference = c.done[0] + uint64(i/merkle.HashSize)
			}
			c.differ++
		}
	}
}

func sleep(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
