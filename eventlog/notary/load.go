package notary

import (
	"context"
	"errors"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// writeBytes is how much is written at once when the tree is computed anew.
const writeBytes = 1 << 20

// load makes the tree that of the last checkpoint, and compares it with the log.
// What was followed beyond it is forgotten: it will be followed again.
func (n *Notary) load(ctx context.Context) (rebuilt bool, err error) {
	last := n.published.Load()
	if durable := uint64(n.log.Durable()); durable < last.size() {
		return false, &merkle.ShorterError{Size: durable, Signed: last.Size}
	}
	edge, err := n.resume(last)
	if err != nil {
		return false, err
	}
	if edge == nil {
		rebuilt = true
		edge, err = n.rebuild(ctx, last.size())
	} else {
		err = n.checkTail(ctx, last.size())
	}
	if err != nil {
		return false, err
	}
	n.mu.Lock()
	n.edge, n.pending = *edge, merkle.Levels{}
	n.mu.Unlock()
	return rebuilt, nil
}

// resume takes the tree as it is on disk, or gives nil if it is not the one that
// was signed.
func (n *Notary) resume(last *Published) (*merkle.Edge, error) {
	if whole, err := n.levels.holds(last.size()); err != nil || !whole {
		return nil, err
	}
	edge, err := merkle.ResumeEdge(n.levels, last.size())
	if err != nil {
		return nil, err
	}
	if last != nil && edge.Root() != last.Root {
		return nil, nil
	}
	return edge, n.levels.cut(last.size())
}

// errEnough ends a scan.
var errEnough = errors.New("enough")

// leaves calls fn with the leaf hashes of the records in [from, until).
func (n *Notary) leaves(ctx context.Context, from, until uint64, fn func(position uint64, leaf merkle.Hash) error) error {
	if from >= until {
		return nil
	}
	err := n.log.Scan(ctx, eventlog.Position(from), false, func(r eventlog.Record) error {
		if uint64(r.Position) >= until {
			return errEnough
		}
		return fn(uint64(r.Position), leafOf(&r))
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// leafOf is the hash of a record's leaf.
func leafOf(r *eventlog.Record) merkle.Hash {
	leaf := merkle.Leaf{CommitEnd: r.CommitEnd, Metadata: r.MetadataCommitment, Body: r.BodyCommitment}
	return leaf.Hash()
}

// rebuild computes the tree of that size from the log, and compares it with all
// checkpoints on the way.
func (n *Notary) rebuild(ctx context.Context, size uint64) (*merkle.Edge, error) {
	checkpoints, err := n.history.all()
	if err != nil {
		return nil, err
	}
	audit, err := merkle.NewAudit(checkpoints)
	if err != nil {
		return nil, err
	}
	if err := n.levels.cut(0); err != nil {
		return nil, err
	}
	var out merkle.Levels
	err = n.leaves(ctx, 0, size, func(_ uint64, leaf merkle.Hash) error {
		if err := audit.Add(leaf, &out); err != nil {
			return err
		}
		if len(out[0]) < writeBytes {
			return nil
		}
		return n.drain(&out)
	})
	if err == nil {
		err = n.drain(&out)
	}
	if err == nil {
		err = audit.End()
	}
	if err != nil {
		return nil, err
	}
	return &audit.Edge, n.levels.sync()
}

// drain writes entries and empties them.
func (n *Notary) drain(out *merkle.Levels) error {
	err := n.levels.write(out)
	for i := range out {
		out[i] = out[i][:0]
	}
	return err
}

// checkTail compares the latest records before that size with the tree.
func (n *Notary) checkTail(ctx context.Context, size uint64) error {
	from := size - min(size, tailChecked)
	known := make([]byte, (size-from)*merkle.HashSize)
	if err := n.levels.ReadLevel(0, from, known); err != nil {
		return err
	}
	return n.leaves(ctx, from, size, func(position uint64, leaf merkle.Hash) error {
		if merkle.Hash(known[(position-from)*merkle.HashSize:]) != leaf {
			return &merkle.AlteredError{From: position, Until: position + 1}
		}
		return nil
	})
}
