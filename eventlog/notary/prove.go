package notary

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/record"
)

// ErrNotFound says that there is no such tile, record or size.
var ErrNotFound = errors.New("not on the log")

// ErrDamagedTree says that the entries on disk do not give the signed root.
// Check mends them.
var ErrDamagedTree = errors.New("the stored tree is damaged: it does not lead to the signed root")

// Tile gives the entries of a tile that the newest checkpoint covers, or
// ErrNotFound.
func (n *Notary) Tile(t merkle.Tile) ([]byte, error) {
	if !t.Within(n.Latest().size()) {
		return nil, fmt.Errorf("%w: the newest checkpoint does not cover %s", ErrNotFound, t)
	}
	entries := make([]byte, t.Width*merkle.HashSize)
	return entries, n.levels.ReadLevel(t.Level, t.Index*merkle.TileWidth, entries)
}

// Wanted is what a proof is asked to hold.
type Wanted struct {
	Position uint64
	// From adds that the checkpoint continues one of that size. 0 for none.
	From uint64
	// BodySalt adds the salt of the body, Body the body as well; neither is there if
	// it was erased.
	BodySalt, Body bool
}

// Prove proves that a record is on the log, by the newest checkpoint, or one that
// it waits for (see Covering). It gives ErrNotFound for what is not there yet.
func (n *Notary) Prove(ctx context.Context, w Wanted) (*merkle.Proof, error) {
	if durable := uint64(n.log.Durable()); w.Position >= durable || w.From > durable {
		return nil, fmt.Errorf("%w: the log has %d records", ErrNotFound, durable)
	}
	p, err := n.Covering(ctx, max(w.Position+1, w.From))
	if err != nil {
		return nil, err
	}
	read := n.log.ReadMetadata
	if w.Body {
		read = n.log.Read
	}
	r, err := read(eventlog.Position(w.Position))
	if err != nil {
		return nil, err
	}
	proof := proofOf(&r, &w)
	proof.Checkpoint = string(p.Signed)
	if proof.Path, err = merkle.InclusionPath(n.levels, p.Size, w.Position); err != nil {
		return nil, err
	}
	// What is damaged on disk is found here, and not by whoever trusts the proof.
	if tlog.CheckRecord(proof.Path, int64(p.Size), p.Root, int64(w.Position), leafOf(&r)) != nil {
		return nil, ErrDamagedTree
	}
	if w.From > 0 {
		if proof.From, err = n.consistency(w.From, p.Size); err == nil {
			err = n.sound(proof.From, p)
		}
	}
	return proof, err
}

// proofOf is what the record itself gives to a proof.
func proofOf(r *eventlog.Record, w *Wanted) *merkle.Proof {
	p := &merkle.Proof{
		Format: merkle.ProofFormat, Position: uint64(r.Position), Instant: r.Instant, Time: merkle.TimeText(r.Instant),
		CommitEnd: r.CommitEnd, Metadata: r.Metadata, MetadataErased: r.MetadataErased,
		MetadataCommitment: r.MetadataCommitment, BodyCommitment: r.BodyCommitment,
		HasBody: r.HasBody, Erased: r.Erased,
	}
	salt := r.Seed
	switch {
	case r.MetadataErased: // so are all salts
		p.Format, p.MetadataSalt = merkle.ErasedProofFormat, []byte{}
		return p
	case !r.Erased:
		salt = record.MetadataSalt(r.Seed)
	}
	p.MetadataSalt = salt[:]
	if (w.BodySalt || w.Body) && !r.Erased {
		bodySalt := record.BodySalt(r.Seed)
		p.BodySalt, p.Body = bodySalt[:], r.Body
	}
	return p
}

func (n *Notary) consistency(from, to uint64) (c *merkle.Consistency, err error) {
	c = &merkle.Consistency{Size: from, Path: []merkle.Hash{}}
	if c.Root, err = merkle.RootAt(n.levels, from); err != nil {
		return nil, err
	}
	path, err := merkle.ConsistencyPath(n.levels, from, to)
	c.Path = append(c.Path, path...)
	return c, err
}

// sound checks a consistency that goes out.
func (n *Notary) sound(c *merkle.Consistency, p *Published) error {
	if c.Check(p.Checkpoint, n.key.known) != nil {
		return ErrDamagedTree
	}
	return nil
}

// Consistency proves that the log of size from is the beginning of the log of size
// to; 0 stands for that of the newest checkpoint.
func (n *Notary) Consistency(ctx context.Context, from, to uint64) (*merkle.ConsistencyProof, error) {
	if durable := uint64(n.log.Durable()); max(from, to) > durable {
		return nil, fmt.Errorf("%w: the log has %d records", ErrNotFound, durable)
	}
	p, err := n.Covering(ctx, max(from, to))
	if err != nil {
		return nil, err
	}
	if to == 0 {
		to = p.Size
	}
	if from > to {
		return nil, fmt.Errorf("%w: a log of %d records is not the beginning of one of %d", ErrNotFound, from, to)
	}
	c, err := n.consistency(from, to)
	if err != nil {
		return nil, err
	}
	proof := &merkle.ConsistencyProof{Format: merkle.ConsistencyFormat, From: *c, Size: to, Checkpoint: string(p.Signed)}
	if proof.Root, err = merkle.RootAt(n.levels, to); err != nil {
		return nil, err
	}
	if _, err := proof.Check(n.key.known); err != nil {
		return nil, ErrDamagedTree
	}
	return proof, nil
}
