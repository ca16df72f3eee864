package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"fhirlog/eventlog/merkle"
	"fhirlog/eventlog/notary"
)

// checkpoints opens all signed checkpoints, those of the folder and those that are
// given, in order of size.
func (c *verifyCommand) checkpoints(stored *notary.Stored, public string) ([]merkle.Checkpoint, error) {
	if public == "" {
		if len(stored.Signed)+len(c.Checkpoint) > 0 {
			return nil, errors.New("there are checkpoints, and no public key to verify them with: give it with --key")
		}
		return nil, nil
	}
	known, err := knownKey(public)
	if err != nil {
		return nil, err
	}
	all := make([]merkle.Checkpoint, 0, len(stored.Signed)+len(c.Checkpoint))
	for i, signed := range stored.Signed {
		checkpoint, err := merkle.OpenCheckpoint(signed, known)
		if err != nil {
			return nil, fmt.Errorf("checkpoint %d of the folder: %w", i+1, err)
		}
		if i > 0 && (checkpoint.Size < all[i-1].Size || checkpoint.Origin != all[0].Origin) {
			return nil, fmt.Errorf("checkpoint %d of the folder, of %d records of %s, does not follow the one before, of %d records of %s", i+1, checkpoint.Size, checkpoint.Origin, all[i-1].Size, all[i-1].Origin)
		}
		all = append(all, checkpoint)
	}
	for _, file := range c.Checkpoint {
		signed, err := readBounded(file, merkle.MaxSignedBytes)
		if err != nil {
			return nil, err
		}
		checkpoint, err := merkle.OpenCheckpoint(signed, known)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, checkpoint)
	}
	return inOrder(all), nil
}

// inOrder sorts checkpoints by size.
func inOrder(all []merkle.Checkpoint) []merkle.Checkpoint {
	slices.SortStableFunc(all, func(a, b merkle.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return all
}

// cosigned verifies what the given witnesses have cosigned, and says of each what is
// the latest it has seen.
func (c *verifyCommand) cosigned(stored *notary.Stored, public string) (seen []string, all []merkle.Checkpoint, err error) {
	witnesses, err := readWitnesses(c.Witness)
	if err != nil || len(witnesses) == 0 || public == "" {
		return nil, nil, err
	}
	known, err := knownKey(public)
	if err != nil {
		return nil, nil, err
	}
	latest := map[string]string{}
	for i, signed := range stored.Cosigned {
		checkpoint, _, by, err := merkle.OpenCosigned(signed, known, witnesses)
		if err != nil {
			return nil, nil, fmt.Errorf("cosigned checkpoint %d of the folder: %w", i+1, err)
		}
		all = append(all, checkpoint)
		for _, cosignature := range by {
			at := time.Unix(int64(min(cosignature.Time, math.MaxInt64)), 0).UTC().Format(time.RFC3339)
			latest[cosignature.Witness] = fmt.Sprintf("%s has seen %d records at %s, as its clock said", cosignature.Witness, checkpoint.Size, at)
		}
	}
	for _, w := range witnesses {
		if latest[w.Name()] == "" {
			latest[w.Name()] = w.Name() + " has cosigned nothing"
		}
		seen = append(seen, latest[w.Name()])
	}
	return seen, all, nil
}

// knownKey makes the verifier of a public key.
func knownKey(public string) (note.Verifiers, error) {
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("%q is not the public key of a log: it is <name>+<hash>+<data>, in one line", public)
	}
	return note.VerifierList(verifier), nil
}

// readKey takes a key as it is, or reads it from a file.
func readKey(given string) (string, error) {
	if given == "" {
		return "", nil
	}
	if _, err := note.NewVerifier(given); err == nil {
		return given, nil
	}
	text, err := readBounded(given, merkle.MaxSignedBytes)
	if err != nil {
		return "", fmt.Errorf("--key is neither the public key of a log nor a file with one: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return text, err
}
