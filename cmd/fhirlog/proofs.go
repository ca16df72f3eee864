package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"fhirlog/domain"
	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
	"fhirlog/httpapi"
)

var _ httpapi.Proofs = proofs{}

// proofs answers for the notary over HTTP.
type proofs struct{ n *notary.Notary }

// PublicKey is the notary's.
func (p proofs) PublicKey() string { return p.n.PublicKey() }

// Checkpoint is the newest one.
func (p proofs) Checkpoint(ctx context.Context) ([]byte, error) {
	latest, err := p.n.Covering(ctx, 0)
	if err != nil {
		return nil, explainProof(err)
	}
	return latest.Signed, nil
}

// Tile gives a tile by its path.
func (p proofs) Tile(path string) (entries []byte, full bool, err error) {
	tile, err := merkle.ParseTile(path)
	if err != nil {
		message := "There is nothing: " + err.Error() + "."
		if strings.HasPrefix(path, "tile/entries/") || strings.HasPrefix(path, "tile/data/") {
			message = "Bundles of entries are not served: they would be the records themselves, and hold patients' data."
		}
		return nil, false, domain.NewError(domain.NotFound, message)
	}
	entries, err = p.n.Tile(tile)
	return entries, tile.Width == merkle.TileWidth, explainProof(err)
}

// Cosigned is the newest checkpoint that witnesses have cosigned.
func (p proofs) Cosigned() ([]byte, error) {
	latest := p.n.Cosigned()
	if latest == nil {
		return nil, domain.NewError(domain.NotFound, "No witness has cosigned a checkpoint yet.")
	}
	return latest.Signed, nil
}

// Cosign takes a checkpoint that witnesses have cosigned.
func (p proofs) Cosign(signed []byte) error { return explainProof(p.n.Cosign(signed)) }

// Prove proves a record.
func (p proofs) Prove(ctx context.Context, r httpapi.ProofRequest) ([]byte, error) {
	proof, err := p.n.Prove(ctx, notary.Wanted{Position: r.Position, From: r.Size, BodySalt: r.BodySalt})
	if err != nil {
		return nil, explainProof(err)
	}
	return marshalProof(proof)
}

// Consistency proves that the log only grew.
func (p proofs) Consistency(ctx context.Context, from, to uint64) ([]byte, error) {
	proof, err := p.n.Consistency(ctx, from, to)
	if err != nil {
		return nil, explainProof(err)
	}
	return marshalProof(proof)
}

func marshalProof(proof any) ([]byte, error) {
	text, err := json.MarshalIndent(proof, "", "  ")
	return append(text, '\n'), err
}

// explainProof gives a failure the kind that a client is told of.
func explainProof(err error) error {
	kind, message := domain.Internal, ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, notary.ErrRefused):
		kind, message = domain.Invalid, "This is "+err.Error()+"."
	case errors.Is(err, notary.ErrNotFound), errors.Is(err, eventlog.ErrNotFound):
		kind, message = domain.NotFound, "This is "+err.Error()+"."
	case errors.Is(err, notary.ErrFailing), errors.Is(err, notary.ErrStopped), errors.Is(err, notary.ErrDamagedTree):
		kind, message = domain.Unavailable, "The log cannot be proven at the moment; what it holds is not touched by that. Try again later."
	default:
		return err
	}
	return &domain.Error{Kind: kind, Issues: []domain.Issue{{Message: message}}, Err: err}
}
