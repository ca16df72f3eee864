package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"fhirlog/eventlog/merkle"
	"fhirlog/replay/backup"
)

// ancestry is the proof that a fork begins as another log did.
type ancestry struct {
	merkle.ConsistencyProof
	signed merkle.Checkpoint // of the other log
	key    string
}

// mostPrefix bounds the file of such a proof.
const mostPrefix = 1 << 20

// ancestry reads and checks the proof of a fork; nil of a folder that is none, or of a
// log that was never signed.
func (f *folder) ancestry() (*ancestry, error) {
	if f.Fork == nil {
		return nil, nil
	}
	path := filepath.Join(f.path, backup.AncestorFolder, backup.PrefixFile)
	text, err := readBounded(path, mostPrefix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &ancestry{}
	if err := json.Unmarshal(text, &a.ConsistencyProof); err != nil || a.Format != merkle.ConsistencyFormat {
		return nil, fmt.Errorf("%s is no proof that one log is the beginning of another", path)
	}
	public, err := readBounded(filepath.Join(f.path, backup.AncestorFolder, "key.pub"), mostPrefix)
	if err != nil {
		return nil, err
	}
	a.key = strings.TrimSpace(string(public))
	known, err := knownKey(a.key)
	if err != nil {
		return nil, err
	}
	if a.signed, err = a.Check(known); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if a.Size != a.signed.Size {
		return nil, fmt.Errorf("%s leads to %d records, and its checkpoint is of %d", path, a.Size, a.signed.Size)
	}
	return a, nil
}

// began adds what the proof says to checkpoints of the log, in no order.
func (a *ancestry) began(checkpoints []merkle.Checkpoint) []merkle.Checkpoint {
	if a == nil {
		return checkpoints
	}
	return append(checkpoints, merkle.Checkpoint{Origin: a.signed.Origin, Size: a.From.Size, Root: a.From.Root})
}

// print tells what was proven.
func (a *ancestry) print() {
	if a == nil {
		return
	}
	fmt.Printf("fork         the first %d records are those of %s, as its checkpoint of %d records says\n", a.From.Size, a.signed.Origin, a.signed.Size)
	fmt.Printf("             signed with %s: compare this key with the one that you got from elsewhere\n", a.key)
}
